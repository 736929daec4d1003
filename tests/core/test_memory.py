"""The memory that a process may take, in a made-up tree of control groups."""

import os
from pathlib import Path

import pytest

from attune.core import control_groups, memory
from tests.core.made_up_groups import made_up_groups

GIB = 2**30


@pytest.mark.parametrize(
    ("groups", "limits", "expected"),
    [
        ("0::/", {}, 100),
        ("0::/", {"memory.max": "max"}, 100),
        ("0::/", {"memory.max": str(8 * GIB)}, 8),
        ("0::/", {"memory.max": str(200 * GIB)}, 100),
        # SLURM and systemd set it below the root, and the least one on the way counts.
        ("0::/job/step", {"job/step/memory.max": str(9 * GIB), "memory.max": "max"}, 9),
        ("0::/job/step", {"job/memory.max": str(7 * GIB), "job/step/memory.max": "max"}, 7),
        ("2:cpu:/\n4:memory:/job", {"memory/job/memory.limit_in_bytes": str(6 * GIB)}, 6),
        # Within a container the path may be the host's.
        ("4:cpu,memory:/docker/abc", {"memory/memory.limit_in_bytes": str(5 * GIB)}, 5),
        ("", {"memory.max": str(4 * GIB)}, 100),
    ],
)
def test_the_least_limit_of_all_control_groups_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: str, limits: dict[str, str], expected: int
) -> None:
    """On a machine of 100 GiB; expected: in GiB."""
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 100 * 2**18, "SC_PAGE_SIZE": 2**12}.__getitem__)
    made_up_groups(tmp_path, monkeypatch, groups, limits)
    assert memory.usable() == expected * GIB


def test_a_machine_without_control_groups_has_its_own_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_groups, "_GROUPS", tmp_path / "missing")
    assert memory.usable() == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
