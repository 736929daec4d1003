from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from attune.core.files import read_csv, read_parquet, sha256, write_parquet
from attune.evaluation.schemas import ANSWERED
from attune.judgement.export_pairs import main
from tests.judgement.annotators import STRENGTHS, write_replies


def export(folder: Path, *words: str, name: str = "judged") -> Path:
    main(["--replies", str(folder / "answers.parquet"), "--target", str(folder / name), *words])
    return folder / name


def test_each_two_systems_stand_first_equally_often_and_the_key_alone_names_them(tmp_path: Path) -> None:
    write_replies(tmp_path / "answers.parquet")
    judged = export(tmp_path)
    key = read_csv(judged / "key.csv")
    assert len(key) == 3 * 40
    assert set(Counter((row["system_a"], row["system_b"]) for row in key).values()) == {20}
    for path in (judged / "form").iterdir():
        text = path.read_text()
        assert not any(name in text for name in (*STRENGTHS, "targets", "True.")), path
        assert all(row["pair"] in text for row in key)
    assert {row["form"] for row in key} == {sha256(judged / "form" / "pairs.csv")[:12]}
    replies = {(row["system"], row["id"]): row["reply"] for row in read_parquet(tmp_path / "answers.parquet")}
    for pair, row in zip(read_csv(judged / "form" / "pairs.csv"), key, strict=True):
        assert pair["reply_a"] == replies[row["system_a"], row["id"]]
        assert pair["reply_b"] == replies[row["system_b"], row["id"]]


def test_an_odd_number_of_contexts_favours_no_system_and_the_seed_decides(tmp_path: Path) -> None:
    write_replies(tmp_path / "answers.parquet")
    key = read_csv(export(tmp_path, "--most", "7") / "key.csv")
    assert len({row["id"] for row in key}) == 7
    counts = Counter((row["system_a"], row["system_b"]) for row in key)
    assert sorted(counts.values()) == [3, 3, 3, 4, 4, 4]
    named = [("good", "fair"), ("good", "poor"), ("fair", "poor")]
    # Not in all three or in none: the place that is left over would always be the same system's.
    assert sum(counts[first, second] > counts[second, first] for first, second in named) in (1, 2)
    assert key == read_csv(export(tmp_path, "--most", "7", name="again") / "key.csv")
    assert key != read_csv(export(tmp_path, "--most", "7", "--seed", "14", name="other") / "key.csv")


def test_the_seed_draws_both_the_contexts_and_the_order_of_the_pairs(tmp_path: Path) -> None:
    """In the order of the systems, whose places change in turn, an annotator would see through the letters."""
    write_replies(tmp_path / "answers.parquet")
    few, other = (read_csv(export(tmp_path, "--most", "7", "--seed", seed, name=seed) / "key.csv") for seed in "12")
    assert {row["id"] for row in few} != {row["id"] for row in other}
    every, again = (read_csv(export(tmp_path, "--seed", seed, name=f"all {seed}") / "key.csv") for seed in "12")
    orders = [[(row["id"], {row["system_a"], row["system_b"]}) for row in key] for key in (every, again)]
    assert orders[0] != orders[1]
    neighbours = [one == two for (_, one), (_, two) in pairwise(orders[0])]
    assert sum(neighbours) < 0.6 * len(neighbours)


@pytest.mark.parametrize("option", ["--replies", "--contexts"])
def test_what_a_run_has_not_written_yet_is_said_to_be_missing(tmp_path: Path, option: str) -> None:
    write_replies(tmp_path / "answers.parquet")
    with pytest.raises(SystemExit, match=r"error: .*/none\.parquet is missing; `make repro` writes "):
        export(tmp_path, option, str(tmp_path / "none.parquet"))


def test_contexts_of_another_kind_of_file_are_one_sentence(tmp_path: Path) -> None:
    write_replies(tmp_path / "answers.parquet", contexts=2)
    with pytest.raises(SystemExit, match=r"error: .*answers\.parquet is no test\.parquet .*, which has id, context, "):
        export(tmp_path, "--contexts", str(tmp_path / "answers.parquet"))


