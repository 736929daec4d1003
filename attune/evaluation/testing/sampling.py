"""Which test rows generators are tested on, and how tables name them."""

from collections.abc import Sequence
from typing import Any

from attune.generators.held_out import opening, sample
from attune.generators.prompts import Example, examples


def sampled(rows: Sequence[dict[str, Any]], most: int, seed: int) -> list[dict[str, Any]]:
    """The first `most` rows when their conversations are put into seeded order; the same again from that sample."""
    by_id = {each.id: row for each, row in zip(examples(rows), rows, strict=True)}
    return [by_id[each.id] for each in sample(examples(rows), most, seed)]


def about(example: Example) -> dict[str, str]:
    """The columns that say which reply, of whatever split, a row is of, and what it answers."""
    return {
        "id": example.id,
        "conversation": example.conversation,
        "cluster": example.responder or example.situation or opening(example),
        "prompt": example.question,
        "target": example.reply,
    }
