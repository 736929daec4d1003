"""The cores that a process may use, and how many of them one stage takes."""

import os

from attune.core import control_groups

# Set for stages that run side by side: how many pieces of its work each of them computes at once.
WORKERS = "ATTUNE_WORKERS"


def usable() -> int:
    """The machine's cores, or fewer where a container, SLURM or taskset sets a limit."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limits = control_groups.limits("cpu", ("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
    return max(1, min([cores, *(int(quota) // int(period) for quota, period in limits if quota.isdecimal())]))


def workers(threads: int) -> int:
    """WORKERS where it is set, else as many as the usable cores allow, if each takes `threads` of them.

    The processes that a launcher started on this machine share its cores.
    """
    wished = os.environ.get(WORKERS, "")
    if wished.isdecimal() and int(wished) > 0:
        return int(wished)
    return max(1, usable() // (threads * int(os.environ.get("LOCAL_WORLD_SIZE", 1))))
