import itertools
import math
import random
from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats

from attune.metrics import bootstrap
from attune.metrics.bootstrap import FEWEST, PairedTest, compare, interval, rounded, with_intervals
from attune.metrics.ratio import Ratio, score


def values(seed: int, count: int, shift: float = 0.0) -> dict[str, float]:
    draws = random.Random(seed)
    return {f"id{number}": draws.gauss(shift, 1.0) for number in range(count)}


def mean(seed: int, count: int) -> Ratio:
    return Ratio.mean(values(seed, count))


def nats(seed: int, count: int = 60) -> Ratio:
    """Nats over tokens of as many conversations, of other lengths each."""
    draws = random.Random(seed)
    sizes = [random.Random(number).randint(3, 30) for number in range(count)]
    return Ratio.of((f"c{at}", size * (3 + draws.gauss(0, 1)), size) for at, size in enumerate(sizes))


def test_a_ratio_weighs_units_by_their_denominators() -> None:
    assert Ratio.of([("a", 2.0, 1.0), ("b", 1.0, 3.0), ("a", 3.0, 2.0)]).value == 1.0


def as_wide_as_students(units: int) -> float:
    """The level at which percentiles are as far apart as the 95 % interval of a mean by Student's t."""
    bound = scipy.stats.t.ppf(0.975, units - 1) * math.sqrt(units / (units - 1))
    return float(scipy.stats.norm.cdf(bound) - scipy.stats.norm.cdf(-bound))


def test_the_interval_of_a_mean_is_scipy_s() -> None:
    given = values(1, 80)
    low, high = interval([Ratio.mean(given)], seed=3)
    oracle = scipy.stats.bootstrap(
        (list(given.values()),),
        np.mean,
        method="percentile",
        n_resamples=20_000,
        confidence_level=as_wide_as_students(80),
        random_state=1,
    ).confidence_interval
    assert (low, high) == pytest.approx((oracle.low, oracle.high), abs=0.02)
    assert low < Ratio.mean(given).value < high


def test_the_interval_of_a_ratio_is_scipy_s() -> None:
    given = nats(1)
    oracle = scipy.stats.bootstrap(
        (list(given.numerator.values()), list(given.denominator.values())),
        lambda above, below, axis: above.sum(axis) / below.sum(axis),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=20_000,
        confidence_level=as_wide_as_students(60),
        random_state=1,
    ).confidence_interval
    low, high = interval([given], seed=3)
    assert (low, high) == pytest.approx((oracle.low, oracle.high), abs=0.02)
    assert low < given.value < high


@pytest.mark.parametrize("seen", [0.0, 1.0])
def test_a_share_on_which_all_units_agree_has_scipy_s_exact_interval(seen: float) -> None:
    """Resampled, none of 12 would be 0 to 0."""
    low, high = interval([Ratio.mean({f"id{at}": seen for at in range(12)}, share=True)], seed=1)
    oracle = scipy.stats.binomtest(round(12 * seen), 12).proportion_ci(method="exact")
    assert (low, high) == pytest.approx((oracle.low, oracle.high))


def test_the_exact_interval_counts_units_and_is_of_shares_that_agree_alone() -> None:
    """Two replies of a conversation are one unit, and of two domains the smaller one says how much is unseen."""
    unseen = 1 - 0.025 ** (1 / 3)
    three = Ratio.of(((f"c{at // 2}", 0.5, 1.0) for at in range(6)), share=True)
    assert interval([three], seed=1) == pytest.approx((0.5 * (1 - unseen), 0.5 * (1 - unseen) + unseen))
    never, always = (Ratio.mean({f"{seen} {at}": seen for at in range(n)}, True) for seen, n in ((0.0, 3), (1.0, 9)))
    assert interval([never, always], seed=1) == pytest.approx((0.5 * (1 - unseen), 0.5 * (1 - unseen) + unseen))
    assert interval([Ratio.mean({f"id{at}": 1.0 for at in range(12)})], seed=1) is None  # a word per reply
    half = {f"id{at}": float(at % 2) for at in range(12)}
    assert interval([Ratio.mean(half, share=True)], seed=1) == interval([Ratio.mean(half)], seed=1)


@pytest.mark.parametrize("count", [12, 60])
def test_a_share_that_few_have_is_as_uncertain_as_scipy_s_exact_interval_says(count: int) -> None:
    """Otherwise 1 of 60 would be known better than 0 of 60."""
    for seen in (1, count - 1):
        values = {f"id{at}": float(at < seen) for at in range(count)}
        low, high = interval([Ratio.mean(values, share=True)], seed=1)
        oracle = scipy.stats.binomtest(seen, count).proportion_ci(method="exact")
        assert (low, high) == pytest.approx((min(low, oracle.low), max(high, oracle.high)))
        assert high - low >= oracle.high - oracle.low


