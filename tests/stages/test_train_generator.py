import csv
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from attune.core.errors import AttuneError
from attune.core.files import read_json, write_parquet
from attune.export import models
from attune.generators import training
from attune.training.checkpoints import MARKER
from stages import train_generator
from stages.train_generator import main
from tests.generators.tiny import dialogue_rows, gpt, saved
from tests.project import ROOT
from tests.stages.generators_project import SCHEMAS
from tests.stages.small_project import change, small_project
from tests.training.interruption import edited, interrupted, unfinished

TARGET, CURVE = Path("models/generators/g"), Path("plots/curve.csv")
PLACES = {"base": Path("base"), "data": Path("processed"), "target": TARGET, "curve": CURVE}


def prepare(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_project(folder, monkeypatch)
    saved(gpt(), Path("base"))
    write_parquet(Path("processed/train.parquet"), dialogue_rows(), SCHEMAS.rows)


def digests() -> dict[str, str]:
    """The curve as text, so that a difference can be seen."""
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in TARGET.iterdir()}
    return found | {"curve": CURVE.read_text(encoding="utf-8")}


def test_a_generator_is_trained_with_its_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(tmp_path, monkeypatch)
    main(name="tiny_lora", **PLACES)
    assert "tiny_lora: nats per reply token of held-out conversations: " in capsys.readouterr().out
    assert {"README.md", "adapter_config.json", "adapter_model.safetensors", "card.json", "tokenizer.json"} <= {
        path.name for path in TARGET.iterdir()
    }
    card = (TARGET / "README.md").read_text(encoding="utf-8")
    assert "| lora_rank | 16 |" in card
    assert "| 0 |  | " in card
    with CURVE.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["step", "epoch", "train_loss", "valid_loss", "saved"]
    assert rows[0]["step"] == "0"
    assert rows[0]["train_loss"] == ""
    assert float(rows[-1]["valid_loss"]) > 0
    assert not [path for path in Path(".checkpoints").iterdir() if path.is_dir()]


def test_bf16_in_vain_is_said_in_the_log_and_on_the_cards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(tmp_path, monkeypatch)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)  # of a GPU, where there is one
    main(name="tiny_full", **PLACES)
    told, readme, card = capsys.readouterr().out, (TARGET / "README.md").read_text(), read_json(TARGET / "card.json")
    assert "float32" not in told + readme
    assert "precision" not in card
    change(lambda values: values["generators"]["tiny_full"].update(bf16=True))
    main(name="tiny_full", **PLACES)
    assert capsys.readouterr().out.count("bf16: float32 instead, since ") == 1
    assert "\n| bf16 | True, but it was trained in float32 |\n" in (TARGET / "README.md").read_text()
    assert read_json(TARGET / "card.json") == card | {"precision": "float32"}
    model = shutil.copytree(TARGET, tmp_path / "models/generators/tiny_full")
    assert "| bf16 | True, but it was trained in float32 |" in models.card(model, tmp_path)


def test_entries_with_the_same_settings_train_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(tmp_path, monkeypatch)
    main(name="tiny_prompt", **PLACES)
    (lock,) = Path(".checkpoints").glob("*.lock")
    with FileLock(lock):  # as while the first trains
        main(name="tiny_prompt", **PLACES | {"target": Path("models/generators/copy"), "curve": Path("copy.csv")})
    assert Path("models/generators/copy/card.json").is_file()


def test_only_the_same_training_resumes_from_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same entry, seed, threads, sharding, train rows, base, code and target, in any number of processes."""
    prepare(tmp_path, monkeypatch)
    monkeypatch.setattr(training, "train", interrupted)
    monkeypatch.setattr(train_generator, "launched", lambda *_: False)  # as in each of the processes

    def found(**changes: Path) -> set[str]:
        with pytest.raises(KeyboardInterrupt):
            main(name="tiny_full", **PLACES | changes)
        return unfinished()

    first = found()
    change(lambda values: values["generators"]["tiny_lora"].update(steps=9))
    change(lambda values: values["launcher"].update(processes=2))
    write_parquet(Path("processed/test.parquet"), dialogue_rows()[:4], SCHEMAS.rows)
    assert found(curve=Path("other.csv")) == first
    keys = [first]
    for edit in (
        lambda values: values["generators"]["tiny_full"].update(steps=9),
        lambda values: values.update(seed=14),
        lambda values: values.update(threads=1 + values["threads"]),
        lambda values: values["launcher"].update(fsdp=True),
    ):
        change(edit)
        keys.append(found())
    write_parquet(Path("processed/train.parquet"), dialogue_rows()[:20], SCHEMAS.rows)
    keys.append(found())
    saved(gpt(seed=2), Path("base"))
    keys += [found(), found(target=Path("models/generators/other"))]
    for file in ("stages/train_generator.py", "attune/generators/losses.py"):
        with edited(file, monkeypatch):
            keys.append(found())
    assert [len(each) for each in keys] == list(range(1, 11))


def test_an_unknown_generator_lists_those_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(tmp_path, monkeypatch)
    with pytest.raises(AttuneError, match=r"'tiny' is no generator; params\.yaml has tiny_full"):
        main(name="tiny", **PLACES)


@pytest.mark.fault("an error in a training", "no half-written model")
def test_an_error_leaves_no_half_written_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(tmp_path, monkeypatch)
    (Path("base") / "config.json").unlink()
    with pytest.raises(AttuneError, match=r"no config\.json"):
        main(name="tiny_full", **PLACES)
    assert list(Path("models/generators").iterdir()) == []
    assert not CURVE.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "frozen"), [("full", 0), ("prompt_tuning", 0), ("lora", 0), ("full", 1), ("lora", 1)]
)
@pytest.mark.fault("SIGKILL of a training, three times: {method}, {frozen} layers frozen", "resumed to the same bytes")
def test_killed_and_resumed_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, frozen: int
) -> None:
    prepare(tmp_path, monkeypatch)
    changes = {"steps": 150, "early_stopping": 9, "frozen_layers": frozen}
    change(lambda values: values["generators"][f"tiny_{method}"].update(changes))
    words = [f"name=tiny_{method}", *(f"{name}={path}" for name, path in PLACES.items())]
    command = [sys.executable, "-m", "stages.train_generator", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    draws = random.Random(method)
    for step in (32, 64, 96):
        killed = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        while killed.poll() is None and not list(Path(".checkpoints").glob(f"*/checkpoint-{step}/{MARKER}")):
            time.sleep(0.01)
        time.sleep(draws.random() / 5)
        os.killpg(killed.pid, signal.SIGKILL)
        assert killed.wait() == -signal.SIGKILL
        assert not TARGET.exists()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    resumed = digests()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert digests() == resumed
