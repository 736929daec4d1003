import warnings
from pathlib import Path

import pytest
import torch

from attune.generators.length_sampler import GroupingTrainer
from attune.training import distributed
from attune.training.distributed import agreed, gather, highest, joined, share, share_of_sum, total
from attune.training.launcher import is_writer, processes, rank
from attune.training.trainer import arguments
from tests.generators.tiny import gpt
from tests.training.processes import in_processes


def run_out_of_memory(here: bool) -> None:
    with agreed():
        if here:
            raise torch.OutOfMemoryError("mine")


def dropout(folder: Path) -> float:
    """What is drawn first when a training begins."""
    trainer = GroupingTrainer(model=gpt(), args=arguments(folder, 1))
    trainer.callback_handler.on_train_begin(trainer.args, trainer.state, trainer.control)
    return torch.rand(1).item()


def talk(folder: Path) -> None:
    """Run by three processes, on five rows."""
    assert (("ignore", None, Warning, None, 0) in warnings.filters) != is_writer()
    rows = torch.arange(10.0).view(5, 2)
    assert joined([f"{number}" for number in share(range(5))]) == ["0", "1", "2", "3", "4"]
    assert torch.equal(gather(share(rows), 5), rows)
    mine = rows * (rank() + 1)
    own, beyond = share_of_sum(mine, len(share(rows)) + 1).tensor_split([-1])
    assert torch.equal(own, share(rows) * 6)
    assert not beyond.any()
    assert torch.equal(mine, rows * (rank() + 1))
    assert torch.equal(gather(rows[rank()][None], 2), rows[:2])
    assert highest(rank()) == 2
    number = torch.tensor(rank())
    assert (total(number).item(), number.item()) == (3, rank())
    assert distributed.from_writer(rank() + 0.5) == 0.5
    with pytest.raises(torch.OutOfMemoryError, match="mine" if rank() == 1 else "another process"):
        run_out_of_memory(rank() == 1)
    run_out_of_memory(False)
    parameters = [torch.nn.Parameter(torch.ones(2)) for _ in range(2)]
    if rank() != 1:  # which has no gradient then
        (parameters[0] * (rank() + 1)).sum().backward()
    frozen = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    distributed.sum_gradients([*parameters, frozen])
    assert frozen.grad is None
    assert [each.grad.tolist() for each in parameters] == [[4.0, 4.0], [0.0, 0.0]]
    with distributed.job_folders([folder], "key", folder / "target") as (checkpoints, target):
        assert checkpoints.is_dir()
        if is_writer():
            (target / "model").write_text("weights")
    assert not (is_writer() and checkpoints.exists())
    assert len({*joined([dropout(folder / "run")])}) == 3
    print(f"process {rank()}")


def test_three_processes_tell_each_other(tmp_path: Path) -> None:
    assert in_processes(3, f"{__name__}:talk", tmp_path) == ["process 0\n", "", ""]
    assert (tmp_path / "target" / "model").read_text() == "weights"


def test_one_process_gets_back_what_it_gives() -> None:
    rows = torch.arange(6.0).view(3, 2)
    assert (processes(), rank(), is_writer()) == (1, 0, True)
    assert share([1, 2, 3]) == joined([1, 2, 3]) == [1, 2, 3]
    assert torch.equal(gather(rows, 3), rows)
    assert torch.equal(share_of_sum(rows, 3), rows)
    assert highest(4) == 4
    assert not torch.distributed.is_initialized()
