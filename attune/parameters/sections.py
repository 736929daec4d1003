"""All sections of params.yaml in one class; what must hold between them is in `attune.parameters.agreement`."""

from importlib.util import find_spec
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from attune.parameters.cobert import Cobert, Compare, Personas, Recipe, Retrieval, Seeds, Transfer
from attune.parameters.data import Base, Index, Preprocess, Published, Subsets
from attune.parameters.generation import Generation
from attune.parameters.generators import AnyGenerator, Rag
from attune.parameters.types import (
    Distinct,
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


class Parameters(Section):
    source: Name
    on_bad_row: Literal["error", "skip"]
    seed: NotNegative
    threads: Workers
    engine: Literal["local", "ray"]
    launcher: Launcher
    report_to: Annotated[list[Tracker], Field(default_factory=list), Distinct]
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
    generation: Generation

    @field_validator("engine")
    @classmethod
    def engine_is_installed(cls, engine: str) -> str:
        if engine == "ray" and find_spec("ray") is None:
            raise ValueError("'ray' needs the extra `ray`, which is not installed; run `pip install -e '.[ray]'`")
        return engine

    @property
    def ranked_domains(self) -> list[str]:
        """The domains whose test contexts any model is ranked on, in the main job or a study; each once, sorted."""
        return sorted({*self.cobert.domains, *self.compare.domains, *self.seeds.domains, self.personas.domain})

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
