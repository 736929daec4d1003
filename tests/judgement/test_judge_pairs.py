from pathlib import Path

import pytest

from attune.judgement import judge_pairs


@pytest.mark.parametrize(
    ("target", "sentence"),
    [("", "is a folder; name a JSON file"), ("thumbs.jsonl/found.json", r"\[Errno \d+\] .*/thumbs\.jsonl")],
)
@pytest.mark.fault("a target of `judge_pairs` that no file can be", "one sentence that names it")
def test_a_target_that_no_file_can_be_is_one_sentence(tmp_path: Path, target: str, sentence: str) -> None:
    (tmp_path / "thumbs.jsonl").write_text('{"context": "c", "system": "x", "verdict": "up"}\n')
    with pytest.raises(SystemExit, match=f"error: .*{sentence}"):
        judge_pairs.main(["--thumbs", str(tmp_path / "thumbs.jsonl"), "--target", str(tmp_path / target)])
