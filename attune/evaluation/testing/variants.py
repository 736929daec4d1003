"""What a generator is tested with: the same test replies, after other passages or another persona."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attune.core.determinism import seeded
from attune.core.errors import AttuneError
from attune.evaluation.schemas import NO_PERSONA, OTHER_PERSONA, OTHER_RAG, PLAIN
from attune.evaluation.testing.exchange import DRAWS, givers
from attune.evaluation.testing.personas import exchanged, without
from attune.evaluation.testing.sampling import about
from attune.generators.prompts import Example, example, examples

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Variant:
    """examples: the test examples, in the same order in every variant. replied: replies are written too.

    passage_replies: the reply in each passage, by the passage's text. redrawn: further draws of what is given at
    random, over which losses are averaged.
    """

    name: str
    examples: list[Example]
    replied: bool = True
    passage_replies: Mapping[str, str] = field(default_factory=dict)
    redrawn: Sequence[list[Example]] = ()


def plain(rows: Rows, instruction: str) -> Variant:
    """The rows without passages; with the persona of a corpus that has one."""
    return Variant(PLAIN, examples(rows, instruction))


def with_passages(
    name: str, rows: Rows, retrieved: Rows, source: Path, instruction: str, k: int, replied: bool = True
) -> Variant:
    """The rows with the first `k` passages that their counterparts in `retrieved`, read from `source`, have.

    Raises
    ------
    AttuneError
        if `retrieved` lacks one of the rows.
    """
    chosen = _counterparts(rows, retrieved, source)
    return Variant(name, examples(chosen, instruction, k), replied, _replies(chosen, k))


def with_others_passages(
    rows: Rows, retrieved: Rows, source: Path, instruction: str, k: int, seed: int
) -> list[Variant]:
    """As `with_passages`, with those of another row that is about something else; none where there is no such row.

    They show what any passages are worth, by their manner and form, for the right ones to be compared with. Who gets
    whose is drawn once: with passages a reply takes twice as long to score as without.
    """
    chosen = _counterparts(rows, retrieved, source)
    groups: dict[str, list[int]] = {}
    for position, each in enumerate(examples(chosen)):
        groups.setdefault(about(each)["cluster"], []).append(position)
    if len(groups) < 2:
        return []
    given_by = givers(list(groups.values()), seeded(seed, "another's passages"))
    others = [row | {"passages": chosen[given_by[at]]["passages"]} for at, row in enumerate(chosen)]
    return [Variant(OTHER_RAG, examples(others, instruction, k), False, _replies(chosen, k))]


def _counterparts(rows: Rows, retrieved: Rows, source: Path) -> Rows:
    """The rows of `retrieved` with the ids of `rows`, in their order."""
    by_id = {example(row).id: row for row in retrieved}
    ids = [each.id for each in examples(rows)]
    if not by_id.keys() >= set(ids):
        raise AttuneError(f"{source} lacks test rows; `dvc repro` writes it again")
    return [by_id[each] for each in ids]


def _replies(rows: Rows, k: int) -> dict[str, str]:
    return {passage["text"]: passage["reply"] for row in rows for passage in row["passages"][:k]}


def with_personas(rows: Rows, instruction: str, seed: int) -> list[Variant]:
    """The rows without a persona, and with another person's if two people have one; only true replies are scored."""
    none = Variant(NO_PERSONA, examples(without(rows), instruction), replied=False)
    first, *further = (examples(exchanged(rows, seed, draw), instruction) for draw in range(DRAWS))
    return [none, Variant(OTHER_PERSONA, first, replied=False, redrawn=further)] if first else [none]
