"""params.yaml, read once and typed: a wrong key, type or combination is a clear error before anything starts."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from attune.core.errors import AttuneError
from attune.parameters.cobert import Cobert, Compare, Personas, Recipe, Retrieval, Seeds, Transfer
from attune.parameters.data import PUBLISHED, Base, Index, Preprocess, Published, Subsets, check_domains
from attune.parameters.generators import SECTIONS, AnyGenerator, Generation, Rag, TrainedSettings
from attune.parameters.types import (
    Key,
    Launcher,
    Length,
    Name,
    NotNegative,
    Rate,
    Section,
    Tracker,
    Workers,
)

# Names of columns and rows in the tables that list generators by name.
RESERVED = {"default", "id", "prompt", "retrieved", "target", "targets"}


class Parameters(Section):
    source: Name
    on_bad_row: Literal["error", "skip"]
    seed: NotNegative
    threads: Workers
    engine: Literal["local", "ray"]
    launcher: Launcher
    report_to: Annotated[list[Tracker], Field(default_factory=list)]
    lr: Rate
    max_length: Length
    encoder: Name
    corpora: dict[Key, Published]
    subsets: Subsets
    preprocess: Preprocess
    bases: dict[Key, Base]
    index: Index
    cobert: Cobert
    recipes: dict[Key, Recipe]
    compare: Compare
    personas: Personas
    seeds: Seeds
    transfer: Transfer
    retrieval: Retrieval
    generators: dict[Key, AnyGenerator]
    rag: Rag
    epitome: Name | None = None
    generation: Generation

    @field_validator("engine")
    @classmethod
    def engine_is_installed(cls, engine: str) -> str:
        if engine == "ray" and find_spec("ray") is None:
            raise ValueError("'ray' needs the extra `ray`, which is not installed; run `pip install -e '.[ray]'`")
        return engine

    @model_validator(mode="after")
    def names_exist(self) -> Self:
        for name in sorted(RESERVED & self.generators.keys()):
            raise ValueError(f"a generator cannot be called {name!r}, which has another meaning in the tables")
        for sentence, name, section in self._references():
            entries = getattr(self, section)
            if name not in entries:
                raise ValueError(f"{sentence.format(name)} no entry of {section}: {', '.join(entries)}")
        return self

    def _references(self) -> Iterator[tuple[str, str, str]]:
        """(beginning of the sentence where it is wrong, a name, the section whose entry it must be)."""
        for name, generator in self.generators.items():
            yield f"generators.{name}.base = {{!r}} is", generator.base, "bases"
            yield f"generators.{name}.corpus = {{!r}} is", generator.corpus, "corpora"
        generation = self.generation
        for key, names, section in (
            ("cobert.recipes", self.cobert.recipes, "recipes"),
            ("compare.recipes", self.compare.recipes, "recipes"),
            ("personas.recipe", [self.personas.recipe], "recipes"),
            ("seeds.recipes", self.seeds.recipes, "recipes"),
            ("seeds.generators", self.seeds.generators, "generators"),
            ("generation.decoding", sorted(generation.decoding.keys() - {"default"}), "generators"),
            ("generation.sweep.generators", generation.sweep.generators, "generators"),
            ("generation.questions.generators", generation.questions.generators, "generators"),
        ):
            for name in names:
                yield f"{key} names {{!r}}, which is", name, section

    @model_validator(mode="after")
    def domains_exist(self) -> Self:
        used = [*self.cobert.domains, *self.compare.domains, *self.seeds.domains, self.personas.domain]
        check_domains(used, self.corpora)
        return self

    @model_validator(mode="after")
    def what_is_used_is_trained(self) -> Self:
        for key, name in (
            ("retrieval.recipe", self.retrieval.recipe),
            ("transfer.recipe", self.transfer.recipe),
            ("rag.recipe", self.rag.recipe),
        ):
            if name not in self.cobert.recipes:
                raise ValueError(f"{key} = {name!r} is not trained; cobert.recipes: {', '.join(self.cobert.recipes)}")
        for name in self.compare.recipes:
            if name in self.cobert.recipes:
                raise ValueError(f"compare.recipes names {name!r}, which cobert.recipes trains already; name it once")
        return self

    @model_validator(mode="after")
    def batches_are_shared_evenly(self) -> Self:
        count = self.launcher.processes
        for section in ("recipes", "generators"):
            for name, entry in getattr(self, section).items():
                size = getattr(entry, "batch_size", count)
                if size % count:
                    raise ValueError(
                        f"{section}.{name}.batch_size = {size} must be a multiple of launcher.processes = {count}, "
                        "which share each batch"
                    )
        return self

    @model_validator(mode="after")
    def four_bits_are_not_sharded(self) -> Self:
        for name, generator in self.generators.items():
            if self.launcher.fsdp and generator.load_in_4bit:
                raise ValueError(f"generators.{name}: load_in_4bit does not work with launcher.fsdp; set one to false")
        return self

    @model_validator(mode="after")
    def what_has_seeds_is_trained_on_rows_that_exist(self) -> Self:
        for name in self.seeds.generators:
            if not isinstance(self.generators[name], TrainedSettings):
                raise ValueError(
                    f"seeds.generators names {name!r}, which is not trained (method: {self.generators[name].method}), "
                    "so that no seed changes it; leave it out"
                )
            if self.seeds.draws and not self.generators[name].rows.startswith("processed/"):
                raise ValueError(
                    f"seeds.generators names {name!r}, whose rows have passages, which are not retrieved for other "
                    "draws; leave it out, or set seeds.varies to order"
                )
        return self

    @model_validator(mode="after")
    def packages_are_installed(self) -> Self:
        if self.index.backend == "openvino" and find_spec("openvino") is None:
            raise ValueError(
                "index.backend: 'openvino' needs the package openvino, which is not installed; run `make setup`, or "
                "set it to torch"
            )
        in_4bit = [name for name, generator in self.generators.items() if generator.load_in_4bit]
        if in_4bit and find_spec("bitsandbytes") is None:
            raise ValueError(
                f"generators.{in_4bit[0]}.load_in_4bit: true needs the extra `gpu`, which is not installed; run "
                "`pip install -e '.[gpu]'`"
            )
        return self

    def trains(self, seed: int, recipe: str, domain: str) -> bool:
        """Whether the main job trains the recipe on the first subset of the domain with this seed."""
        return seed == self.seed and recipe in self.cobert.recipes and domain in self.cobert.domains

    def recipe(self, name: str) -> dict[str, Any]:
        """The CoBERT recipe `name` in full: the top level's values where it says null, seed, threads and processes."""
        recipe = self.recipes[name]
        return recipe.model_dump() | {
            "lr": self.lr if recipe.lr is None else recipe.lr,
            "max_length": self.max_length if recipe.max_length is None else recipe.max_length,
            "seed": self.seed,
            "threads": self.threads,
            "processes": self.launcher.processes,
        }


