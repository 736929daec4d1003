"""The cores that a process may use, in a made-up tree of control groups."""

import os
import runpy
import sys
from pathlib import Path

import pytest

from tests.core.made_up_groups import made_up_groups
from tools import cores


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        ("0::/", {}, 8),
        ("0::/", {"cpu.max": "max 100000"}, 8),
        ("0::/", {"cpu.max": "250000 100000"}, 2),
        ("0::/", {"cpu.max": "50000 100000"}, 1),
        ("0::/job/step", {"job/cpu.max": "300000 100000", "job/step/cpu.max": "max 100000"}, 3),
        ("4:cpu,cpuacct:/docker/abc", {"cpu/cpu.cfs_quota_us": "400000", "cpu/cpu.cfs_period_us": "100000"}, 4),
        ("4:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ("", {"cpu.max": "100000 100000"}, 8),
    ],
)
def test_a_container_s_share_of_the_processor_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: str, limits: dict[str, str], expected: int
) -> None:
    """On a machine of eight cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    made_up_groups(tmp_path, monkeypatch, groups, limits)
    assert cores.usable() == expected


@pytest.mark.parametrize(("gb", "workers"), [(100, 8), (3.5, 3), (0.5, 1)])
def test_there_are_no_more_test_workers_than_fit_into_memory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], gb: float, workers: int
) -> None:
    """On a machine of eight cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    monkeypatch.setattr("attune.core.control_groups.limits", lambda *_: [])
    monkeypatch.setattr("attune.core.memory.usable", lambda: int(gb * 10**9))
    monkeypatch.setattr(sys, "argv", ["cores"])
    monkeypatch.delitem(sys.modules, "tools.cores")
    runpy.run_module("tools.cores", run_name="__main__")
    assert int(capsys.readouterr().out) == workers
