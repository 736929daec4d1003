"""params.yaml, read once and typed: a wrong key, type or combination is one clear error before anything starts."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from attune.core.errors import AttuneError
from attune.parameters.cobert import Cobert, Compare, Personas, Recipe, Retrieval, Transfer
from attune.parameters.data import PUBLISHED, Base, Index, Preprocess, Published, Subsets
from attune.parameters.generators import SECTIONS, AnyGenerator, Generation, Rag
from attune.parameters.types import Count, Key, Name, NotNegative, Rate, Section

# Columns and rows of tables in which generators stand by name.
RESERVED = {"default", "id", "prompt", "target", "targets"}


class Parameters(Section):
    source: Name
    on_bad_row: Literal["error", "skip"]
    seed: NotNegative
    threads: Count
    lr: Rate
    max_length: Annotated[int, Field(ge=16)]
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
    transfer: Transfer
    retrieval: Retrieval
    generators: dict[Key, AnyGenerator]
    rag: Rag
    generation: Generation

    @model_validator(mode="after")
    def names_exist(self) -> Self:
        for name in sorted(RESERVED & self.generators.keys()):
            raise ValueError(f"a generator cannot be called {name!r}, which has a meaning of its own in the tables")
        for name, generator in self.generators.items():
            for key, value, entries in (
                ("base", generator.base, self.bases),
                ("corpus", generator.corpus, self.corpora),
            ):
                if value not in entries:
                    section = "bases" if key == "base" else "corpora"
                    raise ValueError(
                        f"generators.{name}.{key} = {value!r} is no entry of {section}: {', '.join(entries)}"
                    )
        for key, name in (
            *(("cobert.recipes", name) for name in self.cobert.recipes),
            *(("compare.recipes", name) for name in self.compare.recipes),
            ("personas.recipe", self.personas.recipe),
        ):
            if name not in self.recipes:
                raise ValueError(f"{key} names {name!r}, which is no entry of recipes: {', '.join(self.recipes)}")
        for key, names in (
            ("generation.decoding", set(self.generation.decoding) - {"default"}),
            ("generation.sweep.generators", set(self.generation.sweep.generators)),
            ("generation.questions.generators", set(self.generation.questions.generators)),
        ):
            for name in sorted(names - self.generators.keys()):
                raise ValueError(f"{key} names {name!r}, which is no entry of generators: {', '.join(self.generators)}")
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

    def recipe(self, name: str) -> dict[str, Any]:
        """The CoBERT recipe `name` in full: the top level's values where it says null, with seed and threads."""
        recipe = self.recipes[name]
        return recipe.model_dump() | {
            "lr": self.lr if recipe.lr is None else recipe.lr,
            "max_length": self.max_length if recipe.max_length is None else recipe.max_length,
            "seed": self.seed,
            "threads": self.threads,
        }


def load(path: Path = Path("params.yaml")) -> Parameters:
    """Read with ruamel, for PyYAML takes the `5e-05` that `dvc exp run -S lr=5e-5` writes for a string."""
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
            return f"{name}: a name is of letters, digits and underscores, for DVC takes a dot for a section of its own"
        case "value_error":
            return f"{key}: {detail['ctx']['error']}" if key else str(detail["ctx"]["error"])
    return f"{key} = {detail['input']!r}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


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
