"""What a container, SLURM or systemd allows this process, by Linux' control groups (cgroups(7))."""

from collections.abc import Iterator, Sequence
from pathlib import Path

_GROUPS = Path("/proc/self/cgroup")
_MOUNT = Path("/sys/fs/cgroup")


def limits(controller: str, files: Sequence[str], files_of_version_1: Sequence[str]) -> Iterator[list[str]]:
    """The words in the controller's files of each group that has them: this process' own, and those above it."""
    groups = _GROUPS.read_text(encoding="utf-8").splitlines() if _GROUPS.is_file() else []
    for number, controllers, path in (line.split(":", 2) for line in groups):
        if number == "0":  # version 2, in which one hierarchy has all controllers
            mount, names = _MOUNT, files
        elif controller in controllers.split(","):
            mount, names = _MOUNT / controller, files_of_version_1
        else:
            continue
        group = mount / path.strip("/")
        for folder in (group, *group.parents):
            # A container may have no part of the path below its mount, and then the limit is at the mount itself.
            found = [folder / name for name in names]
            if folder.is_relative_to(mount) and all(file.is_file() for file in found):
                yield " ".join(file.read_text() for file in found).split()