def load(path: Path = Path("params.yaml")) -> Parameters:
    """Read with ruamel: PyYAML takes the `5e-05` that `dvc exp run -S lr=5e-5` writes for a string.

    Raises
    ------
    AttuneError
        with one line per wrong key or value, which says what would be right.
    """
    try:
        raw = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AttuneError(f"{path} is missing; start in the project's folder") from None
    except YAMLError as error:
        raise AttuneError(f"{path} is not YAML: {error}") from None
    if not isinstance(raw, dict):
        raise AttuneError(f"{path} must hold a mapping of parameters")
    return parse(raw, path)


def parse(raw: dict[str, Any], path: Path) -> Parameters:
    try:
        return Parameters.model_validate(raw)
    except ValidationError as error:
        lines = "\n".join(f"{path}: {_sentence(detail)}" for detail in error.errors())
        raise AttuneError(lines) from None


def _sentence(detail: Any) -> str:
    place = tuple(part for at, part in enumerate(detail["loc"]) if not _is_tag(detail["loc"], at))
    key = ".".join(str(part) for part in place)
    match detail["type"]:
        case "extra_forbidden":
            section = ".".join(str(part) for part in place[:-1]) or "the top level"
            return f"unknown key {key} = {detail['input']!r}; {section} may hold {_known(detail['loc'][:-1])}"
        case "missing":
            return f"the key {key} is missing"
        case "union_tag_not_found":
            return f"the key {key}.method is missing"
        case "union_tag_invalid":
            return f"{key}.method = {detail['ctx']['tag']!r}; it may be {detail['ctx']['expected_tags']}"
        case "string_pattern_mismatch":
            name = key.removesuffix(".[key]")
            return f"{name}: a name consists of letters, digits and underscores; DVC would take a dot for a section"
        case "value_error":
            return f"{key}: {detail['ctx']['error']}" if key else str(detail["ctx"]["error"])
    value = repr(detail["input"])
    value = value if len(value) <= 200 else f"{value[:200]} ..."
    return f"{key} = {value}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _is_tag(location: tuple[str | int, ...], at: int) -> bool:
    """The location of a generator or corpus also holds the tag by which pydantic chose its section."""
    return location[0] in ("generators", "corpora") and at == 2


def _known(location: tuple[str | int, ...]) -> str:
    """The keys that the section at `location` may hold."""
    section: Any = Parameters
    for at, part in enumerate(location):
        if _is_tag(location, at):
            section = (SECTIONS | PUBLISHED)[str(part)]
        elif isinstance(section, type) and issubclass(section, Section):
            section = section.model_fields[str(part)].annotation
        else:  # a mapping by name or a list: its values' type
            section = section.__args__[-1]
    return ", ".join(section.model_fields)
