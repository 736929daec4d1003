import math
from typing import Any

import pandas as pd
import pytest

from attune.evaluation.tables import tidy
from attune.parameters import load
from attune.report.differences import Difference, differences
from attune.report.findings import (
    about_answers,
    about_bases,
    about_decoding,
    about_passages,
    about_personas,
    scored,
    sentence,
    why_passages,
)
from tests.project import ROOT

REAL: dict[str, Any] = {"difference": 0.055, "low": 0.029, "high": 0.081, "p": 0.0001, "p_holm": 0.0006}
NOISE: dict[str, Any] = {"difference": 0.01, "low": -0.03, "high": 0.05, "p": 0.64, "p_holm": 1.0}
WORSE: dict[str, Any] = {"difference": -0.2, "low": -0.3, "high": -0.1, "p": 0.001, "p_holm": 0.011}

# Outside zero, but not after correction.
BEFORE: dict[str, Any] = {"difference": -0.2, "low": -0.3, "high": -0.1, "p": 0.02, "p_holm": 0.2}
ANSWERED = tidy(
    {
        "retrieved": {"similarity": 0.4, "similarity_low": 0.3, "similarity_high": 0.5, "replies": 12},
        "targets": {"similarity": 1.0},
    },
    ["system"],
)


def compared(before: str, after: str, score: str, test: dict[str, Any]) -> Difference:
    return Difference("family", before, after, score, **test, effect=0.5)


def test_less_loss_is_better_and_less_similarity_worse() -> None:
    assert sentence(compared("g", "h", "loss", WORSE), {}) == (
        "h is better than g: perplexity −18.1 % (95 % interval −25.9 % to −9.5 %, corrected p = 0.011)"
    )
    assert sentence(compared("g", "h", "similarity", WORSE), {}).startswith("h is worse than g: Similarity")
    assert sentence(compared("g", "h", "mrr", NOISE), {}).startswith(
        "h and g do not differ significantly in MRR (+0.010;"
    )


def test_a_difference_that_the_correction_undoes_is_called_so() -> None:
    line = sentence(compared("g", "h", "mrr", REAL | {"p_holm": 0.2}), {})
    said = "h and g do not differ significantly after correction in MRR (+0.055; 95 % interval +0.029 to +0.081"
    assert line.startswith(f"{said}, corrected p")


def likeness(similarity: float, like: float) -> dict[str, float]:
    return {"passage_similarity": similarity, "passage_like_target": like}


def passages(
    retrieved: dict[str, Any], oracle: dict[str, Any], new: dict[str, Any] | None = None, apart: dict[str, Any] = WORSE
) -> list[str]:
    """apart: the test of the ideal passages against those that are retrieved."""
    scores = tidy({"r+rag": likeness(0.3, 0.1), "r+oracle_rag": likeness(0.6, 0.86)}, ["system"])
    tests = [compared("r", "r+rag", "loss", retrieved), compared("r", "r+oracle_rag", "loss", oracle)]
    tests.append(compared("r+rag", "r+oracle_rag", "loss", apart))
    if new:
        tests.append(compared("r", "r+rag", "loss_target_not_given", new))
    return why_passages(scores, tests, "r", {})


def test_whether_passages_help_comes_with_its_reason() -> None:
    help_, what, could, reason = passages(NOISE, WORSE)
    assert help_.startswith("r+rag and r do not differ significantly in perplexity")
    assert what.startswith(
        "What is retrieved: of the prompts with passages, the reply in the most similar one has a mean"
    )
    assert (
        "a mean similarity of 0.300 to the true reply; 10 % of all prompts have a passage like the true reply (cosine"
        in what
    )
    assert "a mean similarity of 0.600" in could
    assert "86 % of all prompts" in could
    assert "r+oracle_rag is better than r: perplexity −18.1 %" in could
    assert reason.startswith("So retrieval is what limits it")


