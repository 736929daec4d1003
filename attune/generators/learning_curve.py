"""The learning curve: the training loss as logged, and the held-out reply loss at regular steps."""

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from attune.core.errors import AttuneError
from attune.core.files import whole_file

COLUMNS = ("step", "epoch", "train_loss", "valid_loss")


class MeasureHeldOut(TrainerCallback):
    """Notes `measure(model)` in the trainer's log history, which checkpoints carry along."""

    def __init__(self, measure: Callable[[Any], float], every: int) -> None:
        self.measure = measure
        self.every = every

    def on_train_begin(
        self, _args: TrainingArguments, state: TrainerState, _control: TrainerControl, **given: Any
    ) -> None:
        if state.global_step == 0:
            self._note(state, given["model"])

    def on_step_end(
        self, _args: TrainingArguments, state: TrainerState, _control: TrainerControl, **given: Any
    ) -> None:
        if state.global_step % self.every == 0 or state.global_step == state.max_steps:
            self._note(state, given["model"])

    def _note(self, state: TrainerState, model: Any) -> None:
        loss = self.measure(model)
        if not math.isfinite(loss):
            raise AttuneError(f"the held-out loss after step {state.global_step} is {loss}; lower the learning rate")
        state.log_history.append({"step": state.global_step, "epoch": state.epoch or 0.0, "valid_loss": loss})


def curve_rows(history: list[dict[str, float]]) -> list[dict[str, float]]:
    """The log's entries, one row a step, as the columns name them; other entries are the trainer's own."""
    names = {"loss": "train_loss", "valid_loss": "valid_loss"}
    rows: dict[float, dict[str, float]] = {}
    for entry in history:
        for key in names.keys() & entry.keys():
            row = rows.setdefault(entry["step"], {"step": entry["step"], "epoch": round(entry["epoch"], 4)})
            row[names[key]] = round(float(entry[key]), 4)
    return [rows[step] for step in sorted(rows)]


def write_curve(path: Path, rows: list[dict[str, float]]) -> None:
    """A csv with blanks where a loss was not measured."""
    with whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
