"""What must hold between the sections of params.yaml, and which packages their values need."""

import re
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from typing import NamedTuple

from attune.parameters.data import OwnRows
from attune.parameters.sections import Parameters
from attune.parameters.types import PUBLISHED_DOMAINS

# Names of columns and rows in the tables that list generators by name, and of what the chat page lists beside them.
RESERVED = {"default", "id", "prompt", "retrieved", "target", "targets", "cobert"}
# What stands beside recipes in the tables of rankings.
RESERVED_RECIPES = {"untrained", "tfidf", "bm25", "cosine", "cosine_context", "cosine_persona", "cosine_bm25"}

# What the stage base_encoders writes beside the bases, into models/base.
RESERVED_BASES = {"encoder", "embedder"}


class Check(NamedTuple):
    """`problems` gives a sentence for each problem; it reads no other `sections` of its parameters."""

    sections: tuple[str, ...]
    problems: Callable[[Parameters], Iterable[str]]


def _names_are_free(parameters: Parameters) -> Iterator[str]:
    for name in sorted(RESERVED & parameters.generators.keys()):
        yield f"a generator cannot be called {name!r}, which has another meaning in the tables"


def _recipes_names_are_free(parameters: Parameters) -> Iterator[str]:
    for name in sorted(RESERVED_RECIPES & parameters.recipes.keys()):
        yield f"a recipe cannot be called {name!r}, which has another meaning in the tables"
    for name in parameters.recipes:
        if re.fullmatch(r"personas_\d+", name):  # what stages/recipes.py writes for each of personas.counts
            yield f"a recipe cannot be called {name!r}, as the persona ablation calls its own; give it another name"


def _bases_names_are_free(parameters: Parameters) -> Iterator[str]:
    for name in sorted(RESERVED_BASES & parameters.bases.keys()):
        yield f"a base cannot be called {name!r}, as the folder models/base/{name} is; give it another name"


def _bases_and_corpora_exist(parameters: Parameters) -> Iterator[str]:
    for name, generator in parameters.generators.items():
        for key, section in (("base", parameters.bases), ("corpus", parameters.corpora)):
            named = getattr(generator, key)
            if named not in section:
                called = "bases" if key == "base" else "corpora"
                yield f"generators.{name}.{key} = {named!r} is no entry of {called}: {', '.join(section)}"


def _recipes_exist(parameters: Parameters) -> Iterator[str]:
    yield from _unknown("cobert.recipes", parameters.cobert.recipes, "recipes", parameters.recipes)
    yield from _unknown("compare.recipes", parameters.compare.recipes, "recipes", parameters.recipes)
    yield from _unknown("personas.recipe", [parameters.personas.recipe], "recipes", parameters.recipes)
    yield from _unknown("seeds.recipes", parameters.seeds.recipes, "recipes", parameters.recipes)


def _generators_exist(parameters: Parameters) -> Iterator[str]:
    generation, known = parameters.generation, parameters.generators
    decoded = sorted(generation.decoding.keys() - {"default"})
    yield from _unknown("seeds.generators", parameters.seeds.generators, "generators", known)
    yield from _unknown("generation.decoding", decoded, "generators", known)
    yield from _unknown("generation.sweep.generators", generation.sweep.generators, "generators", known)
    yield from _unknown("generation.questions.generators", generation.questions.generators, "generators", known)


def _unknown(key: str, names: Iterable[str], section: str, entries: Iterable[str]) -> Iterator[str]:
    known = list(entries)
    for name in names:
        if name not in known:
            yield f"{key} names {name!r}, which is no entry of {section}: {', '.join(known)}"


def _domains_exist(parameters: Parameters) -> Iterator[str]:
    """Those that no corpus can have; one's own data are read later for those that they have."""
    own = (entry.columns or () for entry in parameters.corpora.values() if isinstance(entry, OwnRows))
    if any("domain" in columns for columns in own):
        return
    for key, domains in (
        ("cobert.domains", parameters.cobert.domains),
        ("compare.domains", parameters.compare.domains),
        ("seeds.domains", parameters.seeds.domains),
        ("personas.domain", [parameters.personas.domain]),
    ):
        for domain in domains:
            if domain not in PUBLISHED_DOMAINS:
                yield (
                    f"{key}: {domain!r} is no domain; it may be {', '.join(PUBLISHED_DOMAINS)}, or what the column "
                    "`domain` of your own data holds"
                )


