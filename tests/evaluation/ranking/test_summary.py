import itertools
import random
from typing import Any

import pytest

from attune.evaluation.ranking.summary import (
    MEAN,
    about,
    comparisons,
    labelled,
    log_line,
    mean_of,
    of_model,
    scores,
    values_of,
)
from attune.evaluation.testing import sampling
from attune.generators.prompts import example
from attune.metrics.bootstrap import compare, with_intervals
from attune.metrics.ratio import Ratio

SEED = 3


def ranked(model: str, domain: str, best: int, loss: bool = True) -> list[dict]:
    draws = random.Random(f"{model}/{domain}")
    rows = [
        {
            "id": f"{domain}{at}",
            "cluster": "",
            "partner": "",
            "rank": draws.randint(best, 20),
            "loss": draws.random() if loss else None,
        }
        for at in range(12)
    ]
    return labelled(rows, model=model, domain=domain)


ROWS = [
    row
    for domain in ("happy", "sad")
    for model, best in (("before", 3), ("after", 1))
    for row in ranked(model, domain, best, loss=model == "after")
]


def of(domain: str, model: str) -> list[dict]:
    return [row for row in ROWS if (row["domain"], row["model"]) == (domain, model)]


def reciprocal(rows: list[dict]) -> Ratio:
    """The mean reciprocal rank, a value per context."""
    return Ratio.mean({row["id"]: 1 / row["rank"] for row in rows})


def test_scores_are_those_of_each_domain_and_their_mean() -> None:
    table = scores(values_of(ROWS), SEED)
    assert list(table.domain.unique()) == ["happy", "sad", MEAN]
    for group, domains in (("sad", ["sad"]), (MEAN, ["happy", "sad"])):
        mrr = [reciprocal(of(domain, "after")) for domain in domains]
        expected = with_intervals({"mrr": mrr}, SEED, 6)
        (row,) = table[(table.domain == group) & (table.model == "after") & (table.score == "mrr")].to_dict("records")
        assert [row["value"], row["low"], row["high"]] == list(expected.values())
    assert set(table[table.model == "before"].score) == {"mrr", "r@1", "r@10", "r@50"}
    assert "loss" in set(table[table.model == "after"].score)


def test_a_cutoff_that_no_rank_misses_is_no_certainty() -> None:
    """All 12 ranks are at most 20: R@50 is 1, from the exact bound on."""
    table = scores(values_of(ROWS), SEED)
    rows = table[table.score == "r@50"]
    assert {(row.domain, row.model) for row in rows.itertuples()} == {
        (domain, model) for domain in ("happy", "sad", MEAN) for model in ("before", "after")
    }
    for row in rows.itertuples():
        assert (row.low, row.value, row.high) == pytest.approx((0.025 ** (1 / 12), 1, 1), abs=1e-6)


def test_comparisons_are_paired_tests_of_mrr_by_domain() -> None:
    found = comparisons(values_of(ROWS), [("before", "after")], SEED, "recipes")
    assert [(row["domain"], row["before"], row["after"], row["score"]) for row in found] == [
        (domain, "before", "after", "mrr") for domain in ("happy", "sad", MEAN)
    ]
    before, after = ([reciprocal(of(domain, model)) for domain in ("happy", "sad")] for model in ("before", "after"))
    assert [row["family"] for row in found] == ["recipes by domain", "recipes by domain", "recipes"]
    expected = compare(before, after, SEED)
    assert found[-1]["difference"] == pytest.approx(expected.difference, abs=1e-6)
    assert found[-1]["p"] == pytest.approx(expected.p, abs=1e-6)