def test_equal_replies_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_replies(tmp_path / "answers.parquet", contexts=3)
    rows = read_parquet(tmp_path / "answers.parquet")
    rows[3]["reply"] = f" {rows[0]['reply']}"
    write_parquet(tmp_path / "answers.parquet", rows, ANSWERED)
    assert len(read_csv(export(tmp_path) / "key.csv")) == 8
    assert "1 pairs with equal replies are left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--systems", "good", "best"), "no replies of a system called 'best'; there are good, fair, poor, targets"),
        (("--systems", "good"), "a pair needs two systems; there is good"),
    ],
)
def test_systems_that_cannot_be_paired_are_refused(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    write_replies(tmp_path / "answers.parquet", contexts=2)
    with pytest.raises(SystemExit, match=sentence):
        export(tmp_path, *words)
    assert not (tmp_path / "judged").exists()


def test_systems_without_a_common_context_are_told_what_to_do(tmp_path: Path) -> None:
    write_replies(tmp_path / "answers.parquet", contexts=2)
    rows = read_parquet(tmp_path / "answers.parquet")
    others = [row | {"id": f"q{row['id']}"} if row["system"] == "poor" else row for row in rows]
    write_parquet(tmp_path / "answers.parquet", others, ANSWERED)
    with pytest.raises(SystemExit, match="they have none in common; name systems of one corpus with --systems"):
        export(tmp_path)
    assert len(read_csv(export(tmp_path, "--systems", "good", "fair") / "key.csv")) == 2


@pytest.mark.fault("a target of `export_pairs` with answers in it", "nothing is deleted")
def test_a_folder_that_exists_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_replies(tmp_path / "answers.parquet", contexts=2)
    monkeypatch.chdir(tmp_path)
    for target in (".", str(tmp_path)):
        with pytest.raises(SystemExit, match=f"error: {target} exists already; name a new folder"):
            export(tmp_path, "--target", target)
    assert [each.name for each in tmp_path.iterdir()] == ["answers.parquet"]


@pytest.mark.parametrize("name", ["contexts", "target"])
@pytest.mark.fault("`--{}` of `export_pairs` that no file can be", "one sentence that names it")
def test_a_path_that_cannot_be_is_one_sentence(tmp_path: Path, name: str) -> None:
    write_replies(tmp_path / "answers.parquet", contexts=2)
    with pytest.raises(SystemExit, match=r"error: (\[Errno \d+\] )?.*/answers\.parquet"):
        export(tmp_path, f"--{name}", str(tmp_path / "answers.parquet" / "none"))


@pytest.mark.parametrize("most", ["0", "-1", "all"])
def test_a_number_of_contexts_that_is_none_is_refused(
    tmp_path: Path, most: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        export(tmp_path, f"--most={most}")
    assert f"--most: '{most}' is not a whole number of 1 or more" in capsys.readouterr().err


def test_text_in_a_reply_stays_text_on_the_form(tmp_path: Path) -> None:
    write_replies(tmp_path / "answers.parquet", contexts=1)
    rows = read_parquet(tmp_path / "answers.parquet")
    rows[0]["reply"] = "</script><script>alert(1)</script>"
    write_parquet(tmp_path / "answers.parquet", rows, ANSWERED)
    assert "<script>alert" not in (export(tmp_path) / "form" / "form.html").read_text()


def test_on_request_each_pair_is_shown_in_both_orders(tmp_path: Path) -> None:
    write_replies(tmp_path / "answers.parquet", contexts=3)
    key = read_csv(export(tmp_path, "--both-orders") / "key.csv")
    orders = [(row["id"], row["system_a"], row["system_b"]) for row in key]
    assert len(orders) == len(set(orders)) == len({row["pair"] for row in key}) == 2 * 3 * 3
    assert {(each, second, first) for each, first, second in orders} == set(orders)
