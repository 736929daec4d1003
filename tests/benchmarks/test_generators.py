import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attune.core.files import write_parquet
from benchmarks import generators
from benchmarks.harness import seconds
from tests.generators.tiny import dialogue_rows, gpt, saved
from tests.stages.generators_project import SCHEMAS


def test_replies_are_written_in_as_many_rounds_as_the_command_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = saved(gpt(), tmp_path / "base")
    write_parquet(tmp_path / "test.parquet", dialogue_rows(), SCHEMAS.rows)
    monkeypatch.setitem(generators.WRITTEN, "small", (2, 3))
    timed = []

    def counted(work: Callable[[], Any]) -> float:
        timed.append(work)
        return seconds(work)

    monkeypatch.setattr(generators, "seconds", counted)
    rows = generators.writing("small", argparse.Namespace(base=base, data=tmp_path, rounds=3))
    assert [row["peer"] for row in rows] == ["generate, one at a time", "generate, in batches"]
    assert len(timed) == 3 * (1 + 3)  # three sides, each of which warms up in a round that does not count
