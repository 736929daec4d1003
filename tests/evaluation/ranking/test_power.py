import numpy as np
import pytest

from attune.evaluation.ranking import power
from attune.evaluation.ranking.summary import labelled


def rows(model: str, ranks: list[int], subset: str = "large", domain: str = "happy") -> list[dict]:
    each = [
        {"id": f"{domain}{at}", "cluster": "", "partner": "", "rank": rank, "loss": None}
        for at, rank in enumerate(ranks)
    ]
    return labelled(each, model=model, subset=subset, domain=domain)


def cell(differences: list[float] | np.ndarray) -> np.ndarray:
    """Of contexts that are units of their own."""
    return np.stack([np.array(differences), np.ones(len(differences))], axis=1)


NORMAL = [cell(np.random.default_rng(at).normal(0.1, 0.3, 100)) for at in range(6)]


def test_differences_are_those_of_the_same_contexts() -> None:
    ranked = [*rows("a", [1, 2, 4]), *rows("b", [2, 2, 1])]
    (found,) = power.differences(ranked, ("a", "b"))
    assert found.tolist() == [[-0.5, 1], [0.0, 1], [0.75, 1]]


def test_the_interval_shrinks_with_the_root_of_the_contexts() -> None:
    widths = {size: power.half_width(NORMAL, size, 1) for size in (100, 400)}
    deviation = np.mean([each[:, 0].std() for each in NORMAL])
    assert widths[100] == pytest.approx(1.984 * deviation / 10, rel=0.02)
    assert widths[400] == pytest.approx(widths[100] / 2, rel=0.02)


def test_the_variance_of_few_contexts_is_not_taken_for_smaller_than_it_is() -> None:
    """Two of -1 and 1: alike in half of the draws, else with a variance (n - 1) of 2, so 12.706 * sqrt(2 / 2)."""
    assert power.half_width([cell([-1.0, 1.0])], 2, 1) == pytest.approx(12.706 / 2, rel=0.05)


def test_the_contexts_needed_are_those_at_which_four_of_five_intervals_exclude_zero() -> None:
    """By hand: the variance is 100/99 of .09, and (1.96 + .8416)^2 * .0909 / .1^2 = 71.4; then by simulation."""
    assert power.needed([cell([-0.3, 0.3] * 50)], 0.1) == 72
    contexts = power.needed(NORMAL, 0.05)
    assert contexts
    found = power.outperforming(NORMAL, contexts, 0.05, seed=1)
    assert found["significant"] == pytest.approx(0.8, abs=0.04)


def test_contexts_of_few_people_tell_as_much_as_these_people() -> None:
    """Each person's four contexts differ alike, so four times as many are needed, and intervals are twice as wide."""
    draws = np.random.default_rng(8).normal(0.1, 0.3, 100)
    alone, four = cell(draws), np.stack([4 * draws, np.full(100, 4.0)], axis=1)
    one, several = power.needed([alone], 0.05), power.needed([four], 0.05)
    assert one
    assert several == pytest.approx(4 * one, abs=4)
    widths = [power.half_width([each], 400, 1) for each in (alone, four)]
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.02)
    found = power.outperforming([four] * 6, several, 0.05, seed=1)
    assert found["significant"] == pytest.approx(0.8, abs=0.04)


def test_the_differences_of_one_person_are_summed() -> None:
    ranked = [*rows("a", [1, 2, 4, 1, 1, 1, 1, 1]), *rows("b", [2, 2, 1, 1, 1, 1, 1, 1])]
    people = ["ann", "bob", "ann", "carl", "dora", "emil", "fay", ""]
    (found,) = power.differences([row | {"cluster": people[int(row["id"][-1])]} for row in ranked], ("a", "b"))
    assert found[:2].tolist() == [[0.25, 2], [0.0, 1]]
    assert found[:, 1].sum() == 8


