"""Trackers: programs that show a training's curve while it runs, told by transformers' own callbacks.

Importing this module imports torch and transformers; a tracker's package is imported when it is named.
"""

import copy
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from attune.training.launcher import is_writer

PROJECT = "attune"


def trackers(names: Sequence[str], root: Path, target: Path) -> list[TrainerCallback]:
    """A callback for each of `names`, keys of TRACKERS, in the process that writes.

    What they write is below `root`, by the tracker's name. target: the model's folder, whose last two parts and the
    time name the run, so that a run that is repeated stands beside the earlier one.
    """
    run = "/".join((*target.parts[-2:], datetime.now().strftime("%Y-%m-%dT%H-%M-%S")))
    return [Tracking(TRACKERS[name](root.absolute() / name, run), run) for name in names] if is_writer() else []


class Tracking(TrainerCallback):
    """Hands the log history on, without drawing from the random numbers that the training draws from.

    It also has what callbacks have added to the history, and after a resumption the steps before it. The tracker never
    sees the model, which its folder describes.
    """

    def __init__(self, tracker: TrainerCallback, run: str) -> None:
        self.tracker, self.run, self.told = tracker, run, 0

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.args = copy.copy(args)
        self.args.run_name, self.args.project = self.run, PROJECT
        with undrawn():
            self.tracker.on_train_begin(self.args, state, control, model=None)
        self._tell(state, control)

    def on_log(self, _args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._tell(state, control)

    def on_train_end(self, _args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._tell(state, control)
        with undrawn():
            self.tracker.on_train_end(self.args, state, control, model=None)

    def _tell(self, state: TrainerState, control: TrainerControl) -> None:
        for entry in state.log_history[self.told :]:
            then = copy.copy(state)
            then.global_step = entry["step"]
            # transformers' name for what is held out.
            logs = {"eval_loss" if key == "valid_loss" else key: each for key, each in entry.items() if key != "step"}
            with undrawn():
                self.tracker.on_log(self.args, then, control, model=None, logs=logs)
        self.told = len(state.log_history)


@contextmanager
def undrawn() -> Iterator[None]:
    """Afterwards every random generator is as it was before: trackers draw names for their runs."""
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])


def _tensorboard(folder: Path, run: str) -> TrainerCallback:
    from torch.utils.tensorboard import SummaryWriter
    from transformers.integrations import TensorBoardCallback

    return TensorBoardCallback(SummaryWriter(log_dir=str(folder / run)))


def _dvclive(folder: Path, run: str) -> TrainerCallback:
    from dvclive import Live
    from transformers.integrations import DVCLiveCallback

    # It must not write a dvc.yaml, nor save an experiment, in the middle of a stage.
    return DVCLiveCallback(Live(dir=str(folder / run), save_dvc_exp=False, dvcyaml=None), log_model=False)


def _trackio(folder: Path, _run: str) -> TrainerCallback:
    from huggingface_hub import constants
    from transformers.integrations import TrackioCallback

    os.environ.setdefault("TRACKIO_DIR", str(folder))
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # for a server of its own, in another process
    constants.HF_HUB_DISABLE_TELEMETRY = True  # here the client has read the variable when it was imported
    return TrackioCallback()


def _wandb(folder: Path, _run: str) -> TrainerCallback:
    from transformers.integrations import WandbCallback

    folder.mkdir(parents=True, exist_ok=True)
    offline = {"MODE": "offline", "DIR": str(folder), "PROJECT": PROJECT, "ERROR_REPORTING": "false", "SILENT": "true"}
    for name, value in offline.items():
        os.environ.setdefault(f"WANDB_{name}", value)
    return WandbCallback()


# The keys are those of `attune.parameters.types.Tracker`. Each gets the tracker's folder and the run's name.
TRACKERS: dict[str, Callable[[Path, str], TrainerCallback]] = {
    "tensorboard": _tensorboard,
    "dvclive": _dvclive,
    "trackio": _trackio,
    "wandb": _wandb,
}
