"""What all trainings with transformers' Trainer share. Importing this module imports torch and transformers."""

import math
import os
import shutil
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate.data_loader import prepare_data_loader
from transformers import (
    PreTrainedModel,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.utils.logging import disable_progress_bar

from attune.core.devices import device
from attune.core.errors import AttuneError
from attune.training.checkpoints import MARKER, by_step, mark_complete
from attune.training.distributed import barrier, highest, sum_gradients, total
from attune.training.launcher import processes
from attune.training.random_states import random_states, set_random_states

_MICRO_BATCH = "micro_batch.txt"
# Said here, for transformers' defaults may change: no weight decay, and gradients clipped to a norm of 1.
_OPTIMIZER = {"optim": "adamw_torch_fused", "weight_decay": 0.0, "max_grad_norm": 1.0}

if not sys.stderr.isatty():
    disable_progress_bar()  # a log file would keep every redraw


class OneDevice(TrainingArguments):
    """A process trains on one GPU, however many it sees: transformers would divide the model's batches among all."""

    @property
    def n_gpu(self) -> int:
        return min(super().n_gpu, 1)


def arguments(folder: Path, seed: int, **settings: Any) -> TrainingArguments:
    """Reproducible, quiet, offline; two checkpoints are kept, so that one is complete while the next is written."""
    return OneDevice(
        output_dir=str(folder),
        seed=seed,
        full_determinism=True,
        use_cpu=device() == "cpu",
        dataloader_num_workers=0,
        dataloader_pin_memory=torch.cuda.is_available(),
        save_total_limit=2,
        report_to="none",
        disable_tqdm=not sys.stderr.isatty(),
        logging_nan_inf_filter=False,  # a NaN loss must be seen
        **_OPTIMIZER | settings,
    )


class FiniteTrainer(Trainer):
    """Stops at the first loss that is not finite, instead of training on and saving useless weights.

    In several processes each of them reads every batch and computes its share of it (`attune.training.distributed`), so
    that batches and their order are those of one process. Losses and gradients are added up over the processes here.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        if processes() > 1:
            # Otherwise accelerate would deal out whole batches, and add up gradients in every backward pass.
            self.accelerator.prepare_data_loader = lambda loader, **_: prepare_data_loader(
                loader, num_processes=1, process_index=0, use_seedable_sampler=True
            )
            self.accelerator.prepare_model = partial(self.accelerator.prepare_model, evaluation_mode=True)
            self.add_callback(OwnDropout())

    def training_step(self, *inputs: Any, **named: Any) -> torch.Tensor:
        loss = self._step(*inputs, **named)
        if processes() > 1:
            loss = total(loss)
            if self.accelerator.sync_gradients:
                sum_gradients(self.model.parameters())
        self.check(loss.item(), "training", self.state.global_step + 1)
        return loss

    def _step(self, *inputs: Any, **named: Any) -> torch.Tensor:
        return super().training_step(*inputs, **named)

    def check(self, loss: float, which: str, step: int) -> None:
        if not math.isfinite(loss):
            raise AttuneError(f"the {which} loss at step {step} is {loss}; lower the learning rate")


class RecoveringTrainer(FiniteTrainer):
    """On out-of-memory it halves the micro-batch and repeats the step; the batch size is unchanged.

    The micro-batch is saved with each checkpoint, so that a training resumes to the same bits.

    A subclass computes a step on `micro_batch` rows at a time, all where that is None, and says in `rows_of` how many
    rows a batch has. unit: what a row is called. remedy: what helps if not even one of them fits. batch_size: the
    rows of a whole batch.

    Raises
    ------
    AttuneError
        if not even a single row fits into memory.
    """

    micro_batch: int | None = None
    unit, remedy = "row", ""
    batch_size: int

    def rows_of(self, inputs: Any) -> int:
        raise NotImplementedError

    def _step(self, model: Any, inputs: Any, *rest: Any, **named: Any) -> torch.Tensor:
        """One micro-step of the Trainer; an attempt that ran out of memory leaves no gradients and no draws behind."""
        before = [(each, each.grad) for each in model.parameters()]
        draws = random_states(self.args.device)
        while True:
            for parameter, _ in before:
                parameter.grad = None
            try:
                loss = self._attempt(model, inputs, *rest, **named)
                break
            except torch.OutOfMemoryError:
                self._halve(highest(self.rows_of(inputs)))
            torch.cuda.empty_cache()
            set_random_states(self.args.device, draws)
        for parameter, gradient in before:
            if gradient is not None:
                parameter.grad = gradient if parameter.grad is None else gradient.add_(parameter.grad)
        return loss

    def _attempt(self, *inputs: Any, **named: Any) -> torch.Tensor:
        return super()._step(*inputs, **named)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Under the model's own names: some families' on the hub are others, and what is loaded is not renamed."""
        if self.args.should_save and isinstance(self.model, PreTrainedModel):
            folder = output_dir or self.args.output_dir
            self.model.save_pretrained(folder, state_dict=state_dict, save_original_format=False)
        else:
            super()._save(output_dir, state_dict)

    def _save_rng_state(self, output_dir: str) -> None:
        """With the micro-batch, which decides in what order dropout is drawn from them."""
        super()._save_rng_state(output_dir)
        if self.args.should_save and self.micro_batch is not None:
            (Path(output_dir) / _MICRO_BATCH).write_text(f"{self.micro_batch}\n", encoding="utf-8")

    def _load_rng_state(self, checkpoint: str | None) -> None:
        super()._load_rng_state(checkpoint)
        if checkpoint is not None and (saved := Path(checkpoint) / _MICRO_BATCH).is_file():
            self.micro_batch = int(saved.read_text(encoding="utf-8"))

    def _halve(self, rows: int) -> None:
        current = min(self.micro_batch or rows, rows)
        if current == 1:
            raise AttuneError(
                f"a training step on a single {self.unit} does not fit into the GPU's memory; {self.remedy}"
            ) from None
        self.micro_batch = current // 2
        print(
            f"out of GPU memory at step {self.state.global_step + 1}: continuing with micro-batches of "
            f"{self.micro_batch}; the batch size stays {self.batch_size}",
            flush=True,
        )


class OwnDropout(TrainerCallback):
    """Gives each process its own dropout; the order of batches is drawn before."""

    def on_train_begin(self, args: TrainingArguments, _state: TrainerState, _control: TrainerControl, **_: Any) -> None:
        torch.manual_seed(args.seed + args.process_index)


class MarkComplete(TrainerCallback):
    """Marks a checkpoint as complete once all its files are on the disk; `newest_complete` looks for the mark."""

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, *_: Any, **__: Any) -> None:
        # What a killed training left beyond the step where this one begins would count as newer than what this one
        # saves, which is then deleted in its place.
        if state.is_world_process_zero:
            for step, folder in by_step(Path(args.output_dir)).items():
                if step > state.global_step:
                    shutil.rmtree(folder)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        barrier()  # each process saves the states of its random generators
        # A finished training would resume for one step too many, so its last checkpoint is never resumed from.
        if not state.is_world_process_zero or control.should_training_stop:
            return
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        for path in folder.rglob("*"):
            if path.is_file():
                _sync(path)
        mark_complete(folder)
        _sync(folder / MARKER)
        _sync(folder)


class Follow(TrainerCallback):
    """Hands the log history on whenever it has grown, such as to a curve's file, and prints how long the rest takes."""

    def __init__(self, follow: Callable[[list[dict[str, Any]]], None]) -> None:
        self.follow = follow

    def on_train_begin(self, _args: TrainingArguments, state: TrainerState, _control: TrainerControl, **_: Any) -> None:
        self.began, self.first = time.monotonic(), state.global_step
        self._hand_on(state)

    def on_log(self, _args: TrainingArguments, state: TrainerState, _control: TrainerControl, **_: Any) -> None:
        self._hand_on(state)
        done = state.global_step - self.first
        if state.is_world_process_zero and done and state.global_step < state.max_steps:
            left = (time.monotonic() - self.began) / done * (state.max_steps - state.global_step)
            print(f"step {state.global_step} of {state.max_steps}, about {duration(left)} left", flush=True)

    def _hand_on(self, state: TrainerState) -> None:
        if state.is_world_process_zero and state.log_history:
            self.follow(state.log_history)


def duration(seconds: float) -> str:
    """In seconds below two minutes, in minutes below two hours, in hours above."""
    for size, name in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