def test_contexts_that_one_person_answers_are_one_unit() -> None:
    """Of the two domains together, whose contexts are the same people's: their ranks are exchanged together."""
    people = [row | {"cluster": f"person {int(row['id'].strip('hapysd')) // 2}"} for row in ROWS]
    expected = [
        Ratio.of((row["cluster"], 1 / row["rank"], 1.0) for row in people if (row["domain"], row["model"]) == place)
        for place in itertools.product(("happy", "sad"), ("before", "after"))
    ]
    test = compare(expected[0::2], expected[1::2], SEED)
    found = comparisons(values_of(people), [("before", "after")], SEED, "recipes")[-1]
    assert (found["p"], found["low"]) == pytest.approx((test.p, test.low), abs=1e-6)
    alone = comparisons(values_of(ROWS), [("before", "after")], SEED, "recipes")[-1]
    assert found["difference"] == alone["difference"]
    assert found["low"] != alone["low"]


def test_the_larger_p_counts_of_those_by_who_replies_and_by_who_is_answered() -> None:
    places = {f"{domain}{at}": at // 2 for domain in ("happy", "sad") for at in range(12)}
    answering = [row | {"cluster": f"ann {row['id']}"} for row in ROWS]
    answered = [row | {"cluster": "", "partner": f"bob {places[row['id']]}"} for row in ROWS]
    both = [row | {"partner": f"bob {places[row['id']]}"} for row in answering]
    found = comparisons(values_of(both), [("before", "after")], SEED, "recipes")[-1]
    by_hand = []
    for person in ("cluster", "partner"):
        given = [
            Ratio.of((row[person], 1 / row["rank"], 1.0) for row in both if (row["domain"], row["model"]) == place)
            for place in itertools.product(("happy", "sad"), ("before", "after"))
        ]
        by_hand.append(compare(given[0::2], given[1::2], SEED))
    assert abs(by_hand[0].p - by_hand[1].p) > 0.1
    assert found["p"] == pytest.approx(max(test.p for test in by_hand), abs=1e-6)
    assert found["low"] == pytest.approx(min(test.low for test in by_hand), abs=1e-6)
    assert found["high"] == pytest.approx(max(test.high for test in by_hand), abs=1e-6)
    turned = [row | {"cluster": row["partner"], "partner": row["cluster"]} for row in both]
    assert comparisons(values_of(turned), [("before", "after")], SEED, "recipes")[-1] == found
    found, *parts = (scores(values_of(rows), SEED) for rows in (both, answering, answered))
    assert found.low.equals(parts[0].low.combine(parts[1].low, min))
    assert found.high.equals(parts[0].high.combine(parts[1].high, max))
    assert not found.low.equals(parts[0].low)


def test_contexts_that_answer_nobody_are_units_of_their_own_beside_the_people_who_are_answered() -> None:
    rows = [
        {"id": f"{at}", "cluster": "", "partner": f"bob {at}" if at < 6 else "", "rank": 1, "loss": None}
        for at in range(10)
    ]
    (models,) = values_of(labelled(rows, model="ours", domain="happy")).values()
    assert set(models["ours"]["mrr by partner"].numerator) == {*(f"bob {at}" for at in range(6)), *"6789"}


def test_a_score_has_no_interval_where_one_kind_of_units_gives_none() -> None:
    """The contexts of `sad` are of twelve people, but answer two."""
    rows = [row | {"partner": f"bob {at % (2 if row['domain'] == 'sad' else 6)}"} for at, row in enumerate(ROWS)]
    table = scores(values_of(rows), SEED)
    without = table[table["low"].isna()]
    assert set(without["domain"]) == {"sad", MEAN}
    assert set(without[without["domain"] == "sad"]["score"]) >= {"mrr", "loss"}
    assert table[(table["domain"] == "happy") & (table["score"] == "mrr")]["low"].notna().all()


def test_who_is_answered_is_named_where_the_data_name_somebody_else() -> None:
    (row, *_) = asked_first(["ann", "bob", "ann"])
    assert about(row | {"response_speaker": "bob"})["partner"] == "ann"
    assert about(row | {"response_speaker": "ann"})["partner"] == ""
    for nobody in ("other", "other (unnamed)", "[deleted]"):
        assert about(row | {"context_speakers": ["bob", nobody], "response_speaker": "bob"})["partner"] == ""


def test_the_rows_of_one_model_are_those_of_its_subset_and_domain() -> None:
    places = [("large", "happy", "a"), ("small", "happy", "a"), ("large", "all", "a"), ("large", "happy", "b")]
    given = [{"subset": subset, "domain": domain, "model": model} for subset, domain, model in places]
    assert of_model(given, "large", "happy", "a") == given[:1]


def test_a_context_is_in_the_same_unit_in_each_domain() -> None:
    """Five people reply at work and six at home; the domain `all` has both."""
    place = {
        name: [
            {"id": f"{name}{at}", "cluster": f"{name} {at % people}", "partner": "", "rank": 1 + at, "loss": None}
            for at in range(20)
        ]
        for name, people in (("work", 5), ("home", 6))
    }
    rows = [
        row
        for domain, contexts in (*place.items(), ("all", [*place["work"], *place["home"]]))
        for row in labelled(contexts, model="ours", domain=domain)
    ]
    units = {domain: set(models["ours"]["mrr"].numerator) for domain, models in values_of(rows).items()}
    assert {domain: len(names) for domain, names in units.items()} == {"work": 5, "home": 6, "all": 11}
    assert units["work"] | units["home"] == units["all"]


def test_a_domain_of_a_single_context_has_no_interval_and_neither_has_the_mean() -> None:
    table = scores(values_of([row for row in ROWS if row["domain"] == "happy" or row["id"] == "sad0"]), SEED)
    without = table[table["low"].isna()]
    assert set(without["domain"]) == {"sad", MEAN}
    assert set(without[without["domain"] == "sad"]["score"]) == {"mrr", "loss"}  # of shares it is exact


def asked_first(speakers: list[str], *before: str) -> list[dict[str, Any]]:
    """Three contexts of a responder whom nobody names; the first two ask the same, after the turns `before`."""
    return [
        {
            "id": str(at),
            "context": [*before, first, "Tell me more.", "I will."][: len(speakers)],
            "context_speakers": speakers,
            "response": f"Answer {at}",
            "response_speaker": "responder",
            "personas": [],
        }
        for at, first in enumerate(("What shall I do?", "what shall i do", "My dog died."))
    ]


def test_contexts_of_nobody_are_clustered_by_their_first_message_as_those_of_generators_are() -> None:
    rows = asked_first(["seeker", "responder", "seeker"])
    clusters = [about(row)["cluster"] for row in rows]
    assert clusters == [sampling.about(example(row))["cluster"] for row in rows]
    assert clusters[0] == clusters[1] != clusters[2]
    assert about(rows[0] | {"response_speaker": "ann"})["cluster"] == "ann"


def test_contexts_that_the_same_greeting_begins_are_clustered_by_what_is_then_asked() -> None:
    rows = asked_first(["responder", "other"], "Hello!")
    clusters = [about(row)["cluster"] for row in rows]
    assert clusters == [sampling.about(example(row))["cluster"] for row in rows]
    assert clusters[0] == clusters[1] != clusters[2]
    alone = {"context": ["Hello!"], "context_speakers": ["responder"]}
    unnamed = {"context_speakers": ["responder", "other (unnamed)"]}  # a post, a comment and an answer, say
    for part in (alone, unnamed):
        assert len({about(row | part)["cluster"] for row in rows}) == 1
        assert len({sampling.about(example(row | part))["cluster"] for row in rows}) == 1


def test_a_log_line_has_the_mean_reciprocal_rank() -> None:
    assert log_line([{"rank": 1}, {"rank": 4}]) == "MRR 0.625 over 2 contexts"


def test_the_mean_over_some_domains_is_not_called_as_that_over_all() -> None:
    every = ["all", "happy", "sad"]
    assert mean_of(["sad", "all", "happy"], every) == MEAN
    assert mean_of(["happy"], every) == "happy"
    assert mean_of(["happy", "sad"], every) == "mean of happy, sad"
