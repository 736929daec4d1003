"""Rows of long conversations: as many turns of context as a model reads, and no more memory than conversations need."""

from typing import Any

import pyarrow as pa
import pytest

from attune.corpora import record_of
from attune.corpora.context import TURNS, context_before
from attune.corpora.processing import AT_ONCE, in_parts, processing
from attune.generators.prompts import examples


def test_short_contexts_are_whole_and_long_ones_keep_the_opening_and_the_last_turns() -> None:
    turns = list(range(1000))
    for turn in range(1, TURNS + 1):
        assert context_before(turns, turn) == turns[:turn]
    for turn in range(TURNS + 1, 1000):
        kept = context_before(turns, turn)
        assert TURNS - 1 <= len(kept) <= TURNS
        assert kept == [0, *turns[turn - len(kept) + 1 : turn]]
        assert all((at - each) % 2 for at, each in zip(kept[1:], kept, strict=False))  # sides alternate


def conversation(name: str, turns: int) -> dict[str, Any]:
    texts = [f"turn {number} of {turns}" for number in range(turns)]
    if name == "openassistant_guanaco":
        return {"id": "a", "system": "", "turns": texts}
    if name == "empathetic_dialogues":
        who = {"conv_id": "a", "emotion": "sad", "situation": "It rained.", "speakers": [0, 1] * (turns // 2)}
    else:
        who = {
            "id": "a",
            "system": "",
            "emotion": "",
            "personas": [],
            "speakers": ["other", "responder"] * (turns // 2),
        }
    return who | {"utterances": texts}


@pytest.mark.parametrize("name", ["mine", "empathetic_dialogues", "openassistant_guanaco"])
def test_rows_grow_as_their_conversation_does(name: str) -> None:
    record, work, sizes = record_of(name), processing(name, True), {}
    for turns in (1000, 2000, 4000):
        table = work(pa.Table.from_pylist([conversation(name, turns)], schema=record.schemas.conversations))
        sizes[turns] = table.nbytes
        made = examples(table.to_pylist())
        assert len({each.id for each in made}) == len(made) == turns // 2
        assert {each.turns[0][1] for each in made} == {f"turn 0 of {turns}"}  # what they are about
        assert [each.turns[-1][1] for each in made] == [f"turn {number} of {turns}" for number in range(0, turns, 2)]
        assert not any(own for each in made for own, _ in each.turns[::2])
    assert sizes[4000] < 2.3 * sizes[2000] < 5.3 * sizes[1000]


def test_long_conversations_are_worked_on_few_at_a_time() -> None:
    schema = record_of("mine").schemas.conversations
    ordinary = pa.Table.from_pylist([conversation("mine", 8)] * 1024, schema=schema)
    assert list(in_parts(ordinary)) == [ordinary]
    long = pa.Table.from_pylist([conversation("mine", turns) for turns in (9000, 60_000, 90, 8, 40_000)], schema=schema)
    parts = list(in_parts(long))
    assert pa.concat_tables(parts).equals(long)
    assert all(part.nbytes <= AT_ONCE or len(part) == 1 for part in parts)
    assert len(parts) == 5
