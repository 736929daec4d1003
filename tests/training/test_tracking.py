"""Trackers see the curves of both kinds of trainings, and change none of their bytes."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import TrainerCallback, TrainerControl, TrainerState

from attune.core.errors import AttuneError
from attune.core.files import read_csv, sha256
from attune.parameters import load
from attune.training.tracking import Tracking, trackers, undrawn
from attune.training.trainer import arguments
from stages import train_generator
from tests.project import changed
from tests.stages import cobert_project, generators_project
from tests.stages.small_project import change

SAME = ("model.safetensors", "adapter_model.safetensors", "config.json")


def digests(folder: Path) -> dict[str, str]:
    return {name: sha256(folder / name) for name in SAME if (folder / name).is_file()}


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Step and value of each curve of the one run below `folder`."""
    (run,) = folder.iterdir()
    events = EventAccumulator(str(run))
    events.Reload()
    return {tag: [(each.step, each.value) for each in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def measured(curve: Path, column: str) -> list[tuple[int, float]]:
    rows = [(int(row["step"]), row[column]) for row in read_csv(curve)]
    return [(step, pytest.approx(float(value), abs=1e-4)) for step, value in rows if value]


def test_tensorboard_shows_cobert_s_curve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cobert_project.project(tmp_path, monkeypatch)
    cobert_project.train("baseline", "without")
    assert not Path("runs").exists()
    changes = [("cobert.subsets", ["small"]), ("cobert.domains", ["happy"]), ("report_to", ["tensorboard"])]
    changed(tmp_path, *changes)
    cobert_project.train("baseline", "with")
    without, followed = (Path(f"models/{name}-small-happy") for name in ("without", "with"))
    assert digests(followed) == digests(without)
    assert followed.with_suffix(".csv").read_bytes() == without.with_suffix(".csv").read_bytes()
    shown = scalars(Path("runs/tensorboard/models/with-small-happy"))
    assert shown["eval/mrr"] == measured(followed.with_suffix(".csv"), "valid_mrr")
    assert shown["train/loss"] == measured(followed.with_suffix(".csv"), "train_loss")


def test_tensorboard_shows_a_generator_s_curve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generators_project.project(tmp_path, monkeypatch)
    base, data = Path("base/gpt2"), Path("processed/empathetic_dialogues")
    for name, named in (("without", []), ("with", ["tensorboard"])):
        change(lambda values, shown=named: values.__setitem__("report_to", shown))
        target = Path(f"models/generators/{name}")
        train_generator.main(name="tiny_lora", base=base, data=data, target=target, curve=Path(f"{name}.csv"))
    assert digests(Path("models/generators/with")) == digests(Path("models/generators/without"))
    assert Path("with.csv").read_bytes() == Path("without.csv").read_bytes()
    shown = scalars(Path("runs/tensorboard/generators/with"))
    assert shown["eval/loss"] == measured(Path("with.csv"), "valid_loss")
    assert shown["train/loss"] == measured(Path("with.csv"), "train_loss")


def test_what_the_history_gets_at_the_end_is_told_too_and_nothing_twice(tmp_path: Path) -> None:
    told: list[tuple[int, dict[str, float]]] = []

    class Noting(TrainerCallback):
        def on_log(self, _args: Any, state: TrainerState, _control: Any, **named: Any) -> None:
            told.append((state.global_step, named["logs"]))

    tracking, settings, control = Tracking(Noting(), "run"), arguments(tmp_path, 1), TrainerControl()
    state = TrainerState(log_history=[{"step": 2, "loss": 3.0}])  # as after a resumption
    tracking.on_train_begin(settings, state, control)
    state.log_history.append({"step": 4, "valid_loss": 2.0})
    tracking.on_log(settings, state, control)
    state.log_history.append({"step": 5, "train_loss": 2.5})
    tracking.on_train_end(settings, state, control)
    assert told == [(2, {"loss": 3.0}), (4, {"eval_loss": 2.0}), (5, {"train_loss": 2.5})]


@pytest.mark.parametrize("number", [0, 1])
def test_only_the_process_that_writes_has_trackers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    for name, value in (("LOCAL_RANK", number), ("RANK", number)):
        monkeypatch.setenv(name, str(value))
    assert len(trackers(["tensorboard"], tmp_path, Path("models/m"))) == 1 - number


@pytest.mark.parametrize(
    ("seed", "draw"),
    [
        (random.seed, random.random),
        (np.random.seed, np.random.random),
        (torch.manual_seed, lambda: torch.rand(1).item()),
    ],
    ids=["random", "numpy", "torch"],
)
def test_what_a_tracker_draws_is_put_back(seed: Callable[[int], object], draw: Callable[[], float]) -> None:
    seed(3)
    expected = draw()
    seed(3)
    with undrawn():
        draw()
    assert draw() == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["wandb"], r"report_to\.0: the package wandb is not installed; run `pip install -e '\.\[wandb\]'`"),
        (["mlflow"], r"report_to\.0 = 'mlflow': input should be 'tensorboard', 'dvclive', 'trackio' or 'wandb'"),
        ("tensorboard", r"report_to = 'tensorboard': it must be a list"),
    ],
)
@pytest.mark.fault("a tracker that is unknown or not installed", "refused, with the command that installs it")
def test_a_tracker_that_is_not_there_is_refused(
    tmp_path: Path, value: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attune.parameters.types.find_spec", lambda _: None)
    with pytest.raises(AttuneError, match=message):
        load(changed(tmp_path, ("report_to", value)))