def _what_is_used_is_trained(parameters: Parameters) -> Iterator[str]:
    trained = parameters.cobert.recipes
    for key, name in (
        ("retrieval.recipe", parameters.retrieval.recipe),
        ("transfer.recipe", parameters.transfer.recipe),
        ("rag.recipe", parameters.rag.recipe),
    ):
        if name not in trained:
            yield f"{key} = {name!r} is not trained; cobert.recipes: {', '.join(trained)}"
    for name in parameters.compare.recipes:
        if name in trained:
            yield f"compare.recipes names {name!r}, which cobert.recipes trains already; name it once"


def _compared_domains_are_trained(parameters: Parameters) -> Iterator[str]:
    yield from _unknown("compare.domains", parameters.compare.domains, "cobert.domains", parameters.cobert.domains)


def _something_is_compared(parameters: Parameters) -> Iterator[str]:
    if not parameters.compare.recipes:
        yield (
            "compare.recipes is empty, and the studies compare at least one further recipe with cobert.recipes; name "
            "one of recipes that is not among those"
        )


def _something_has_seeds(parameters: Parameters) -> Iterator[str]:
    seeds = parameters.seeds
    if not seeds.generators and not (seeds.recipes and seeds.domains):
        yield (
            "seeds names nothing that the studies could train with several seeds; name a generator in "
            "seeds.generators, or a recipe in seeds.recipes and a domain in seeds.domains"
        )


def _batches_are_shared_evenly(parameters: Parameters) -> Iterator[str]:
    """A generator's need not be: a process that has no row of a batch waits for the others."""
    count = parameters.launcher.processes
    for name, recipe in parameters.recipes.items():
        if recipe.batch_size % count:
            yield (
                f"recipes.{name}.batch_size = {recipe.batch_size} must be a multiple of launcher.processes = {count}, "
                "which share each batch"
            )


def _four_bits_are_not_sharded(parameters: Parameters) -> Iterator[str]:
    for name, generator in parameters.generators.items():
        if parameters.launcher.fsdp and generator.load_in_4bit:
            yield f"generators.{name}: load_in_4bit does not work with launcher.fsdp; set one to false"


def _what_has_seeds_is_trained_on_rows_that_exist(parameters: Parameters) -> Iterator[str]:
    known = (name for name in parameters.seeds.generators if name in parameters.generators)
    for name in known:
        generator = parameters.generators[name]
        if not generator.trains:
            yield (
                f"seeds.generators names {name!r}, which is not trained (method: {generator.method}), so that no seed "
                "changes it; leave it out"
            )
        elif parameters.seeds.draws and not generator.rows.startswith("processed/"):
            yield (
                f"seeds.generators names {name!r}, whose rows have passages, which are not retrieved for other draws; "
                "leave it out, or set seeds.varies to order"
            )


def _openvino_is_installed(parameters: Parameters) -> Iterator[str]:
    if parameters.index.backend == "openvino" and find_spec("openvino") is None:
        yield (
            "index.backend: 'openvino' needs the package openvino, which is not installed; run `make setup`, or set it "
            "to torch"
        )


def _bitsandbytes_is_installed(parameters: Parameters) -> Iterator[str]:
    in_4bit = [name for name, generator in parameters.generators.items() if generator.load_in_4bit]
    if in_4bit and find_spec("bitsandbytes") is None:
        yield (
            f"generators.{in_4bit[0]}.load_in_4bit: true needs the extra `gpu`, which is not installed; run "
            "`pip install -e '.[gpu]'`"
        )


AGREEMENT = (
    Check(("generators",), _names_are_free),
    Check(("recipes",), _recipes_names_are_free),
    Check(("bases",), _bases_names_are_free),
    Check(("generators", "bases", "corpora"), _bases_and_corpora_exist),
    Check(("recipes", "cobert", "compare", "personas", "seeds"), _recipes_exist),
    Check(("generators", "seeds", "generation"), _generators_exist),
    Check(("corpora", "cobert", "compare", "seeds", "personas"), _domains_exist),
    Check(("cobert", "retrieval", "transfer", "rag", "compare"), _what_is_used_is_trained),
    Check(("launcher", "recipes"), _batches_are_shared_evenly),
    Check(("launcher", "generators"), _four_bits_are_not_sharded),
    Check(("seeds", "generators"), _what_has_seeds_is_trained_on_rows_that_exist),
    Check(("index",), _openvino_is_installed),
    Check(("generators",), _bitsandbytes_is_installed),
)
# What must also hold for the studies; the main job runs without.
STUDIES = (
    Check(("cobert", "compare"), _compared_domains_are_trained),
    Check(("compare",), _something_is_compared),
    Check(("seeds",), _something_has_seeds),
)