def test_fewer_than_five_units_are_few() -> None:
    """Up to the exact bound reaches the interval of 4 of 60; that of 5 is the resamples', which is nearer."""
    for seen in (4, 5):
        _, high = interval([Ratio.mean({f"id{at}": float(at < seen) for at in range(60)}, share=True)], seed=1)
        exact = scipy.stats.binomtest(seen, 60).proportion_ci(method="exact").high
        assert (high == pytest.approx(exact)) == (seen == 4)
        assert high < exact + 1e-9


def test_of_two_domains_in_which_few_have_it_the_smaller_says_how_certain_their_mean_is() -> None:
    """1 of 12 and 1 of 60 are a mean share of 0.6 of 12."""
    rare = [Ratio.mean({f"{n} {at}": float(at == 0) for at in range(n)}, share=True) for n in (12, 60)]
    _, high = interval(rare, seed=1)
    assert high == pytest.approx(scipy.stats.beta.ppf(0.975, 0.6 + 1, 12 - 0.6))


@pytest.mark.parametrize("share", [True, False])
def test_a_domain_whose_units_agree_does_not_decide_for_one_whose_units_do_not(share: bool) -> None:
    """None of 12 and half of the same 12: their mean is half of that half, and varies half as much."""
    half = {f"id{at}": float(at % 2) for at in range(12)}
    never, some = Ratio.mean(dict.fromkeys(half, 0.0), share), Ratio.mean(half, share)
    low, high = interval([some], seed=1)
    assert interval([never, some], seed=1) == pytest.approx((low / 2, high / 2))


def test_few_units_have_no_interval_but_the_exact_one_of_a_share() -> None:
    assert interval([mean(1, 60), mean(2, FEWEST - 1)], seed=1) is None
    assert interval([mean(1, 60), mean(2, FEWEST)], seed=1) is not None
    assert interval([Ratio.mean({"a": 0.0}, share=True)], seed=1) == pytest.approx((0, 0.975))


def test_a_difference_that_is_the_same_in_all_units_is_no_certainty() -> None:
    """At six units, the fewest that p allows, the exact interval of six wins just excludes 0."""
    for count in (5, 6, 40):
        unseen = 1 - 0.025 ** (1 / count)
        never, always = (Ratio.mean({f"id{at}": seen for at in range(count)}, share=True) for seen in (0.0, 1.0))
        same, better = compare([never], [never], seed=1), compare([never], [always], seed=1)
        assert (better.p < 0.05) == (better.low > 0) == (count > 5)
        if count > 5:
            assert (same.low, same.high) == pytest.approx((-unseen, unseen))
            assert (better.low, better.high) == pytest.approx((1 - 2 * unseen, 1))
        else:
            assert not np.isfinite([same.low, same.high, better.low, better.high]).any()


def test_a_share_that_most_units_have_in_part_is_resampled() -> None:
    """Of eight people each replies well half of the time: they differ little, and others will differ little."""
    people = {f"id{at}": (2.0 + at % 2, 5.0) for at in range(8)}
    given = [Ratio.of([(unit, *counts) for unit, counts in people.items()], share=share) for share in (True, False)]
    assert interval(given[:1], seed=1) == interval(given[1:], seed=1)


def test_a_difference_in_one_direction_alone_may_be_in_the_other() -> None:
    """One more of 12 says nothing against one fewer, and more of them do not say it for certain."""
    never = Ratio.mean(dict.fromkeys((f"id{at}" for at in range(12)), 0.0), share=True)
    for better in (1, 4):
        some = Ratio.mean({f"id{at}": float(at < better) for at in range(12)}, share=True)
        gained, lost = compare([never], [some], seed=1), compare([some], [never], seed=1)
        assert gained.p > 0.05
        unseen = 1 - 0.025 ** (1 / 12)
        assert gained.low == pytest.approx((1 - unseen) * better / 12 - unseen)
        assert (lost.low, lost.high) == pytest.approx((-gained.high, -gained.low))


def test_what_was_observed_counts_among_the_resamples_so_that_p_is_never_0() -> None:
    before, after = (Ratio.mean({f"id{at}": shift + at % 2 for at in range(60)}) for shift in (0.0, 5.0))
    assert compare([before], [after], seed=1).p == pytest.approx(1 / 10_001)


