"""How many processes to run at once: `python -m tools.cores` prints the number of test workers."""

import os
from collections.abc import Iterator
from pathlib import Path

from attune.core import memory

WORKER_BYTES = 10**9  # about what a test worker takes
_GROUPS = Path("/proc/self/cgroup")
_MOUNT = Path("/sys/fs/cgroup")


def usable() -> int:
    """The cores that this process may use: the machine's, or fewer where a container, SLURM or taskset sets a limit."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([cores, *(int(each) for each in _limits())]))


def _limits() -> Iterator[float]:
    """Those of the control groups that this process is in, each within the one above it (cgroups(7)), in cores."""
    groups = _GROUPS.read_text(encoding="utf-8").splitlines() if _GROUPS.is_file() else []
    names: tuple[str, ...]
    for number, controllers, path in (line.split(":", 2) for line in groups):
        if number == "0":  # version 2, in which one hierarchy has all controllers
            mount, names = _MOUNT, ("cpu.max",)
        elif "cpu" in controllers.split(","):
            mount, names = _MOUNT / "cpu", ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        else:
            continue
        group = mount / path.strip("/")
        for folder in (group, *group.parents):
            # A container may have no part of the path below its mount, and then the limit is at the mount itself.
            files = [folder / name for name in names]
            if folder.is_relative_to(mount) and all(file.is_file() for file in files):
                quota, period = " ".join(file.read_text() for file in files).split()
                if quota.isdecimal():
                    yield int(quota) / int(period)


if __name__ == "__main__":
    print(max(1, min(usable(), memory.usable() // WORKER_BYTES)))
