"""The draws on arrays, against the same rules in plain Python over lists."""

import hashlib
import itertools
import random
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attune.core.errors import AttuneError
from attune.corpora import record_of
from attune.corpora.base import Sampling
from attune.corpora.cross_posts import without_leaks
from attune.corpora.empathetic_dialogues import COLUMNS
from attune.corpora.reading import BadRows
from attune.corpora.sizing import sized
from attune.corpora.subsets import (
    check_candidates,
    check_disjoint,
    digest,
    draw,
    opening_key,
    rank,
    split_by_opening,
    train_and_test,
)

IDS = [f"c{number}" for number in range(60)]


def drawn(names: list[str], size: int | None, seed: int) -> list[str]:
    return [names[position] for position in draw(np.array([rank(seed, name) for name in names], np.uint64), size)]


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 5), st.randoms())
def test_a_smaller_draw_begins_a_larger_one_whatever_the_order(
    first: int, second: int, seed: int, shuffler: random.Random
) -> None:
    shuffled = IDS.copy()
    shuffler.shuffle(shuffled)
    small, large = sorted((first, second))
    chosen = drawn(IDS, large, seed)
    assert drawn(shuffled, small, seed) == chosen[:small]
    assert len(set(chosen)) == large
    assert chosen == sorted(IDS, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())[:large]


def test_another_seed_draws_others() -> None:
    assert drawn(IDS, 10, 1) != drawn(IDS, 10, 2)


def test_no_cap_keeps_all_and_of_repeats_the_first() -> None:
    assert sorted(drawn(IDS, None, 1)) == sorted(IDS)
    ranks = np.array([9, 4, 9, 4, 7], np.uint64)
    assert draw(ranks, None).tolist() == [1, 4, 0]


def test_names_come_from_content_and_not_from_its_borders() -> None:
    assert digest("a", "b") == digest("a", "b")
    assert digest("ab") != digest("a", "b") != digest("a b")


def test_a_letter_and_its_accent_make_the_same_text_in_one_character_or_two() -> None:
    composed, decomposed = (unicodedata.normalize(form, "Où est l'été ?") for form in ("NFC", "NFD"))
    assert composed != decomposed
    assert digest("a", composed) == digest("a", decomposed)
    assert opening_key(composed) == opening_key(decomposed)


def test_openings_that_differ_in_case_spaces_and_punctuation_alone_are_the_same() -> None:
    assert len({opening_key(text) for text in ("How are you?", "how are  you", "HOW ARE YOU ?!")}) == 1
    assert len({opening_key(text) for text in ("How are you?", "How is he?", "😀", "😢")}) == 4


def test_the_split_is_by_share_and_leaves_both_sides_something() -> None:
    splits = split_by_opening(np.arange(60), 0.2, "mine has")
    assert splits["test"].tolist() == list(range(12))
    assert splits["train"].tolist() == list(range(12, 60))
    few = split_by_opening(np.arange(2), 0.01, "mine has")
    assert {split: len(part) for split, part in few.items()} == {"train": 1, "test": 1}
    with pytest.raises(AttuneError, match=r"^mine has 1 conversation\(s\) with 1 different opening\(s\); at least 2"):
        split_by_opening(np.arange(1), 0.2, "mine has")


def test_conversations_that_open_alike_are_in_one_split() -> None:
    openings = np.arange(60) % 7
    splits = split_by_opening(openings, 0.2, "mine has")
    assert len(splits["test"]) == 18  # two openings of nine, the least that 12 of 60 need
    assert not set(openings[splits["train"]]) & set(openings[splits["test"]])
    assert sorted(np.concatenate(list(splits.values()))) == list(range(60))
    with pytest.raises(AttuneError, match=r"60 conversation\(s\) with 1 different opening\(s\)"):
        split_by_opening(np.zeros(60), 0.2, "mine has")


def test_an_opening_above_the_test_share_is_tested_on_after_all_others() -> None:
    greeted = np.array([0, 1, 0, 2, 0, 3, 0, 4, 0, 5])
    splits = split_by_opening(greeted, 0.2, "mine has")
    assert greeted[splits["test"]].tolist() == [1, 2]
    assert greeted[splits["train"]].tolist() == [3, 4, 5, 0, 0, 0, 0, 0]
    few = split_by_opening(np.array([0] * 5 + [1] * 4 + [2]), 0.2, "mine has")
    assert few["test"].tolist() == [9, 5, 6, 7, 8]  # the share of two is reached by the smaller of the large ones
    mostly = split_by_opening(np.array([0] * 9 + [1]), 0.2, "mine has")
    assert mostly["test"].tolist() == [9]  # less than the share, rather than most of the draw
    both = split_by_opening(np.array([0] * 6 + [1] * 4), 0.2, "mine has")
    assert both["test"].tolist() == [6, 7, 8, 9]  # one opening has to be tested on: the smallest


