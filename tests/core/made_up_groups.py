"""A made-up tree of control groups, in the place of the machine's."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from attune.core import control_groups


def made_up_groups(folder: Path, monkeypatch: pytest.MonkeyPatch, groups: str, limits: Mapping[str, str]) -> None:
    """groups: what /proc/self/cgroup says. limits: what each file below /sys/fs/cgroup holds."""
    monkeypatch.setattr(control_groups, "_GROUPS", folder / "groups")
    monkeypatch.setattr(control_groups, "_MOUNT", folder / "mount")
    (folder / "groups").write_text(groups)
    for name, text in limits.items():
        file = folder / "mount" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
