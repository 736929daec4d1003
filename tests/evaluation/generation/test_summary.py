import math
from typing import Any

import pytest

from attune.evaluation.generation.summary import (
    TARGETS,
    answer_scores,
    by_system,
    estimated_scores,
    grouped,
    means,
    scores,
    system_of,
    targets_of,
    true_answers,
)
from attune.evaluation.tables import nested


def row(at: int, **changes: Any) -> dict[str, Any]:
    """One reply of one conversation: 4 tokens of 2 nats each, 3 under the base."""
    return {
        "generator": "g",
        "variant": "plain",
        "id": f"c{at}/1",
        "conversation": f"c{at}",
        "cluster": "",
        "prompt": "I lost my keys.",
        "target": "Oh no, that is bad.",
        "tokens": 4,
        "nats": 8.0,
        "base_nats": 12.0,
        "passage_replies": [],
        "passage_similarity": None,
        "target_given": False,
        "reply": "Oh no.",
        "truncated": False,
    } | changes


PLAIN = [row(at) for at in range(6)]
GIVEN = {"variant": "rag", "passage_replies": ["Oh.", "Ah."]}
RAG = [row(at, **GIVEN, nats=6.0, passage_similarity=at / 10, target_given=at == 0) for at in range(6)]


def test_systems_are_generators_in_their_variants() -> None:
    assert (system_of("g", "plain"), system_of("g", "rag")) == ("g", "g+rag")
    assert {name: len(rows) for name, rows in by_system([*PLAIN, *RAG[:2]]).items()} == {"g": 6, "g+rag": 2}


def test_scores_are_a_tidy_table() -> None:
    differing = [row(at, nats=7.5 + at % 2) for at in range(6)]
    table = scores(by_system([*differing, *RAG]), seed=1)
    assert list(table.columns) == ["system", "score", "value", "low", "high"]
    values = nested(table, ["system"], intervals=False)
    assert values["g"]["perplexity"] == round(math.exp(2), 4)
    assert values["g"]["base_perplexity"] == round(math.exp(3), 4)
    assert (values["g+rag"]["passages"], values["g+rag"]["target_given"]) == (2, round(1 / 6, 4))
    assert values["g+rag"]["passage_similarity"] == 0.25
    assert values["g+rag"]["passage_like_target"] == round(1 / 6, 4)
    assert not [name for name in values["g"] if name.startswith("passage")]
    assert str(values["g"]["tokens"]) == "24"  # counts stay whole numbers
    estimated = set(table[table["low"].notna()]["score"])
    without_any = {"replies_repeated_3grams", "replies_copied_3grams", "replies_words"}  # all replies agree
    assert estimated | without_any == set(estimated_scores(table)["score"])
    assert {"perplexity", "replies_truncated", "passage_like_target"} <= estimated
    assert estimated.isdisjoint({"base_perplexity", "bleu", "distinct_1", "tokens", "passages"})


def test_prompts_without_passages_count_as_without_one_like_the_target() -> None:
    """2 of 6 prompts have passages, one of them like the target: a sixth of all, and a mean similarity of two."""
    rows = [row(0, **GIVEN, passage_similarity=0.75), row(1, **GIVEN, passage_similarity=0.25)]
    rows[0] |= {"target_given": True}
    rows += [row(at, variant="rag") for at in range(2, 6)]
    values = nested(scores(by_system(rows), seed=1), ["system"])["g+rag"]
    assert (values["passages"], values["target_given"]) == (round(4 / 6, 4), round(1 / 6, 4))
    assert values["passage_like_target"] == round(1 / 6, 4)
    assert values["passage_similarity"] == 0.5
    unlike = nested(scores(by_system([row(at, **GIVEN, passage_similarity=0.1) for at in range(6)]), 1), ["system"])
    assert (unlike["g+rag"]["passage_like_target"], unlike["g+rag"]["passage_like_target_high"]) == (0, 0.4593)


def test_no_fault_in_few_replies_is_no_certainty() -> None:
    """6 conversations without one leave open a share of 1 - .025^(1/6); means that are no shares have no interval."""
    values = nested(scores(by_system([each | {"emotion_match": 0.0} for each in PLAIN]), seed=1), ["system"])["g"]
    assert (values["emotion_match_low"], values["emotion_match"], values["emotion_match_high"]) == (0, 0, 0.4593)
    assert (values["replies_empty_low"], values["replies_empty"], values["replies_empty_high"]) == (0, 0, 0.4593)
    for name, value in (("replies_words", 2), ("replies_repeated_3grams", 0), ("replies_copied_3grams", 0)):
        assert values[name] == value
        assert f"{name}_high" not in values