@given(st.lists(st.integers(0, 9), min_size=2, max_size=40), st.floats(0.01, 0.99))
def test_whole_openings_go_to_test_until_its_share_is_reached(openings: list[int], share: float) -> None:
    groups: dict[int, list[int]] = {}
    for position, opening in enumerate(openings):
        groups.setdefault(opening, []).append(position)
    if len(groups) < 2:
        return
    wanted = max(round(len(openings) * share), 1)
    remaining = [group for group in groups.values() if len(group) <= wanted]
    remaining += sorted((group for group in groups.values() if len(group) > wanted), key=len)
    test: list[int] = []
    while len(remaining) > 1 and len(test) < wanted:
        test += remaining.pop(0)
    splits = split_by_opening(np.array(openings), share, "mine has")
    assert splits["test"].tolist() == test
    assert splits["train"].tolist() == [position for group in remaining for position in group]


def test_a_conversation_in_two_splits_is_named() -> None:
    check_disjoint({"train": ["a", "b"], "test": ["c"]})
    with pytest.raises(AttuneError, match=r"conversations in two splits: b \(train and test\)"):
        check_disjoint({"train": ["a", "b"], "test": ["b", "c"]})


def records(ids: list[int], seed: int = 3) -> np.ndarray:
    rows = [(name, rank(seed, f"{name:016x}")) for name in ids]
    return np.array(rows, [("id", "u8"), ("rank", "u8")])


def test_leaks_leave_the_earlier_split_whoever_s_the_later_one_is() -> None:
    splits = {"train": records([0, 1, 2, 3]), "valid": records([2, 4, 5]), "test": records([0, 3, 4])}
    other = {"train": records([3]), "valid": records([1]), "test": records([5])}

    def kept(others: list[dict[str, np.ndarray]]) -> dict[str, list[int]]:
        return {split: part["id"].tolist() for split, part in without_leaks(splits, "id", others).items()}

    assert kept([splits]) == {"train": [0, 1], "valid": [2, 5], "test": [0, 3, 4]}
    assert kept([splits, other]) == {"train": [0], "valid": [2], "test": [0, 3, 4]}
    assert kept([other]) == {"train": [0, 2, 3], "valid": [2, 4], "test": [0, 3, 4]}


def pools(per_split: int) -> dict[str, dict[str, np.ndarray]]:
    """Ids whose thousands say the domain, and whose hundreds the split; `all` has those of both domains."""
    domains = {
        domain: {
            split: records([1000 * first + 100 * second + number for number in range(per_split)])
            for second, split in enumerate(("train", "valid", "test"))
        }
        for first, domain in enumerate(("happy", "offmychest"))
    }
    splits = domains["happy"].keys()
    return domains | {"all": {split: np.concatenate([each[split] for each in domains.values()]) for split in splits}}


SIZES = {"large": {"train": 20, "valid": 8, "test": 6}, "small": {"train": 5, "valid": 3, "test": 2}}


