"""Running a training stage in several processes by torchrun, one for each device.

Nothing here imports torch before it must. In one process, `processes` is 1 and torch.distributed is never touched.
"""

import logging
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

from attune.core.determinism import unassigned_devices
from attune.core.errors import AttuneError
from attune.core.parent import dying_with_parent

# How long a process waits for another, such as the one that tokenises the rows; torchrun ends all when one has failed.
_PATIENCE = timedelta(days=1)


def processes() -> int:
    """How many processes this training runs in."""
    return int(os.environ["WORLD_SIZE"]) if "LOCAL_RANK" in os.environ else 1


def rank() -> int:
    """The number of this process among them, from 0."""
    return int(os.environ["RANK"]) if "LOCAL_RANK" in os.environ else 0


def is_writer() -> bool:
    """Whether this is the process that writes files and logs."""
    return rank() == 0


def launched(stage: str, words: Mapping[str, str | Path], count: int) -> bool:
    """Run the module `stage` in `count` processes and return True; False in one process, and in each of them.

    words: the stage's arguments by name. Processes that torchrun started on one machine or several are taken as they
    are.

    Raises
    ------
    AttuneError
        with what the first process to fail said; if torchrun started another number than `count`.
    """
    if "LOCAL_RANK" in os.environ:
        if processes() != count:
            raise AttuneError(f"launcher.processes is {count}, but torchrun started {processes()}; make them equal")
        return False
    if count > 1:
        _run([sys.executable, "-m", stage, *(f"{name}={value}" for name, value in words.items())], count)
    return count > 1


def _run(command: list[str], count: int) -> None:
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # what failed is reported below
    # As `torchrun --standalone` does: a rendezvous of this job's own, at a free port of this machine.
    settings = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=f"attune-{os.getpid()}",
        rdzv_backend="c10d",
        rdzv_endpoint="127.0.0.1:0",
        local_addr="127.0.0.1",
        max_restarts=0,
    )
    try:
        with dying_with_parent(), unassigned_devices():
            check_gpus(count)
            elastic_launch(settings, command[0])(*command[1:])
    except SignalException as stopped:
        sys.exit(128 + stopped.sigval)
    except ChildFailedError as failed:
        number, failure = failed.get_first_failure()
        message = failure.message["message"] if isinstance(failure.message, dict) else failure.message
        name, _, text = message.partition(": ")
        known = text if name == AttuneError.__name__ else f"process {number} failed: {message}"
        raise AttuneError(known) from None


def reporting(main: Callable[..., None]) -> Callable[..., None]:
    """`main` of a stage that may run in several processes: they leave their group when it is done.

    An AttuneError in one of them is handed to torchrun, to be printed once.
    """

    @wraps(main)
    def reported(**words: Any) -> None:
        try:
            main(**words)
        except AttuneError as error:
            if "LOCAL_RANK" not in os.environ:
                raise
            from torch.distributed.elastic.multiprocessing.errors import get_error_handler

            get_error_handler().record_exception(error)
            sys.exit(1)
        if "LOCAL_RANK" in os.environ:
            from torch.distributed import destroy_process_group

            destroy_process_group()

    return reported


def join(threads: int) -> None:
    """Enter the group of processes and take this one's device; prints and warnings of all but the writer are dropped.

    To be called before anything is placed on a device. Does nothing in one process.

    Raises
    ------
    AttuneError
        if the processes see fewer GPUs than there are processes.
    """
    if "LOCAL_RANK" not in os.environ:
        return
    import torch
    import torch.distributed as dist

    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # without it, accelerate would set torch's threads
    if not is_writer():
        sys.stdout = open(os.devnull, "w", encoding="utf-8", errors="replace")  # noqa: PTH123, SIM115
        warnings.simplefilter("ignore")
    if not torch.cuda.is_available():
        dist.init_process_group("gloo", timeout=_PATIENCE)
        return
    place, here = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
    check_gpus(here)
    torch.cuda.set_device(place)
    dist.init_process_group("nccl", timeout=_PATIENCE, device_id=torch.device("cuda", place))


def check_gpus(count: int) -> None:
    """Raise an AttuneError if `count` processes of this machine see fewer GPUs than that, and any at all."""
    import torch

    if torch.cuda.is_available() and (seen := torch.cuda.device_count()) < count:
        raise AttuneError(
            f"{count} processes need as many GPUs, but see {seen}; lower launcher.processes, or show more: `make repro "
            "JOBS=1`, unlike `make repro`, gives a stage all that CUDA_VISIBLE_DEVICES names"
        )
