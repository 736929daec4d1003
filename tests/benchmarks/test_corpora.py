import sys
from pathlib import Path

import pytest

from attune import parameters
from attune.core.files import read_json
from benchmarks import corpora, harness
from tests.project import ROOT


def test_the_threads_that_are_recorded_are_those_of_the_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"stage": "download", "seconds": 2.0, "processor_seconds": 1.0, "peak_mib": 50}
    monkeypatch.setattr(corpora, "rows_of", lambda corpus, size, _: [row | {"corpus": corpus, "rows": size}])
    for module in (corpora, harness):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    threads = parameters.load(ROOT / "params.yaml").threads
    monkeypatch.setattr(sys, "argv", ["corpora", "--threads", str(threads + 1), "--factors", "1"])
    corpora.main()
    assert read_json(tmp_path / "corpora.json")["machine"]["threads"] == threads
