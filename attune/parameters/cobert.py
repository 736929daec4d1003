"""The sections of params.yaml about CoBERT and the other matchers."""

import ast
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from attune.parameters.types import (
    MOST,
    Count,
    Distinct,
    Key,
    Length,
    NotNegative,
    Positive,
    Rate,
    Section,
    Share,
    SubsetName,
)

_MATCHERS = Path(__file__).parents[1] / "cobert" / "matchers.py"


@cache
def matcher_names() -> tuple[str, ...]:
    """The keys of MATCHERS in attune/cobert/matchers.py, read from its source: importing it would import torch."""
    (registry,) = (
        node.value
        for node in ast.parse(_MATCHERS.read_text(encoding="utf-8")).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "MATCHERS"
    )
    assert isinstance(registry, ast.Dict)
    return tuple(ast.literal_eval(key) for key in registry.keys if key is not None)


def _known_matcher(name: str) -> str:
    if name not in matcher_names():
        raise ValueError(f"unknown matcher {name!r}; it may be {', '.join(matcher_names())}")
    return name


class Cobert(Section):
    """The trained models, recipes x subsets x domains, and the candidates that they are tested on."""

    recipes: Annotated[list[Key], Field(min_length=1), Distinct]
    subsets: Annotated[list[SubsetName], Field(min_length=1), Distinct]
    domains: Annotated[list[Key], Field(min_length=1), Distinct]
    candidates: Annotated[int, Field(ge=2, le=MOST)]
    drawn_from: Literal["test_split", "in_batch"]


class Compare(Section):
    """Further recipes, trained and tested on the first of cobert.subsets for each of `domains`."""

    recipes: Annotated[list[Key], Distinct]
    domains: Annotated[list[Key], Field(min_length=1), Distinct]


class Seeds(Section):
    """Recipes and generators that are trained with several seeds, of the order of training, of the draw, or of both."""

    values: Annotated[list[NotNegative], Field(min_length=2), Distinct]
    varies: Literal["order", "draw", "both"]
    recipes: Annotated[list[Key], Distinct]
    domains: Annotated[list[Key], Distinct]
    generators: Annotated[list[Key], Distinct]

    @property
    def draws(self) -> bool:
        return self.varies != "order"

    def of_training(self, seed: int, main: int) -> int:
        """The seed of the order of training; main: the main job's."""
        return main if self.varies == "draw" else seed


def _ascending(counts: list[int]) -> list[int]:
    if counts != sorted(set(counts)):
        raise ValueError(
            f"{counts} must be ascending, with no number twice: the first, as the fewest, is compared with all others"
        )
    return counts


class Personas(Section):
    """The persona ablation: `recipe` trained and tested with each number of persona sentences, the fewest first."""

    counts: Annotated[list[NotNegative], Field(min_length=2), AfterValidator(_ascending)]
    recipe: Key
    domain: Key
    subset: SubsetName


class Transfer(Section):
    """`recipe`, one of cobert.recipes, tested on every domain of cobert.domains."""

    recipe: Key


class Retrieval(Section):
    """`recipe`, one of cobert.recipes, orders the `shortlist` replies that the sentence index proposes."""

    recipe: Key
    shortlist: Count


class Recipe(Section):
    """How one model is trained; null `lr` and `max_length` stand for the top-level values."""

    lr: Rate | None
    max_length: Length | None
    early_stopping: Count | None
    epochs: Count
    batch_size: Annotated[int, Field(ge=2, le=MOST)]
    accumulation: Count
    turn_length: Count = 30
    num_personas: NotNegative
    score_scale: Positive
    attention_scale: Positive = 1.0
    frozen_layers: NotNegative
    matching: Annotated[str, AfterValidator(_known_matcher)] = "co_attention"
    matcher_lr: Rate | None = None
    extra_negatives: NotNegative = 0
    hard_negatives: Count | None = None
    cross_batch_memory: bool = False
    valid_candidates: Annotated[int, Field(ge=2, le=MOST)] | None = None
    every_turn: bool = False
    micro_batch: Count | None = None
    dropout: Share | None = None
    interpolate: bool = False
    bf16: bool = False

    @model_validator(mode="after")
    def one_source_of_extra_negatives(self) -> Self:
        if self.cross_batch_memory and self.hard_negatives is not None:
            raise ValueError(
                f"cross_batch_memory takes the extra negatives from the last batches, and hard_negatives = "
                f"{self.hard_negatives} from the nearest replies; leave one of them out"
            )
        if self.cross_batch_memory and not self.extra_negatives:
            raise ValueError(
                "cross_batch_memory is where extra negatives come from, and extra_negatives is 0; set that to "
                "batch_size, for instance"
            )
        return self

    @model_validator(mode="after")
    def interpolated_encoder(self) -> Self:
        if self.interpolate and self.matching == "cross_encoder":
            raise ValueError("interpolate is for the encoder's layers, and matching: cross_encoder trains none of them")
        return self

    @model_validator(mode="after")
    def hard_negatives_are_extra_ones(self) -> Self:
        if self.hard_negatives is not None and not self.extra_negatives:
            raise ValueError(
                f"hard_negatives = {self.hard_negatives} is where extra negatives are drawn from, and extra_negatives "
                "is 0; set it to batch_size, for instance"
            )
        return self
