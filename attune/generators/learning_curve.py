"""The learning curve: training losses as logged, and the loss on held-out replies at regular steps."""

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from attune.core.errors import AttuneError
from attune.core.files import atomic_file

COLUMNS = ("step", "epoch", "train_loss", "valid_loss")


class MeasureHeldOut(TrainerCallback):
    """Adds `measure(model)`, in nats per reply token, to the trainer's log history, which checkpoints include."""

    def __init__(self, measure: Callable[[Any], float], every: int) -> None:
        self.measure = measure
        self.every = every

    def on_train_begin(
        self, _args: TrainingArguments, state: TrainerState, _control: TrainerControl, **named: Any
    ) -> None:
        if state.global_step == 0:
            self._log(state, named["model"])

    def on_step_end(
        self, _args: TrainingArguments, state: TrainerState, _control: TrainerControl, **named: Any
    ) -> None:
        if state.global_step % self.every == 0 or state.global_step == state.max_steps:
            self._log(state, named["model"])

    def _log(self, state: TrainerState, model: Any) -> None:
        loss = self.measure(model)
        if not math.isfinite(loss):
            raise AttuneError(f"the held-out loss after step {state.global_step} is {loss}; lower the learning rate")
        state.log_history.append({"step": state.global_step, "epoch": state.epoch or 0.0, "valid_loss": loss})


def curve_rows(history: list[dict[str, float]]) -> list[dict[str, float]]:
    """The losses of the trainer's log history, one row per step with the keys of COLUMNS; other entries are dropped."""
    names = {"loss": "train_loss", "valid_loss": "valid_loss"}
    rows: dict[float, dict[str, float]] = {}
    for entry in history:
        for key in names.keys() & entry.keys():
            row = rows.setdefault(entry["step"], {"step": entry["step"], "epoch": round(entry["epoch"], 4)})
            row[names[key]] = round(float(entry[key]), 4)
    return [rows[step] for step in sorted(rows)]


def write_curve(path: Path, rows: list[dict[str, float]]) -> None:
    """A csv of COLUMNS, empty where a loss was not measured."""
    with atomic_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
