from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.evaluation.testing.variants import plain, with_others_passages, with_passages, with_personas
from tests.generators.tiny import dialogue_rows
from tests.stages.cobert_project import pec_rows

ROWS = dialogue_rows()[:6]
RETRIEVED = [
    row | {"passages": [{"text": f"{name}: {row['conv_id']}\n", "reply": name} for name in ("one", "two")]}
    for row in reversed(ROWS)
]


def test_passages_come_from_the_row_with_the_same_id() -> None:
    without, given = plain(ROWS, "Be kind."), with_passages("rag", ROWS, RETRIEVED, Path("x"), "Be kind.", 1)
    assert [each.id for each in given.examples] == [each.id for each in without.examples]
    assert [each.passages for each in without.examples] == [()] * 6
    assert given.examples[0].passages == (f"one: {ROWS[0]['conv_id']}\n",)
    assert set(given.passage_replies.values()) == {"one"}
    assert {each.system for each in given.examples} == {"Be kind."}
    both = with_passages("rag", ROWS, RETRIEVED, Path("x"), "", 2)
    assert both.passage_replies == {
        f"{name}: {row['conv_id']}\n": name for row in ROWS for name in ("one", "two")
    }  # of every passage that a prompt may hold


def test_passages_of_other_rows_are_refused() -> None:
    with pytest.raises(AttuneError, match="x lacks test rows"):
        with_passages("rag", ROWS, RETRIEVED[1:], Path("x"), "", 1)


def test_others_passages_are_those_of_rows_about_something_else_and_hang_on_the_seed() -> None:
    about = [row | {"situation": f"Situation {at // 2}."} for at, row in enumerate(ROWS)]
    retrieved = [
        row | {"passages": [{"text": f"{row['situation']} {at}", "reply": f"{at}"}]} for at, row in enumerate(about)
    ]
    by_seed = []
    for seed in range(3):
        (given,) = with_others_passages(about, retrieved, Path("x"), "Be kind.", 1, seed)
        assert (given.name, given.replied, given.redrawn) == ("other_rag", False, ())
        by_seed.append(given.examples)
        examples = given.examples
        assert [each.id for each in examples] == [each.id for each in plain(about, "").examples]
        assert {each.system for each in examples} == {"Be kind."}
        assert not any(each.passages[0].startswith(each.situation) for each in examples)
        assert len({each.passages for each in examples}) == len(about)
        assert {text for each in examples for text in each.passages} <= given.passage_replies.keys()
    assert len({tuple(each.passages for each in examples) for examples in by_seed}) > 1
    pair = retrieved[1:3]
    (given,) = with_others_passages(pair, pair, Path("x"), "", 1, seed=1)
    assert [each.passages[0] for each in given.examples] == [row["passages"][0]["text"] for row in pair[::-1]]
    alone = [row | {"situation": "The same."} for row in retrieved]
    assert with_others_passages(alone, alone, Path("x"), "", 1, seed=1) == []


def test_personas_are_left_out_and_exchanged() -> None:
    rows = pec_rows(16, "test")
    own = [each.persona for each in plain(rows, "").examples]
    none, other = with_personas(rows, "", seed=1)
    assert (none.name, other.name) == ("no_persona", "other_persona")
    assert {none.replied, other.replied} == {False}
    assert {each.persona for each in none.examples} == {()}
    assert all(each.persona != right for each, right in zip(other.examples, own, strict=True))
    assert sorted(each.persona for each in other.examples) == sorted(own)
    assert [each.id for each in other.examples] == [each.id for each in none.examples]
    assert len({tuple(each.persona for each in drawn) for drawn in (other.examples, *other.redrawn)}) == 3


def test_a_single_persona_is_left_out_and_not_exchanged() -> None:
    rows = [row | {"personas": ["i am ann ."]} for row in pec_rows(3, "test")]
    assert [each.name for each in with_personas(rows, "", seed=1)] == ["no_persona"]
