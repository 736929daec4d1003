"""How much memory this process may take, and what is said where a model needs more."""

import os
from pathlib import Path

from attune.core import control_groups
from attune.core.errors import AttuneError, one_line


def usable() -> int:
    """In bytes: the machine's, or less where a container, SLURM or systemd sets a limit."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = control_groups.limits("memory", ("memory.max",), ("memory.limit_in_bytes",))
    return min([machine, *(int(limit) for (limit,) in limits if limit.isdecimal())])


def not_loaded(folder: Path, error: Exception, wrong: str) -> AttuneError:
    """What to raise where loading the model in `folder` ended with `error`.

    wrong: what is wrong with the folder, unless the error says that the memory of the machine or its GPU is too small.
    """
    import torch

    # On a processor PyTorch raises a RuntimeError that only its text tells from others.
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error):
        return AttuneError(
            f"{folder} does not fit into memory: {one_line(error)}; end other programs that need memory, or name a "
            "smaller model"
        )
    return AttuneError(f"{folder} {wrong}: {one_line(error)}")
