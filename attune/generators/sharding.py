"""Training a generator with FSDP: each process holds a part of the weights and of their states.

Files hold whole tensors, so that any number of processes can resume.
"""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.fsdp import FSDPModule, fully_shard
from transformers.trainer import OPTIMIZER_NAME, SCHEDULER_NAME
from transformers.utils import SAFE_WEIGHTS_NAME

from attune.core.errors import AttuneError
from attune.generators.adapters import layers
from attune.generators.best_weights import restore_trained, write_trained
from attune.generators.length_sampler import GroupingTrainer

_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)


def shard(model: Any) -> Any:
    """Divide `model` in place, layer by layer; a layer is whole only while it computes."""
    for module in (*layers(model), model):
        # Also the last one to be called: between updates, parameters must be parts.
        fully_shard(module, reshard_after_forward=True)
    for module in model.modules():
        if isinstance(module, FSDPModule):
            # Losses are shares of one loss, so gradients add up; gloo can do nothing else.
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)
    return model


class ShardingTrainer(GroupingTrainer):
    """Trains what `shard` returns; its checkpoints hold the trained tensors alone.

    It cannot recover from out-of-memory: in every layer the other processes wait for the one that failed.
    """

    def _together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _halve(self, rows: int) -> None:  # noqa: ARG002
        raise AttuneError(
            f"out of GPU memory at step {self.state.global_step + 1}; with fsdp, lower batch_size and raise "
            "accumulation, or set gradient_checkpointing"
        ) from None

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:  # noqa: ARG002
        write_trained(self.model, Path(output_dir or self.args.output_dir) / SAFE_WEIGHTS_NAME)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        restore_trained(model or self.model, Path(resume_from_checkpoint) / SAFE_WEIGHTS_NAME)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        state = get_optimizer_state_dict(self.model, self.optimizer.optimizer, options=_WHOLE)
        if self.args.should_save:
            torch.save(state, Path(output_dir) / OPTIMIZER_NAME)
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / SCHEDULER_NAME)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        state, schedule = (
            torch.load(Path(checkpoint) / name, map_location="cpu", weights_only=True)
            for name in (OPTIMIZER_NAME, SCHEDULER_NAME)
        )
        set_optimizer_state_dict(self.model, self.optimizer.optimizer, state, options=_WHOLE)
        self.lr_scheduler.load_state_dict(schedule)