def test_the_reason_follows_from_the_tests() -> None:
    assert passages(WORSE, WORSE)[-1].startswith("So passages are worth retrieving")
    assert passages(WORSE, WORSE, WORSE)[-1].startswith("So passages are worth retrieving")
    assert passages(WORSE, WORSE, NOISE)[-1] == (
        "So passages help where they contain the reply asked for; elsewhere they neither help nor harm clearly."
    )
    assert passages(WORSE, WORSE, REAL | {"p_holm": 0.1})[-1] == (
        "So passages help where they contain the reply asked for; elsewhere they rather harm, but not significantly "
        "after correction."
    )
    for oracle in (NOISE, REAL):
        assert passages(NOISE, oracle)[-1].startswith("So nothing shows that retrieval limits it")
    for apart in (NOISE, REAL):
        assert passages(WORSE, WORSE, apart=apart)[-1].endswith("most like the true reply do not clearly help more.")
        assert passages(NOISE, WORSE, apart=apart)[-1] == (
            "So nothing shows that retrieval limits it: passages most like the true reply do not clearly help more "
            "than those retrieved."
        )


def test_passages_that_may_only_give_the_reply_away_are_not_said_to_help_without_it() -> None:
    tests = [
        compared("rag", "rag+rag", score, test) for score, test in (("loss", WORSE), ("loss_target_not_given", NOISE))
    ]
    names = {"rag": "R", "full": "F"}
    line = about_passages(tests, "rag", names)
    assert line.startswith(
        "Passages help where they contain the reply asked for; elsewhere they neither help nor harm clearly "
        "(R): perplexity over all prompts lower, −18.1 %"
    )
    assert "; elsewhere, +1.0 % (−3.0 %" in line
    apart = [compared("rag+other_rag", "rag+rag", "loss", NOISE)]
    assert about_passages([*tests, *apart], "rag", names) == (
        f"{line[:-1]}; than with another message's passages, +1.0 % (−3.0 % to +5.1 %, p = 1.00)."
    )
    line = about_passages(tests[:1], "rag", names)
    assert line.startswith("Passages help (R): perplexity lower")


@pytest.mark.parametrize(
    ("elsewhere", "told"),
    [
        (REAL, "; elsewhere they harm (R)"),
        (REAL | {"p_holm": 0.1}, "; elsewhere they rather harm, but not significantly after correction (R)"),
        (WORSE | {"p_holm": 0.1}, "; elsewhere they neither help nor harm clearly (R)"),
        (WORSE, "Passages help (R)"),
        (WORSE, "; where none contains the reply asked for, −18.1 % (−25.9 %"),
    ],
)
def test_passages_that_harm_where_they_do_not_hold_the_reply_are_said_to(elsewhere: dict[str, Any], told: str) -> None:
    tests = [
        compared("rag", "rag+rag", score, test)
        for score, test in (("loss", WORSE), ("loss_target_not_given", elsewhere))
    ]
    assert told in about_passages(tests, "rag", {"rag": "R", "full": "F"})


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ((WORSE, REAL, NOISE), "than 1 of 3 generators; less than 1; from the other 1 it does not clearly differ."),
        ((WORSE, NOISE, NOISE), "than 1 of 3 generators; from the other 2 it does not clearly differ."),
        ((WORSE, WORSE), "than 2 of 2 generators."),
    ],
)
def test_retrieval_is_counted_against_the_generators(found: tuple[dict[str, Any], ...], told: str) -> None:
    tests = [compared("retrieved", "g", "similarity", each) for each in found]
    line = f"On 12 contexts, R answers more like the true reply {told} Highest mean: R, 0.400 (0.300 to 0.500)."
    assert about_answers(tests, ANSWERED, {"retrieved": "R"}) == line


def test_one_generator_is_not_counted() -> None:
    more, less = (compared("retrieved", "g", "similarity", each) for each in (WORSE, REAL))
    for test, word in ((more, "more"), (less, "less")):
        line = about_answers([test], ANSWERED, {"retrieved": "R"})
        assert line.startswith(f"On 12 contexts, R answers {word} like the true reply than the generator. Highest")


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ((NOISE,), "the generator in similarity to the true reply."),
        ((NOISE, NOISE, NOISE), "any of 3 generators in similarity to the true reply."),
        (
            (NOISE, BEFORE, BEFORE),
            "any of 3 generators in similarity to the true reply; before correction 2 are lower.",
        ),
        ((NOISE, BEFORE), "any of 2 generators in similarity to the true reply; before correction 1 is lower."),
    ],
)
def test_what_differs_before_correction_alone_is_told_too(found: tuple[dict[str, Any], ...], told: str) -> None:
    tests = [compared("retrieved", "g", "similarity", each) for each in found]
    line = about_answers(tests, ANSWERED, {"retrieved": "R"})
    assert line.startswith(f"On 12 contexts, R shows no clear difference from {told} Highest mean: R, ")