def test_few_units_are_exchanged_in_all_ways() -> None:
    """p is then the same for every seed: two of 64 ways are as extreme as all six units better."""
    before, after = mean(1, 6), Ratio.mean({unit: each + 1 for unit, each in mean(1, 6).numerator.items()})
    assert {compare([before], [after], seed).p for seed in range(3)} == {2 / 64}
    other = mean(2, 13)
    scipys = scipy.stats.permutation_test(
        ([*other.numerator.values()], [*mean(1, 13).numerator.values()]),
        lambda left, right, axis: np.mean(right, axis) - np.mean(left, axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    assert [compare([other], [mean(1, 13)], seed).p for seed in (1, 2)] == pytest.approx([scipys.pvalue] * 2)
    assert len({compare([mean(2, 14)], [mean(1, 14)], seed).p for seed in range(3)}) > 1  # drawn by the seed


def test_exchanges_that_tie_with_what_was_observed_count_whatever_is_rounded() -> None:
    """Counted in whole tenths, which floats do not hold."""
    tenths = [3, 1, -2, 4, 1, -1, 2]
    before, after = (
        Ratio.mean({f"id{at}": 0.3 + each * part / 10 for at, each in enumerate(tenths)}) for part in (0, 1)
    )
    sums = [sum(map(math.prod, zip(signs, tenths, strict=True))) for signs in itertools.product((1, -1), repeat=7)]
    assert compare([before], [after], seed=1).p == sum(abs(each) >= sum(tenths) for each in sums) / 2**7


@pytest.mark.parametrize("count", [6, 9, 10])
@pytest.mark.parametrize("better", [0.5, -0.5])
def test_the_same_half_in_all_units_has_an_interval_that_agrees_with_p(count: int, better: float) -> None:
    """The exact interval of up to nine such units holds 0, which the test of six rejects; that of ten does not."""
    before, after = (Ratio.mean({f"id{at}": each for at in range(count)}, share=True) for each in (0.5, 0.5 + better))
    found = compare([before], [after], seed=1)
    near, far = sorted([found.low, found.high], key=abs)
    unseen = 1 - 0.025 ** (1 / count)
    assert found.p < 0.05
    assert (near > 0, near < 0) == (better > 0, better < 0)
    assert abs(near) == pytest.approx(max(0, (1 - unseen) / 2 - unseen))
    assert abs(far) == pytest.approx((1 - unseen) / 2 + unseen)


@pytest.mark.parametrize("count", [FEWEST, 12, 60])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a tenth of the resamples, which is as often within a hundredth."""
    monkeypatch.setattr(bootstrap, "_CHUNKS", (500, 500))
    covered = 0
    for seed in range(400):
        low, high = interval([mean(seed, count)], seed=1)
        covered += low <= 0 <= high
    assert 0.91 < covered / 400 < 0.98


def test_the_paired_test_is_scipy_s() -> None:
    before = values(2, 40)
    after = {name: value + 0.3 + random.Random(name).gauss(0, 1) for name, value in before.items()}
    found = compare([Ratio.mean(before)], [Ratio.mean(after)], seed=1)
    differences = [after[name] - before[name] for name in before]
    oracle = scipy.stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=20_000, random_state=1
    ).pvalue
    assert found.p == pytest.approx(oracle, abs=0.015)
    assert found.difference == pytest.approx(np.mean(differences))
    assert found.low < found.difference < found.high


def test_the_interval_holds_the_shifts_that_the_test_does_not_reject() -> None:
    """Each bound is where a system shifted by it, in every unit, is just not different: p steps over .05 there."""
    before, after = nats(2), Ratio({name: each - 2 for name, each in nats(9).numerator.items()}, nats(2).denominator)
    found = compare([before], [after], seed=1)

    def p_of(shift: float) -> float:
        moved = {name: each + shift * before.denominator[name] for name, each in before.numerator.items()}
        return compare([Ratio(moved, before.denominator)], [after], seed=1).p

    assert found.low < found.difference < found.high
    for bound, inside in ((found.low, 1e-6), (found.high, -1e-6)):
        assert p_of(bound + inside) >= 0.05
        assert p_of(bound - inside) < 0.05


@pytest.mark.parametrize("made", [mean, nats])
def test_p_never_contradicts_its_interval(made: Callable[[int, int], Ratio]) -> None:
    significant = 0
    for seed in range(150):
        count, before = 6 + seed % 40, made(seed, 6 + seed % 40)
        shift = 0.7 * random.Random(seed).random()
        other = made(seed + 500, count).numerator
        sums = {name: each + shift * before.denominator[name] for name, each in other.items()}
        found = compare([before], [Ratio(sums, before.denominator)], seed=1)
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
        significant += found.p < 0.05
    assert 10 < significant < 140


def test_the_interval_of_a_difference_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(200):
        found = compare([Ratio.mean(dict.fromkeys(values(0, 30), 0.0))], [Ratio.mean(values(seed, 30, 0.4))], seed=1)
        covered += found.low <= 0.4 <= found.high
    assert 0.91 < covered / 200 < 0.985


def test_too_few_units_have_no_interval() -> None:
    """Five units have 32 exchanges, two of which are as extreme as any: p cannot be below .0625."""
    for count, bounded in ((5, False), (6, True)):
        ones = {f"id{at}": 1.0 + at / 100 for at in range(count)}
        found = compare([Ratio.mean(dict.fromkeys(ones, 0.0))], [Ratio.mean(ones)], seed=1)
        assert np.isfinite([found.low, found.high]).all() == bounded
        assert (found.p < 0.05) == bounded


def test_the_effect_is_cohen_s_d_of_the_differences() -> None:
    before, after = values(2, 40), values(7, 40, 0.5)
    differences = [after[name] - before[name] for name in before]
    found = compare([Ratio.mean(before)], [Ratio.mean(after)], seed=1)
    assert found.effect == pytest.approx(np.mean(differences) / np.std(differences, ddof=1))
    # Of a ratio: 2 per token, with 1 too few, 1 too many and none: their deviation is 1, of units of 4/3 tokens.
    none, some = (
        Ratio(dict(zip("abc", each, strict=True)), {"a": 1, "b": 1, "c": 2}) for each in ((0, 0, 0), (1, 3, 4))
    )
    assert compare([none], [some], seed=1).effect == pytest.approx(2 / (1 / (4 / 3)))
    # Two domains of which no example is in both, with the same differences: the effect is the same.
    doubled = [
        [Ratio.mean(each), Ratio.mean({f"other {name}": value for name, value in each.items()})]
        for each in (before, after)
    ]
    assert compare(*doubled, seed=1).effect == pytest.approx(found.effect, rel=0.02)
    assert compare([Ratio.mean({"a": 1.0})], [Ratio.mean({"a": 2.0})], seed=1).effect is None


def test_p_is_small_for_a_difference_and_one_for_none() -> None:
    before = nats(1)
    better = Ratio(
        {name: value - 0.3 * before.denominator[name] for name, value in before.numerator.items()}, before.denominator
    )
    found = compare([before], [better], seed=1)
    assert found.difference == pytest.approx(-0.3)
    assert found.low == pytest.approx(-0.3)
    assert found.p < 0.001
    given = values(3, 50)
    above = {name: value + 1 for name, value in given.items()}
    assert compare([Ratio.mean(given)], [Ratio.mean(above)], seed=1).p < 0.001
    assert compare([before], [before], seed=1) == PairedTest(0.0, low=0.0, high=0.0, p=1.0, effect=0.0)


@pytest.mark.parametrize("made", [mean, nats])
def test_p_is_uniform_where_there_is_no_difference(made: Callable[[int, int], Ratio]) -> None:
    small = np.mean([compare([made(seed, 30)], [made(seed + 1000, 30)], 1).p < 0.1 for seed in range(200)])
    assert 0.04 < small < 0.17


@pytest.mark.parametrize("given", [mean(4, 50), nats(4, 50)])
def test_shared_examples_are_drawn_together(given: Ratio) -> None:
    """Two domains of the same examples say no more than one: the interval of their mean is the one's."""
    assert interval([given, given], seed=1) == pytest.approx(interval([given], seed=1))
    sums = (given.numerator, given.denominator)
    apart = Ratio(*({f"other {name}": value for name, value in each.items()} for each in sums))
    assert score([given, apart]) == pytest.approx(given.value)
    low, high = interval([given, apart], seed=1)
    alone = interval([given], seed=1)
    assert (high - low) < 0.8 * (alone[1] - alone[0])


def test_domains_count_alike_whatever_their_size() -> None:
    assert score([Ratio.mean({"a": 1.0}), Ratio.mean({"b": 0.0, "c": 0.0, "d": 0.0})]) == 0.5


def test_a_resample_without_a_unit_of_some_domain_does_not_count() -> None:
    """Of 306 units, 6 are one domain's: one resample in 400 has none of them, which is no score of 0."""
    few = Ratio.mean({f"few{at}": 10.0 + at % 2 for at in range(6)})
    many = Ratio.mean({f"u{at}": 10.0 + at % 2 for at in range(300)})
    assert interval([few, many], seed=1) == pytest.approx((10.2, 10.8), abs=0.1)


def test_other_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="same examples"):
        compare([mean(1, 5)], [mean(1, 6)], seed=1)


def test_scores_stand_beside_their_intervals_rounded() -> None:
    found = with_intervals({"mrr": [mean(5, 20)]}, seed=1, places=3)
    assert list(found) == ["mrr", "mrr_low", "mrr_high"]
    assert found["mrr_low"] < found["mrr"] < found["mrr_high"]
    assert found == rounded(found, 3)


def test_resamples_that_are_kept_are_those_that_would_be_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = mean(1, 60)
    kept = interval([drawn], 1)
    assert kept == interval([drawn], 1)
    monkeypatch.setattr(bootstrap, "_KEPT_UNITS", 59)
    assert interval([drawn], 1) == kept
    assert interval([drawn], 2) != kept
