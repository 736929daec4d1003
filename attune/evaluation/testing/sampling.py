"""Which test rows generators are tested on."""

from collections.abc import Sequence
from typing import Any

from attune.generators.held_out import sample
from attune.generators.prompts import examples


def sampled(rows: Sequence[dict[str, Any]], most: int, seed: int) -> list[dict[str, Any]]:
    """The first `most` rows when their conversations are put into seeded order; the same again from that sample."""
    by_id = {each.id: row for each, row in zip(examples(rows), rows, strict=True)}
    return [by_id[each.id] for each in sample(examples(rows), most, seed)]
