from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_csv, read_json
from attune.judgement import export_pairs, judge_pairs
from tests.judgement.annotators import answer, write_replies


@pytest.mark.parametrize(
    ("target", "sentence"),
    [("", "is a folder; name a JSON file"), ("thumbs.jsonl/found.json", r"\[Errno \d+\] .*/thumbs\.jsonl")],
)
@pytest.mark.fault("a target of `judge_pairs` that no file can be", "one sentence that names it")
def test_a_target_that_no_file_can_be_is_one_sentence(tmp_path: Path, target: str, sentence: str) -> None:
    (tmp_path / "thumbs.jsonl").write_text('{"context": "c", "system": "x", "verdict": "up"}\n')
    with pytest.raises(SystemExit, match=f"error: .*{sentence}"):
        judge_pairs.main(["--thumbs", str(tmp_path / "thumbs.jsonl"), "--target", str(tmp_path / target)])


def form_and_answers(folder: Path, *names: str) -> tuple[Path, list[Path]]:
    """The key of a form, and the answers of annotators."""
    write_replies(folder / "answers.parquet", contexts=7)
    export_pairs.main(["--replies", str(folder / "answers.parquet"), "--target", str(folder / "judged")])
    key, paths = folder / "judged" / "key.csv", [folder / f"{name}.csv" for name in names]
    for seed, path in enumerate(paths):
        answer(key, path, path.stem, seed)
    return key, paths


@pytest.mark.fault("a file of answers that is given twice", "one sentence that names both places")
def test_no_answer_counts_twice(tmp_path: Path) -> None:
    key, (path,) = form_and_answers(tmp_path, "ann")
    with pytest.raises(AttuneError, match=r"ann\.csv line 2: ann has answered pair p\d+ already, in .*ann\.csv line 2"):
        judge_pairs.read(key, [path, path], None)


def test_repeated_options_add_up(tmp_path: Path) -> None:
    key, paths = form_and_answers(tmp_path, "ann", "ben")
    words = [word for path in paths for word in ("--answers", str(path))]
    judge_pairs.main(["--key", str(key), *words, "--target", str(tmp_path / "found.json")])
    assert read_json(tmp_path / "found.json")["agreement"]["annotators"] == 2
    systems = ["--systems", "good", "--systems", "poor"]
    export_pairs.main(["--replies", str(tmp_path / "answers.parquet"), *systems, "--target", str(tmp_path / "of_two")])
    assert {row["system_a"] for row in read_csv(tmp_path / "of_two" / "key.csv")} == {"good", "poor"}


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("thumbs.jsonl", "is read by this command; name another file for the results"),
        ("notes.txt", "exists and holds no earlier results; name another file for the results"),
        ("metrics.json", "exists and holds no earlier results; name another file for the results"),
        ("list.json", "exists and holds no earlier results; name another file for the results"),
        ("deep.json", "exists and holds no earlier results; name another file for the results"),
    ],
)
@pytest.mark.fault("a target of `judge_pairs` that holds something else", "nothing is overwritten")
def test_only_results_are_overwritten(tmp_path: Path, target: str, sentence: str) -> None:
    given = '{"context": "c", "system": "x", "verdict": "up"}\n'
    (tmp_path / "thumbs.jsonl").write_text(given)
    (tmp_path / "notes.txt").write_text("Call Ann.")
    (tmp_path / "metrics.json").write_text('{"thumbs": [], "mrr": 0.5}')
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    words = ["--thumbs", str(tmp_path / "thumbs.jsonl"), "--target"]
    before = (tmp_path / target).read_text()
    with pytest.raises(SystemExit, match=f"error: .*{target} {sentence}"):
        judge_pairs.main([*words, str(tmp_path / target)])
    assert (tmp_path / target).read_text() == before
    for _ in range(2):  # an analysis may be repeated
        judge_pairs.main([*words, str(tmp_path / "found.json")])
