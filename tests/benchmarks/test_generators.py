import argparse
from pathlib import Path

import pytest

from attune.core.files import write_parquet
from benchmarks import generators
from tests.generators.tiny import dialogue_rows, gpt, saved
from tests.stages.generators_project import SCHEMAS


def test_replies_are_written_in_as_many_rounds_as_the_command_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = saved(gpt(), tmp_path / "base")
    write_parquet(tmp_path / "test.parquet", dialogue_rows(), SCHEMAS.rows)
    monkeypatch.setitem(generators.WRITTEN, "small", (2, 3))
    rows = generators.writing("small", argparse.Namespace(base=base, data=tmp_path, rounds=1))
    assert [row["peer"] for row in rows] == ["generate, one at a time", "generate, in batches"]
    assert all(row["lowest"] == row["times_faster"] == row["highest"] for row in rows)
