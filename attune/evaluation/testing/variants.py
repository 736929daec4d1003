"""What a generator is tested with: the same test replies, after other passages or another persona."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attune.core.errors import AttuneError
from attune.evaluation.schemas import NO_PERSONA, OTHER_PERSONA, PLAIN
from attune.evaluation.testing.personas import exchanged, without
from attune.generators.prompts import Example, example, examples

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Variant:
    """examples: the test examples, in the same order in every variant. replied: replies are written too.

    passage_replies: the reply in each passage, by the passage's text.
    """

    name: str
    examples: list[Example]
    replied: bool = True
    passage_replies: Mapping[str, str] = field(default_factory=dict)


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
    by_id = {example(row).id: row for row in retrieved}
    ids = [each.id for each in examples(rows)]
    if not by_id.keys() >= set(ids):
        raise AttuneError(f"{source} lacks test rows; `dvc repro` writes it again")
    chosen = [by_id[each] for each in ids]
    replies = {passage["text"]: passage["reply"] for row in chosen for passage in row["passages"][:k]}
    return Variant(name, examples(chosen, instruction, k), replied, replies)


def with_personas(rows: Rows, instruction: str, seed: int) -> list[Variant]:
    """The rows without a persona, and with another person's if two people have one; only true replies are scored."""
    changed = {NO_PERSONA: without(rows), OTHER_PERSONA: exchanged(rows, seed)}
    return [Variant(name, examples(each, instruction), replied=False) for name, each in changed.items() if each]
