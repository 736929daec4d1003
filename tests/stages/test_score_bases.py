from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_parquet, sha256
from stages import base_tests, score_bases
from tests.stages.evaluation_project import project
from tests.stages.small_project import change


def score() -> None:
    score_bases.main(tests=Path("base_tests.json"), base_models=Path("base"), data=Path(), target=Path("bases.parquet"))


def test_each_base_is_tested_on_each_corpus_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    scored = read_parquet(Path("bases.parquet"))
    assert [row["max_length"] for row in scored] == [40] * 8 + [48] * 16 + [200] * 9
    assert len({row["id"] for row in scored[16:]}) == 17
    assert all(row["nats"] > 0 for row in scored)
    first = sha256(Path("bases.parquet"))
    score()
    assert sha256(Path("bases.parquet")) == first


def test_a_base_with_too_few_positions_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    change(lambda values: values["generators"]["tiny_full"].update(max_length=257))
    base_tests.main(target=Path("base_tests.json"))
    with pytest.raises(AttuneError, match="max_length = 257, but the base gpt2 has 256 positions; lower it"):
        score()