def test_a_generator_with_the_most_similar_replies_is_named() -> None:
    scores = tidy({"retrieved": {"similarity": 0.2, "replies": 4}, "g": {"similarity": 0.3}}, ["system"])
    line = about_answers([compared("retrieved", "g", "similarity", NOISE)], scores, {"retrieved": "R", "g": "G"})
    assert line.endswith(" Highest mean: G, 0.300.")


def test_a_persona_helps_if_it_is_better_than_none() -> None:
    none, other = (
        compared(f"p+{what}", "p", "loss", test) for what, test in (("no_persona", WORSE), ("other_persona", NOISE))
    )
    line = about_personas([none, other], "p", {"p": "P"})
    assert line.startswith(
        "In writing, a persona helps, but its own not clearly more than another person's (P): perplexity lower than "
        "without one, −18.1 %"
    )
    assert "not clearly lower or higher than with another person's, +1.0 %" in line
    assert about_personas([compared("p+no_persona", "p", "loss", NOISE)], "p", {"p": "P"}).startswith(
        "In writing, a persona does not clearly help (P)"
    )
    assert about_personas([none], "p", {"p": "P"}).startswith(
        "In writing, a persona helps (P): perplexity lower than without one"
    )
    assert about_personas([compared("p+no_persona", "p", "loss", REAL)], "p", {"p": "P"}).startswith(
        "In writing, a persona harms (P): perplexity higher than without one"
    )


def test_generators_are_counted_that_beat_their_base() -> None:
    tests = [compared("base of g", "g", "loss", WORSE), compared("base of h", "h", "loss", NOISE)]
    generators = load(ROOT / "params.yaml").generators
    given = {"g": generators["full"], "h": generators["prompted"]}
    assert about_bases(tests, given, {"g": "G", "h": "H"}) == (
        "1 of 2 generators predict the test replies better than their base does with the same prompt (for H: without "
        "the instruction). The exception is H (perplexity +1.0 %; −3.0 % to +5.1 %, p = 1.00)."
    )
    assert about_bases(tests[:1], {"g": generators["full"]}, {"g": "G"}) == (
        "1 of 1 generators predict the test replies better than their base does with the same prompt."
    )
    none = [compared(f"base of {name}", name, "loss", NOISE) for name in "gh"]
    assert " The exceptions are G (perplexity" in about_bases(none, given, {"g": "G", "h": "H"})


def test_an_interval_without_width_is_not_told() -> None:
    """Of a single conversation, say: it would claim to be exact."""
    assert scored({"value": 14.5, "low": 13.0, "high": 16.0}, "perplexity") == "perplexity 14.5 (13.0 to 16.0)"
    assert scored({"value": 1.0, "low": 1.0, "high": 1.0}, "mrr") == "MRR 1.000"
    assert scored({"value": 1.0, "low": math.nan, "high": math.nan}, "mrr") == "MRR 1.000"


def test_the_best_point_of_the_sweep_is_said_with_its_reason() -> None:
    scores = {"similarity": 0.4, "replies_repeated_3grams": 0.04}
    table = tidy({"g": {"a": scores, "b": scores}, "h": {"a": scores | {"similarity": 0.5}}}, ["generator", "point"])
    line = about_decoding(table, "a", {"g": "G"})
    assert line.startswith(
        "Decoding, chosen by a sweep: a (temperature/top_k/top_p; similarity 0.450, 4.0 % repeated trigrams, means "
        "over G and h): the first that is"
    )
    ruled_out = tidy({"g": {"a": scores, "b": scores | {"replies_repeated_3grams": 0.06}}}, ["generator", "point"])
    assert "of the points whose replies repeat at most 5 % of their trigrams, the" in about_decoding(ruled_out, "a", {})
    repeating = tidy({"g": {"a": scores | {"replies_repeated_3grams": 0.06}}}, ["generator", "point"])
    assert "replies repeat more than 5 % of their trigrams;" in about_decoding(repeating, "a", {})


def test_a_table_of_tests_is_read_with_its_places() -> None:
    record = {"family": "f", "before": "a", "after": "b", "score": "mrr", **REAL, "effect": 0.5, "subset": "large"}
    (found,) = differences(pd.DataFrame([record]))
    assert (found.subset, found.domain, found.p_holm) == ("large", "", 0.0006)
