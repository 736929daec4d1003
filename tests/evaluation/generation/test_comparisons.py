from typing import Any

import pytest

from attune.evaluation.generation.comparisons import answer_comparisons, comparisons, pairs_of, without_passages
from attune.evaluation.generation.summary import by_system, grouped
from tests.evaluation.generation.test_summary import PLAIN, RAG, row
from tests.generators.tiny import generator

GENERATORS = {
    "g": generator("full"),
    "r": generator("full", rows="passages/empathetic_dialogues", passage_tokens=16),
    "l": generator("lora"),
}


def of(name: str, rows: list[dict[str, Any]], **changes: Any) -> list[dict[str, Any]]:
    return [each | {"generator": name} | changes for each in rows]


def test_each_generator_is_compared_with_its_base_and_its_variants() -> None:
    found = comparisons(by_system([*PLAIN, *RAG]), {"g": GENERATORS["g"]}, seed=1)
    assert [(each.before, each.after, each.score, each.difference) for each in found] == [
        ("base of g", "g", "loss", -1.0),
        ("g", "g+rag", "loss", -0.5),
        ("g", "g+rag", "loss_target_not_given", -0.5),
    ]
    assert [each.family for each in found] == ["training generators", "passages, loss", "passages, loss"]
    # Six conversations are as few as an interval needs; only two of them are given no passage with the target.
    assert [each.low is None for each in found] == [False, False, True]


def test_where_no_passage_has_the_target_the_loss_is_of_those_replies_alone() -> None:
    """Passages are worth 4 nats to the five replies that they do not hold, and 40 of 44 to that which they do."""
    rag = [each | {"nats": 4.0 if at else 0.0} for at, each in enumerate(RAG)]
    before = [*PLAIN[1:], PLAIN[0] | {"nats": 44.0}]
    found = {each.score: each.difference for each in comparisons(by_system([*before, *rag]), {"g": GENERATORS["g"]}, 1)}
    assert (found["loss"], found["loss_target_not_given"]) == (pytest.approx(-64 / 24), -1)


def test_the_units_of_replies_without_the_target_are_decided_of_all_replies() -> None:
    """Of six people, five are given passages without it: too few for an interval, whatever their conversations."""
    people = [*"aabbccddee", "f"]
    plain = [row(at, cluster=name) for at, name in enumerate(people)]
    rag = [each | {"variant": "rag", "nats": 6 + at % 3, "target_given": at == 10} for at, each in enumerate(plain)]
    found = {each.score: each for each in comparisons(by_system([*plain, *rag]), {"g": GENERATORS["g"]}, 1)}
    assert (found["loss"].low is None, found["loss_target_not_given"].low is None) == (False, True)


def test_each_variant_is_compared_with_what_it_adds_to() -> None:
    assert list(pairs_of("g", GENERATORS)) == [
        ("g", "g+rag"),
        ("g", "g+persona_rag"),
        ("g", "g+oracle_rag"),
        ("g+other_rag", "g+rag"),
        ("g+rag", "g+oracle_rag"),
        ("g+no_persona", "g"),
        ("g+other_persona", "g"),
    ]


def test_the_right_persona_is_compared_with_none_and_with_another_s() -> None:
    changed = {"variant": "no_persona", "nats": 9.0}, {"variant": "other_persona", "nats": 10.0}
    rows = [*PLAIN, *(row(at, **each, reply=None) for each in changed for at in range(6))]
    found = comparisons(by_system(rows), {"g": GENERATORS["g"]}, seed=1)
    assert [(each.before, each.after, each.score, each.difference) for each in found[1:]] == [
        ("g+no_persona", "g", "loss", -0.25),
        ("g+other_persona", "g", "loss", -0.5),
    ]
    assert {each.family for each in found[1:]} == {"personas, loss"}


def test_a_generator_that_was_trained_with_passages_is_compared_with_the_one_that_was_not() -> None:
    assert [without_passages(name, GENERATORS) for name in GENERATORS] == [None, "g", None]
    pairs = list(pairs_of("r", GENERATORS))
    assert pairs[-3:] == [("g", "r+rag"), ("g", "r+persona_rag"), ("g", "r+oracle_rag")]
    assert ("r+rag", "r+oracle_rag") in pairs
    oracle = of("r", RAG, variant="oracle_rag", nats=4.0, reply=None)
    systems = by_system([*PLAIN, *of("r", PLAIN), *of("r", RAG), *oracle])
    found = comparisons(systems, {name: GENERATORS[name] for name in ("g", "r")}, seed=1)
    losses = {(each.before, each.after): each.difference for each in found if each.score == "loss"}
    assert losses["g", "r+rag"] == -0.5
    assert losses["g", "r+oracle_rag"] == -1.0
    assert losses["r+rag", "r+oracle_rag"] == -0.5


def test_generators_whose_replies_are_cut_at_different_lengths_are_not_compared() -> None:
    shorter = generator("full", rows="passages/empathetic_dialogues", passage_tokens=16, max_length=40)
    assert without_passages("r", GENERATORS | {"r": shorter}) is None
    assert without_passages("r", {"r": shorter, "g": GENERATORS["g"], "s": generator("full", max_length=40)}) == "s"
    rows = [*PLAIN, *of("r", PLAIN, tokens=1), *of("r", RAG, tokens=1)]
    found = comparisons(by_system(rows), {"g": GENERATORS["g"], "r": shorter}, seed=1)
    assert {each.before for each in found if each.after == "r+rag"} == {"r"}


def test_generators_that_differ_in_more_than_passages_are_not_compared() -> None:
    fewer, ruled = generator("full", steps=3), generator("full", instruction="Be kind.")
    assert without_passages("r", {"few": fewer, "kind": ruled, **GENERATORS}) == "g"
    assert without_passages("r", {"few": fewer, "kind": ruled, "r": GENERATORS["r"]}) is None


def test_retrieved_replies_are_compared_with_written_ones() -> None:
    meaning = {"similarity": 0.5, "emotion_match": 1.0}
    rows = [row(at, system=name, **meaning) for name in ("retrieved", "g") for at in range(6)]
    found = answer_comparisons(grouped(rows), "retrieved", ["g"], seed=1)
    assert [(each.before, each.after, each.score) for each in found] == [
        ("retrieved", "g", "similarity"),
        ("retrieved", "g", "emotion_match"),
    ]
