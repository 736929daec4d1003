"""How many processes to run at once: `python -m tools.cores` prints the number of test workers."""

import os

from attune.core import control_groups, memory
from tools import described

WORKER_BYTES = 10**9  # about what a test worker takes


def usable() -> int:
    """The cores that this process may use: the machine's, or fewer where a container, SLURM or taskset sets a limit."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limits = control_groups.limits("cpu", ("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
    return max(1, min([cores, *(int(quota) // int(period) for quota, period in limits if quota.isdecimal())]))


if __name__ == "__main__":
    described(__doc__).parse_args()
    print(max(1, min(usable(), memory.usable() // WORKER_BYTES)))