def test_empty_replies_count_and_what_is_copied_is_the_prompts() -> None:
    replies = ("", "I lost my keys.", "Oh no.", "Oh no.", "Oh no.", "Oh no.")
    rows = [row(at, reply=reply) for at, reply in enumerate(replies)]
    values = nested(scores(by_system(rows), seed=1), ["system"])["g"]
    assert (values["replies_empty"], values["replies"]) == (round(1 / 6, 4), 6)
    assert values["replies_starts_with_input"] == values["replies_copied_3grams"] == round(1 / 6, 4)


def test_the_units_of_replies_are_decided_of_the_prompts_that_have_one() -> None:
    """Of six people, five are replied to: their eight conversations are the units."""
    people = [*"aabbccde", *"ffff"]
    rows = [row(at, cluster=name, reply="Oh." if at < 8 else None) for at, name in enumerate(people)]
    found = means([each | {"similarity": 0.5} for each in rows])
    assert set(found["similarity"].numerator) == set(found["replies_words"].numerator) == {f"c{at}" for at in range(8)}
    every = means([each | {"similarity": 0.5, "reply": "Oh."} for each in rows])
    assert set(every["similarity"].numerator) == {*people}


def test_the_units_of_passages_are_decided_of_all_prompts() -> None:
    """Of six people, five are given passages: they are the units, too few for an interval."""
    people = [*"aabbccdde", "f"]
    similarities = [{"passage_similarity": at / 10} | GIVEN if at < 9 else {} for at in range(10)]
    rows = [row(at, cluster=name) | similarities[at] for at, name in enumerate(people)]
    values = nested(scores(by_system([each | {"variant": "rag"} for each in rows]), seed=1), ["system"])["g+rag"]
    assert values["passage_similarity"] == 0.4
    assert "passage_similarity_low" not in values
    assert "passage_like_target_low" in values


def test_trigrams_that_one_reply_repeats_have_a_percentile_interval() -> None:
    rows = [row(0, reply="I am here. I am here."), *(row(at) for at in range(1, 6))]
    values = nested(scores(by_system(rows), seed=1), ["system"])["g"]
    assert 0 == values["replies_repeated_3grams_low"] < values["replies_repeated_3grams_high"] < 0.4593


def test_one_conversation_has_its_scores_without_intervals_but_those_of_shares() -> None:
    one = estimated_scores(scores(by_system([row(0, id=f"c0/{at}", nats=8.0 + at) for at in range(3)]), seed=1))
    values = nested(one, ["system"])["g"]
    assert values["perplexity"] == round(math.exp(27 / 12), 4)
    assert {name for name in values if name.endswith("_low")} == {
        f"replies_{name}_low"
        for name in (
            "empty",
            "truncated",
            "starts_with_input",
            "extra_turn",
            "repeated_sentences",
        )
    }


def test_targets_are_a_system_without_a_loss() -> None:
    targets = targets_of([*PLAIN, row(6, reply=None)])
    assert {each["reply"] for each in targets} == {"Oh no, that is bad."}
    assert len(targets) == 6
    values = nested(scores(by_system(targets), seed=1), ["system"])[TARGETS]
    assert values["bleu"] == pytest.approx(100)
    assert values["replies"] == 6
    assert "perplexity" not in values


def test_true_replies_are_not_cut_where_the_written_ones_were() -> None:
    cut = [row(at, truncated=True, system="g") for at in range(6)]
    assert means(cut)["replies_truncated"].value == 1
    for true in (targets_of(cut), true_answers(cut)):
        assert means(true)["replies_truncated"].value == 0


def test_a_system_without_replies_has_its_losses_alone() -> None:
    values = nested(scores(by_system([row(at, reply=None) for at in range(6)]), seed=1), ["system"])["g"]
    assert values["perplexity"] == round(math.exp(2), 4)
    assert not [name for name in values if name.startswith(("replies", "distinct", "bleu"))]


def test_answers_are_scored_as_replies_and_the_true_ones_beside_them() -> None:
    rows = [row(at, system=name) for name in ("retrieved", "g") for at in range(6)]
    answers = grouped([*rows, *true_answers(rows)])
    assert {name: len(each) for name, each in answers.items()} == {"retrieved": 6, "g": 6, "targets": 6}
    values = nested(answer_scores(answers, seed=1), ["system"])
    assert values["targets"]["bleu"] == pytest.approx(100)
    assert values["retrieved"]["replies"] == 6
    assert "perplexity" not in values["g"]
