"""What the processes of one training tell each other. In one process every function here hands back what it is given.

Each process has its share of a list: every `processes()`-th item, from the one whose number is its rank.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from attune.core.files import atomic_folder
from attune.core.parent import dying_with_parent
from attune.training.checkpoints import training_folder
from attune.training.launcher import is_writer, processes, rank

Item = TypeVar("Item")
_NOTHING = object()


@contextmanager
def job_folders(roots: Sequence[Path], key: str, target: Path) -> Iterator[tuple[Path, Path]]:
    """The folder of a job's checkpoints, `training_folder(roots, key)`, and `atomic_folder(target)`.

    The writer opens them for the whole job, and closes them when all processes are through; only it may write into the
    second.
    """
    checkpoints, folder = Path(), target
    with ExitStack() as opened:
        if is_writer():
            checkpoints = opened.enter_context(training_folder(roots, key))
            folder = opened.enter_context(atomic_folder(target))
        else:
            opened.enter_context(dying_with_parent())
        yield _path_from_writer(checkpoints), folder
        barrier()


def _path_from_writer(path: Path) -> Path:
    """The writer's path, on every process, once the writer is here."""
    values = [str(path)]
    if processes() > 1:
        dist.broadcast_object_list(values, src=0)
    return Path(values[0])


def barrier() -> None:
    """Wait until every process is here."""
    if processes() > 1:
        dist.barrier()


def share(items: Sequence[Item]) -> Sequence[Item]:
    """This process's share of `items`."""
    return items[rank() :: processes()]


def joined(items: list[Any]) -> list[Any]:
    """The list of which each process gives its share, in its order, on every process."""
    if processes() == 1:
        return items
    shares: list[list[Any]] = [[] for _ in range(processes())]
    dist.all_gather_object(shares, items)
    return [each for row in zip_longest(*shares, fillvalue=_NOTHING) for each in row if each is not _NOTHING]


def from_writer(value: float) -> float:
    """The writer's value, on every process."""
    return _reduced(value if is_writer() else 0.0, dist.ReduceOp.SUM) if processes() > 1 else value


def highest(value: int) -> int:
    """The highest value of any process."""
    return int(_reduced(value, dist.ReduceOp.MAX)) if processes() > 1 else value


def _reduced(value: float, operation: Any) -> float:
    tensor = torch.tensor(value, dtype=torch.float64, device=_device())
    dist.all_reduce(tensor, operation)
    return tensor.item()


def _device() -> torch.device:
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")


@contextmanager
def agreed() -> Iterator[None]:
    """If one process runs out of memory in the block, all of them raise torch.OutOfMemoryError at its end.

    Inside, processes may not wait for each other.
    """
    problem = None
    try:
        yield
    except torch.OutOfMemoryError as error:
        problem = error
    if highest(problem is not None):
        raise problem or torch.OutOfMemoryError("another process ran out of memory")


def total(value: Tensor) -> Tensor:
    """The sum of the processes' values."""
    if processes() > 1:
        value = value.clone()
        dist.all_reduce(value)
    return value


def gather(rows: Tensor, count: int) -> Tensor:
    """All `count` rows, (count, ...), in their order, of which each process gives its share (m, ...).

    A process without a share gives one row, which is dropped. No gradient flows; `share_of_sum` takes it back. Of both,
    all processes raise torch.OutOfMemoryError if one of them lacks the memory.
    """
    if processes() == 1:
        return rows
    most = -(-count // processes())
    with agreed():
        padded = rows.new_zeros(most, *rows.shape[1:])
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in range(processes())]
    dist.all_gather(parts, padded)
    with agreed():
        return torch.stack(parts, 1).flatten(0, 1)[:count]


def share_of_sum(gradient: Tensor, rows: int) -> Tensor:
    """What `gather` is to states, to their gradients: (rows, ...) of this process, summed over all processes.

    gradient: (count, ...), as this process knows it. Rows beyond this process's share get zeros.
    """
    with agreed():
        summed = gradient.clone()
        padded = gradient.new_zeros(rows, *gradient.shape[1:])
    if processes() > 1:
        dist.all_reduce(summed)
    own = summed[rank() :: processes()]
    padded[: len(own)] = own
    return padded


def sum_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Give every process the sum of the gradients of all processes; those of sharded parameters are summed already."""
    for parameter in parameters:
        if parameter.requires_grad and not is_sharded(parameter):
            # A process without rows in a batch has no gradient yet.
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            dist.all_reduce(parameter.grad)


def is_sharded(tensor: Tensor) -> bool:
    """Whether each process holds a part of the tensor only, as with FSDP."""
    return hasattr(tensor, "full_tensor")


def placed(tensor: Tensor, like: Tensor) -> Tensor:
    """A whole tensor, divided as `like` is."""
    if not is_sharded(like):
        return tensor
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(like, DTensor)
    return distribute_tensor(tensor.to(like.device), like.device_mesh, like.placements)


def whole(tensor: Tensor) -> Tensor:
    """The whole of a sharded tensor, and any other as it is; every process must ask for it."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