def test_small_lies_inside_large_and_all_draws_from_both() -> None:
    sets = sized("pec", pools(30), SIZES)
    assert len(sets) == 2 * 3 * (3 + 1)
    ids = {place: part["id"].tolist() for place, part in sets.items()}
    for domain, split in itertools.product(("happy", "offmychest", "all"), ("train", "valid", "test")):
        assert set(ids["small", domain, split]) < set(ids["large", domain, split])
        assert len(ids["large", domain, split]) == SIZES["large"][split]
    assert {each // 1000 for each in ids["large", "all", "train"]} == {0, 1}
    assert {each // 1000 for each in ids["large", "happy", "train"]} == {0}


def test_models_are_ranked_on_as_many_test_conversations_as_asked_for() -> None:
    sizes = SIZES | {"small": SIZES["small"] | {"evaluate": 6}, "large": SIZES["large"] | {"evaluate": None}}
    sets = {place: part["id"].tolist() for place, part in sized("pec", pools(30), sizes).items()}
    for domain in ("happy", "offmychest", "all"):
        assert sets["evaluate", "small", domain] == sets["evaluate", "large", domain] == sets["large", domain, "test"]
        assert sets["small", domain, "test"] == sets["evaluate", "small", domain][:2]
    with pytest.raises(AttuneError, match=r"30 to test on in its smallest .* -S 'subsets\.small=\{.*evaluate: 30\}'"):
        sized("pec", pools(30), {"small": SIZES["small"] | {"evaluate": 31}})


def test_a_split_without_a_number_takes_everything() -> None:
    sets = sized("pec", pools(30), {"large": {"train": None, "valid": 5, "test": 5, "evaluate": None}})
    assert {domain: len(sets["large", domain, "train"]) for domain in ("happy", "offmychest", "all")} == {
        "happy": 30, "offmychest": 30, "all": 60,
    }  # fmt: skip
    assert len(sets["large", "all", "valid"]) == len(sets["evaluate", "large", "happy"]) == 5


@pytest.mark.fault("a corpus with fewer conversations than several sizes ask for", "all values that do, at once")
def test_too_few_conversations_say_all_values_that_do() -> None:
    with pytest.raises(AttuneError) as raised:
        sized("pec", pools(7), SIZES)
    assert str(raised.value) == (
        "corpora.pec has 7 to train on, 7 to validate on and 7 to test on in its smallest domain, and `subsets` asks "
        "for more conversations; with dvc exp run add -S 'subsets.large={train: 7, valid: 7, test: 6}', or set these "
        "values in params.yaml, or use a larger source"
    )
    with pytest.raises(AttuneError, match=r"test: 5\}' \(and set cobert\.candidates to no more than there"):
        sized("pec", pools(5), SIZES)
    with pytest.raises(AttuneError, match=r"test: 6\}', or set these values"):
        sized("pec", pools(6), SIZES)  # as many to test on as are asked for
    with pytest.raises(AttuneError, match=r"has 2 to train on, .*small=\{train: 2, valid: 2, test: 2\}"):
        sized("pec", pools(2), SIZES)
    with pytest.raises(AttuneError, match=r"has 1 to train on, .*, too few conversations for any size; use a larger"):
        sized("pec", pools(1), SIZES)


def test_a_conversation_in_the_sets_of_two_splits_is_named() -> None:
    wrong = pools(8)
    wrong["happy"]["test"][0] = wrong["happy"]["train"][0]
    with pytest.raises(AttuneError, match=r"conversations in two splits: 0{16} \(train and test\)"):
        sized("pec", wrong, {"large": {"train": 8, "valid": 8, "test": 8}})


def test_replies_of_the_same_words_are_too_few_beside_each_other() -> None:
    replies = ["ok", "ok", "OK !", "ok .", "no", "thank you"]
    check_candidates("pec", "all", replies, 3, "use more")
    message = (
        r"^corpora\.pec: the test split of all has 5 different replies, 3 of which have the same words, and "
        r"cobert\.candidates is 4; set it to at most 3, or use more$"
    )
    with pytest.raises(AttuneError, match=message):
        check_candidates("pec", "all", replies, 4, "use more")
    with pytest.raises(AttuneError, match="has 0 different replies, and"):
        check_candidates("pec", "all", [], 1, "use more")


@pytest.mark.parametrize("held", [4_000_000, 300])
@pytest.mark.parametrize("cap", [None, 25])
def test_a_corpus_larger_than_a_bucket_comes_in_the_order_of_the_draw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cap: int | None, held: int
) -> None:
    """Also where rows go to their buckets several times, since few of them may wait in memory."""
    monkeypatch.setattr("attune.corpora.spool.ROW_GROUP", 7)
    monkeypatch.setattr("attune.corpora.spool._HELD", held)
    texts = [f"### Human: what of {number % 40} ?### Assistant: {number} é \\n" for number in range(50)]
    for name, part in (("train", [*texts[:30], texts[3]]), ("eval", [*texts[30:], texts[4]])):
        lines = "".join(f'{{"text": "{text}"}}\n' for text in part)
        (tmp_path / f"openassistant_best_replies_{name}.jsonl").write_text(lines, encoding="utf-8")
    record = record_of("openassistant_guanaco")
    read = {row["id"]: row for path in record.files(tmp_path).values() for row in record.read(path, BadRows("error"))}
    subset = train_and_test(record, tmp_path, Sampling(5, cap, 0.2, {}), BadRows("error"), tmp_path / "scratch")
    assert subset.counts == {"bad_rows": 0, "repeated": 2}
    rows = {split: list(part) for split, part in subset.conversations.items()}
    ids = drawn(list(read), cap, 5)
    assert sorted(row["id"] for part in rows.values() for row in part) == sorted(ids)
    assert rows["test"][0]["id"] == ids[0]
    assert all(row == read[row["id"]] for part in rows.values() for row in part)


def test_conversations_that_are_in_two_files_or_without_a_reply_are_counted(tmp_path: Path) -> None:
    for file, ids in (("train", range(20)), ("valid", range(15, 25)), ("test", range(25, 35))):
        rows = (f"{at},{1 + turn},sad,it rained {at},{turn},so {at}.{turn},," for at in ids for turn in (0, 1))
        alone = f"alone in {file},1,sad,it rained,0,hello,,"
        (tmp_path / f"{file}.csv").write_text("\n".join([",".join(COLUMNS), *rows, alone]) + "\n")
    record, sampling = record_of("empathetic_dialogues"), Sampling(5, None, 0.2, {})
    subset = train_and_test(record, tmp_path, sampling, BadRows("error"), tmp_path / "scratch")
    assert subset.counts == {"bad_rows": 0, "repeated": 5, "without_a_reply": 3}


def few_answers(folder: Path, dialogues: int, answered: int) -> None:
    """EmpatheticDialogues' three files with so many dialogues in all, and so many with a reply."""
    for part, file in enumerate(("train", "valid", "test")):
        rows = (
            f"c{at},{1 + turn},sad,it rained {at},{turn},so {at}.{turn},,"
            for at in range(part, dialogues, 3)
            for turn in range(1 + (at < answered))
        )
        (folder / f"{file}.csv").write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")


@pytest.mark.parametrize(("cap", "sizes"), [(10, (8, 2)), (None, (10, 2))])
@pytest.mark.fault("EmpatheticDialogues most of which nobody answers", "those with a reply fill cap and splits")
def test_dialogues_that_nobody_answers_take_no_place_in_the_draw(
    tmp_path: Path, cap: int | None, sizes: tuple[int, int]
) -> None:
    few_answers(tmp_path, 120, 12)
    record = record_of("empathetic_dialogues")
    subset = train_and_test(record, tmp_path, Sampling(13, cap, 0.2, {}), BadRows("error"), tmp_path / "scratch")
    parts = {split: [record.rows(row, True) for row in rows] for split, rows in subset.conversations.items()}
    assert (len(parts["train"]), len(parts["test"])) == sizes
    assert all(rows for part in parts.values() for rows in part)
    assert subset.counts == {"bad_rows": 0, "without_a_reply": 108}
    assert sum(record.count_rows(tmp_path, BadRows("error")).values()) == 120


def test_too_few_dialogues_with_a_reply_say_how_many_have_none(tmp_path: Path) -> None:
    few_answers(tmp_path, 9, 2)
    sampling = Sampling(13, 10, 0.2, {})
    with pytest.raises(AttuneError, match=r"without its 7 dialogue\(s\) that nobody answers has 2 conv"):
        train_and_test(record_of("empathetic_dialogues"), tmp_path, sampling, BadRows("error"), tmp_path / "scratch")


@pytest.mark.parametrize(
    ("rows", "cap", "whose"),
    [
        (["a", "b"], 1, "corpora.openassistant_guanaco.cap = 1 leaves 1 conversation(s) with 1"),
        (["a"], 9, "corpora.openassistant_guanaco has 1 conversation(s) with 1"),
        (["a", "b"], 9, "corpora.openassistant_guanaco has 2 conversation(s), 1 of which would be for training"),
        (["a", "b", "c"], 2, "corpora.openassistant_guanaco.cap = 2 leaves 2 conversation(s), 1 of which would be for"),
        (["a", ""], 9, "corpora.openassistant_guanaco without its 1 malformed row(s) has 1 conversation(s) with 1"),
    ],
)
def test_a_draw_that_cannot_be_split_names_the_key(tmp_path: Path, rows: list[str], cap: int, whose: str) -> None:
    for part in ("train", "eval"):
        lines = [f'{{"text": "### Human: {each}### Assistant: yes"}}\n' for each in rows if part == "train"]
        (tmp_path / f"openassistant_best_replies_{part}.jsonl").write_text("".join(lines))
    record, sampling = record_of("openassistant_guanaco"), Sampling(5, cap, 0.2, {})
    with pytest.raises(AttuneError) as raised:
        train_and_test(record, tmp_path, sampling, BadRows("skip"), tmp_path / "scratch")
    assert str(raised.value).startswith(whose)
