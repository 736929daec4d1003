from pathlib import Path

import pytest

from attune.core.files import write_parquet
from benchmarks import attune
from tests.stages import cobert_project


def test_what_is_ranked_had_no_part_in_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All test replies are the same, so that each is the first of one; no model ranks the validation's so."""
    cobert_project.project(tmp_path, monkeypatch)
    rows = [row | {"response": "so sad !"} for row in cobert_project.pec_rows(8, "test")]
    write_parquet(tmp_path / "pec/small/happy/test.parquet", rows, cobert_project.SCHEMAS.rows)
    monkeypatch.setattr(attune, "VARIANTS", {"attune": {"epochs": 1, "frozen_layers": 0, "extra_negatives": 0}})
    attune.main(["pec/small/happy", str(cobert_project.ENCODER)])
    assert "| attune | 1.000 | 1.000 | +0.000 " in capsys.readouterr().out
