"""How much memory this process may take: the machine's, or less where a container, SLURM or systemd sets a limit."""

import os

from attune.core import control_groups


def usable() -> int:
    """In bytes."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = control_groups.limits("memory", ("memory.max",), ("memory.limit_in_bytes",))
    return min([machine, *(int(limit) for (limit,) in limits if limit.isdecimal())])
