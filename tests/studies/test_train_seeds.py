from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_parquet, sha256
from attune.parameters import load
from studies import train_seeds
from tests.stages.small_project import change
from tests.studies.seeds_project import BASE, project, train


def test_another_seed_trains_other_models_on_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    change(lambda values: values["seeds"].update(values=[13, 14, 15]))
    for seed in (14, 15):
        train(seed)
    names = {path.name for path in Path("models/14").iterdir()}
    assert names == {"README.md", "tuned-happy", "tiny_full"}
    for model in ("tuned-happy", "tiny_full"):
        assert sha256(Path(f"models/14/{model}/model.safetensors")) != sha256(
            Path(f"models/15/{model}/model.safetensors")
        )
    given = read_parquet(Path("processed/empathetic_dialogues/test.parquet"))
    assert read_parquet(Path("models/14/tiny_full/test.parquet")) == given


def test_the_main_job_s_seed_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    train(13)
    assert [path.name for path in Path("models/13").iterdir()] == ["README.md"]


def test_the_draw_and_the_order_vary_as_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    calls = []
    monkeypatch.setattr(train_seeds, "redrawn", lambda *words: calls.append(words) or {"train": []})
    seeds = {}
    for varies in ("order", "draw", "both"):
        change(lambda values, varies=varies: values["seeds"].update(varies=varies))
        settings = load(Path("params.yaml"))
        seeds[varies] = settings.seeds.of_training(14, settings.seed)
        train_seeds.rows_of(settings, 14, Path("raw"), Path(), "processed/pec/small/happy", ("train",))
    assert seeds == {"order": 14, "draw": 13, "both": 14}
    assert [(call[1], call[2].seed, call[4]) for call in calls] == [
        (Path("raw/pec"), 14, {"train": "small/happy/train"})
    ] * 2


def test_a_seed_that_is_no_number_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    with pytest.raises(AttuneError, match="seed = 'x' must be a whole number"):
        train_seeds.main(seed="x", raw=Path("raw"), data=Path(), target=Path("models/x"), **BASE)
