import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attune.core.errors import AttuneError
from attune.corpora.subsets import assert_disjoint, digest, distinct, draw, sized, split_by_opening, without_leaks

IDS = [f"c{number}" for number in range(60)]


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 5), st.randoms())
def test_a_smaller_draw_begins_a_larger_one_whatever_the_order(
    first: int, second: int, seed: int, shuffler: random.Random
) -> None:
    shuffled = IDS.copy()
    shuffler.shuffle(shuffled)
    small, large = sorted((first, second))
    drawn = draw(IDS, large, seed, str)
    assert draw(shuffled, small, seed, str) == drawn[:small]
    assert len(set(drawn)) == large


def test_another_seed_draws_others() -> None:
    assert draw(IDS, 10, 1, str) != draw(IDS, 10, 2, str)


def test_no_cap_keeps_all() -> None:
    assert sorted(draw(IDS, None, 1, str)) == sorted(IDS)


def test_repeats_are_dropped_and_counted() -> None:
    counts: dict[str, int] = {}
    assert list(distinct(["a", "b", "a", "a"], str, counts)) == ["a", "b"]
    assert counts == {"repeated": 2}


def test_names_come_from_content_and_not_from_its_borders() -> None:
    assert digest("a", "b") == digest("a", "b")
    assert digest("ab") != digest("a", "b") != digest("a b")


def test_the_split_is_by_share_and_leaves_both_sides_something() -> None:
    splits = split_by_opening(IDS, 0.2, str)
    assert (len(splits["train"]), len(splits["test"])) == (48, 12)
    assert sorted(splits["train"] + splits["test"]) == sorted(IDS)
    assert {split: len(part) for split, part in split_by_opening(IDS[:2], 0.01, str).items()} == {"train": 1, "test": 1}
    with pytest.raises(AttuneError, match="1 conversations with 1 different openings cannot be split"):
        split_by_opening(IDS[:1], 0.2, str)


def test_conversations_that_open_alike_are_in_one_split() -> None:
    splits = split_by_opening(IDS, 0.2, lambda name: str(int(name[1:]) % 7))
    assert len(splits["test"]) == 18  # two openings of nine, the least that 12 of 60 need
    assert not {int(name[1:]) % 7 for name in splits["train"]} & {int(name[1:]) % 7 for name in splits["test"]}
    assert sorted(splits["train"] + splits["test"]) == sorted(IDS)
    with pytest.raises(AttuneError, match="60 conversations with 1 different openings"):
        split_by_opening(IDS, 0.2, lambda _: "same")


def test_a_conversation_in_two_splits_is_named() -> None:
    assert_disjoint({"train": ["a", "b"], "test": ["c"]})
    with pytest.raises(AttuneError, match=r"conversations in two splits: b \(train and test\)"):
        assert_disjoint({"train": ["a", "b"], "test": ["b", "c"]})


def test_leaks_leave_the_earlier_split_and_are_counted() -> None:
    counts: dict[str, int] = {}
    splits = {
        "train": [{"id": "a"}, {"id": "b"}, {"id": "c"}],
        "valid": [{"id": "b"}, {"id": "d"}],
        "test": [{"id": "c"}, {"id": "d"}],
    }
    kept = without_leaks(splits, counts)
    assert kept == {"train": [{"id": "a"}], "valid": [{"id": "b"}], "test": [{"id": "c"}, {"id": "d"}]}
    assert counts == {
        "train_also_in_a_later_split": 2,
        "valid_also_in_a_later_split": 1,
        "test_also_in_a_later_split": 0,
    }


def pec(per_split: int) -> dict[str, dict[str, list[dict[str, str]]]]:
    return {
        domain: {
            split: [{"id": f"{domain}-{split}-{number}", "domain": domain} for number in range(per_split)]
            for split in ("train", "valid", "test")
        }
        for domain in ("happy", "offmychest")
    }


SIZES = {"large": {"train": 20, "valid": 8, "test": 6}, "small": {"train": 5, "valid": 3, "test": 2}}


def test_small_lies_inside_large_and_all_draws_from_both() -> None:
    sets = sized("pec", pec(30), SIZES, seed=3)
    assert len(sets) == 2 * 3 * 3
    ids = {place: [row["id"] for row in rows] for place, rows in sets.items()}
    for domain, split in itertools.product(("happy", "offmychest", "all"), ("train", "valid", "test")):
        assert set(ids["small", domain, split]) < set(ids["large", domain, split])
        assert len(ids["large", domain, split]) == SIZES["large"][split]
    assert {row["domain"] for row in sets["large", "all", "train"]} == {"happy", "offmychest"}
    assert {row["domain"] for row in sets["large", "happy", "train"]} == {"happy"}


def test_too_few_conversations_say_which_key_asks_for_more() -> None:
    with pytest.raises(AttuneError, match=r"pec happy/train has 15 usable .* subsets\.large\.train asks for 20"):
        sized("pec", pec(15), SIZES, seed=3)