def test_the_kind_of_people_counts_by_whom_more_contexts_are_needed() -> None:
    """Twelve people reply to six, whom each pair of contexts answers and who decide how it goes; and the reverse."""
    ranks = {"a": [2] * 12, "b": [at for pair in (1, 9, 1, 9, 1, 9) for at in (pair, pair)]}
    alone = [row for model in ranks for row in rows(model, ranks[model])]
    answered = [row | {"partner": f"bob {int(row['id'].removeprefix('happy')) // 2}"} for row in alone]
    replying = [row | {"cluster": row["partner"], "partner": f"eve {row['id']}"} for row in answered]
    found = [
        power.power_of(each, each, [("a", "b")], ("a", "b"), seed=1)["needed"] for each in (alone, answered, replying)
    ]
    assert found[1] == found[2]
    assert all(two["contexts"] > 1.5 * one["contexts"] for one, two in zip(found[0], found[1], strict=True))


def test_without_a_difference_half_of_the_models_come_out_ahead() -> None:
    """Of six fair coins, at most three fall heads up in 42 of 64 throws."""
    found = power.outperforming(NORMAL, 100, 0.0, seed=1)
    assert found["better"] == pytest.approx(3, abs=0.1)
    assert found["at_most_half"] == pytest.approx(42 / 64, abs=0.05)
    assert found["significant"] == pytest.approx(0.025, abs=0.01)
    assert power.outperforming(NORMAL, 100, 0.2, seed=1)["at_most_half"] == 0


@pytest.mark.parametrize("ranks", [{"a": [2], "b": [1]}, {"a": [2, 2, 2], "b": [1, 1, 1]}])
def test_contexts_without_variation_tell_nothing(ranks: dict[str, list[int]]) -> None:
    ranked = [row for model in ranks for row in rows(model, ranks[model])]
    found = power.power_of(ranked, ranked, [("a", "b")], ("a", "b"), seed=1)
    assert {row["half_width"] for row in found["interval"]} == {None}
    assert {row["contexts"] for row in found["needed"]} == {None}
    assert {(row["models"], row["better"], row["at_most_half"], row["significant"]) for row in found["outperform"]} == {
        (0, None, None, None)
    }


def test_a_model_of_one_context_does_not_make_the_others_surer() -> None:
    several = [*rows("a", [1, 3, 2]), *rows("b", [2, 1, 1])]
    one = [*rows("a", [2], domain="offmychest"), *rows("b", [1], domain="offmychest")]
    found = power.power_of(several, several, [("a", "b")], ("a", "b"), seed=1)
    both = [*several, *one]
    assert power.power_of(both, both, [("a", "b")], ("a", "b"), seed=1) == found


def test_the_small_test_set_is_scored_and_tested_alone() -> None:
    ranks = {"a": [3, 4, 5, 6, 7, 8, 9, 2, 1, 1], "b": [1, 2, 1, 2, 1, 2, 1, 1, 9, 9]}
    subsets = ("large", "small", "least")
    ranked = [row for subset in subsets for model in ranks for row in rows(model, ranks[model], subset)]
    own = [row for row in ranked if row["subset"] == "large" or int(row["id"][-1]) < 8]
    found = power.power_of(ranked, own, [("a", "b")], ("a", "b"), seed=1)["own"]
    assert set(found["scores"]) == {"small", "least"}
    assert found["scores"]["small"]["happy"]["b"]["mrr"] == pytest.approx(6.5 / 8)
    assert {row["family"] for row in found["tests"]} == {"recipes, few contexts", "recipes by domain, few contexts"}
    # Two of 256 exchanges of eight units, of both subsets; each family has one test of either.
    assert [row["p"] for row in found["tests"]] == pytest.approx([2 / 256] * 4, abs=1e-6)
    assert [row["p_holm"] for row in found["tests"]] == pytest.approx([2 * 2 / 256] * 4, abs=2e-6)


def test_the_numbers_are_the_same_twice_and_of_the_reported_pair() -> None:
    draws = np.random.default_rng(4)
    ranked = [row for model in "abc" for row in rows(model, draws.integers(1, 100, 30).tolist())]
    pairs, reported = [("a", "b"), ("b", "c")], ("b", "c")
    found = power.power_of(ranked, ranked, pairs, reported, seed=1)
    assert found == power.power_of(ranked, ranked, pairs, reported, seed=1)
    assert found["interval"] != power.power_of(ranked, ranked, pairs, reported, seed=2)["interval"]
    assert {(row["before"], row["after"]) for row in found["outperform"]} == {("b", "c")}
    assert found["own"] == {"scores": {}, "tests": []}
