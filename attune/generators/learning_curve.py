"""The learning curve: training losses as logged, and the loss on held-out replies at regular steps."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from attune.core.errors import AttuneError
from attune.core.files import write_csv
from attune.generators.best_weights import BestWeights, since_best
from attune.training.distributed import from_writer

# `saved` is 1 in the row whose weights are the generator's.
COLUMNS = ("step", "epoch", "train_loss", "valid_loss", "saved")


class MeasureHeldOut(TrainerCallback):
    """Adds `measure(model)`, in nats per reply token, to the trainer's log history, which checkpoints include.

    `best` keeps the weights of the lowest loss, the untrained ones included. Training stops after `patience`
    measurements without a lower one (None: never).
    """

    def __init__(self, measure: Callable[[Any], float], every: int, best: BestWeights, patience: int | None) -> None:
        self.measure = measure
        self.every = every
        self.best = best
        self.patience = patience

    def on_train_begin(
        self, _args: TrainingArguments, state: TrainerState, _control: TrainerControl, **named: Any
    ) -> None:
        if state.global_step == 0:
            self._log(state, named["model"])

    def on_step_end(self, _args: TrainingArguments, state: TrainerState, control: TrainerControl, **named: Any) -> None:
        if state.global_step % self.every == 0 or state.global_step == state.max_steps:
            later = self._log(state, named["model"])
            control.should_training_stop |= self.patience is not None and later >= self.patience
        # None at the end: the best weights are kept, and a finished training would resume for one step too many.
        control.should_save &= not control.should_training_stop

    def _log(self, state: TrainerState, model: Any) -> int:
        """Measure once more; returns how many measurements came since the best one."""
        loss = from_writer(self.measure(model))
        if not math.isfinite(loss):
            step = (
                "lower the learning rate" if state.global_step else "the base's weights or its precision are the cause"
            )
            raise AttuneError(f"the held-out loss after step {state.global_step} is {loss}; {step}")
        state.log_history.append({"step": state.global_step, "epoch": state.epoch or 0.0, "valid_loss": loss})
        later = since_best([entry["valid_loss"] for entry in state.log_history if "valid_loss" in entry])
        if not later:
            self.best.keep(model)
        return later


def curve_rows(history: list[dict[str, float]]) -> list[dict[str, float]]:
    """The losses of the trainer's log history, one row per step with the keys of COLUMNS; other entries are dropped."""
    best = min((entry for entry in history if "valid_loss" in entry), key=lambda entry: entry["valid_loss"])
    names = {"loss": "train_loss", "valid_loss": "valid_loss"}
    rows: dict[float, dict[str, float]] = {}
    for entry in history:
        for key in names.keys() & entry.keys():
            row = rows.setdefault(entry["step"], {"step": entry["step"], "epoch": round(entry["epoch"], 4)})
            row[names[key]] = round(float(entry[key]), 4)
    rows[best["step"]]["saved"] = 1
    return [rows[step] for step in sorted(rows)]


def summary(rows: Sequence[Mapping[str, float]]) -> str:
    """The held-out losses of a curve in a few words: before training, and of the weights that are saved."""
    measured = [row for row in rows if "valid_loss" in row]
    first, saved = measured[0], next(row for row in measured if "saved" in row)
    loss = f"nats per reply token of held-out conversations: {first['valid_loss']} untrained"
    if saved is not first:
        return f"{loss}, {saved['valid_loss']} after step {saved['step']}, whose weights are saved"
    return loss if len(measured) == 1 else f"{loss}, and no lower by training: the weights saved are the untrained ones"


def write_curve(path: Path, rows: list[dict[str, float]]) -> None:
    """A csv of COLUMNS, empty where a loss was not measured."""
    write_csv(path, rows, COLUMNS)
