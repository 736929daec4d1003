"""Trackers see the curves of both kinds of trainings, and change none of their bytes."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from attune.core.errors import AttuneError
from attune.core.files import read_csv, sha256
from attune.parameters import load
from attune.training.tracking import undrawn
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
    for name, trackers in (("without", []), ("with", ["tensorboard"])):
        change(lambda values, named=trackers: values.__setitem__("report_to", named))
        target = Path(f"models/generators/{name}")
        train_generator.main(name="tiny_lora", base=base, data=data, target=target, curve=Path(f"{name}.csv"))
    assert digests(Path("models/generators/with")) == digests(Path("models/generators/without"))
    assert Path("with.csv").read_bytes() == Path("without.csv").read_bytes()
    shown = scalars(Path("runs/tensorboard/generators/with"))
    assert shown["eval/loss"] == measured(Path("with.csv"), "valid_loss")
    assert shown["train/loss"] == measured(Path("with.csv"), "train_loss")


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
