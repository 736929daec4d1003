from dataclasses import replace

from attune.evaluation.testing.sampling import about, sampled
from tests.generators.tiny import dialogue_rows, example


def test_a_sample_of_a_sample_is_the_same() -> None:
    rows = dialogue_rows()
    chosen = sampled(rows, 7, seed=13)
    in_file_order = [row for row in rows if row in chosen]
    assert len(chosen) == 7
    assert chosen != in_file_order
    assert sampled(in_file_order, 7, seed=13) == chosen
    assert sampled(rows, 99, seed=13)[:7] == chosen


def test_replies_in_conversations_that_begin_alike_are_one_unit_where_nobody_and_no_situation_is_named() -> None:
    first, again, other = (
        replace(example(text), history=history, situation="", responder="")
        for text, history in (("What is red?", ()), ("And blue?", ("what is red", "A colour.")), ("And blue?", ()))
    )
    assert about(first)["cluster"] == about(again)["cluster"] != about(other)["cluster"]
    assert about(replace(again, situation="My cat ran away."))["cluster"] == "My cat ran away."
    assert about(replace(again, situation="My cat ran away.", responder="ann"))["cluster"] == "ann"
