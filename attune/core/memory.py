"""How much memory this process may take: the machine's, or less where a container, SLURM or systemd sets a limit."""

import os
from collections.abc import Iterator
from pathlib import Path

_GROUPS = Path("/proc/self/cgroup")
_MOUNT = Path("/sys/fs/cgroup")


def usable() -> int:
    """In bytes."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([machine, *_limits()])


def _limits() -> Iterator[int]:
    """Those of the control groups that this process is in, each within the one above it (cgroups(7))."""
    groups = _GROUPS.read_text(encoding="utf-8").splitlines() if _GROUPS.is_file() else []
    for number, controllers, path in (line.split(":", 2) for line in groups):
        if number == "0":  # version 2, in which one hierarchy has all controllers
            mount, name = _MOUNT, "memory.max"
        elif "memory" in controllers.split(","):
            mount, name = _MOUNT / "memory", "memory.limit_in_bytes"
        else:
            continue
        group = mount / path.strip("/")
        for folder in (group, *group.parents):
            # A container may have no part of the path below its mount, and then the limit is at the mount itself.
            file = folder / name
            if folder.is_relative_to(mount) and file.is_file() and (text := file.read_text().strip()).isdecimal():
                yield int(text)
