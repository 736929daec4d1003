"""A card has the parameters of the training, or says that nobody knows whether it has."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from attune.core.errors import AttuneError
from attune.export import cobert_card
from attune.export.facts import Facts
from attune.export.models import card, export
from attune.export.recorded import UNRECORDED, Training, changes
from tests.chat.tiny_pipeline import built
from tests.project import changed, read

RANKER = "attune-small-happy"


def lock(root: Path, name: str = "dvc.lock", **stages: list[str]) -> None:
    """A lock as DVC writes it, by the stages' parameters in today's params.yaml; __ stands for @."""
    values = read(root / "params.yaml")

    def value(key: str) -> Any:
        place = values
        for part in key.split("."):
            place = place[part]
        return place

    records = {
        stage.replace("__", "@"): {"cmd": "true", "params": {"params.yaml": {key: value(key) for key in keys}}}
        for stage, keys in stages.items()
    }
    (root / name).parent.mkdir(exist_ok=True)
    YAML(typ="safe").dump({"schema": "2.0", "stages": records}, root / name)


def test_what_has_changed_since_is_named_key_by_key(tmp_path: Path) -> None:
    changed(tmp_path)
    training = Training("train_generator@full", {"train_generator@full": ["seed", "generators.full", "launcher"]})
    assert changes(tmp_path, training) is None
    lock(tmp_path, train_generator__full=["seed", "generators.full", "threads"])
    assert changes(tmp_path, training) == []
    assert changes(tmp_path, training._replace(stage="train_generator@rag")) is None
    # Neither the threads nor the launcher count: the one is not shown, the other not recorded.
    later = ("seed", 99), ("generators.full.steps", 8), ("generators.full.bf16", True), ("threads", 2)
    changed(tmp_path, *later, ("launcher.processes", 2), ("generators.rag.lr", 1e-3))
    assert changes(tmp_path, training) == [
        "seed: 99 in place of 13",
        f"generators.full.steps: 8 in place of {read()['generators']['full']['steps']}",
        "generators.full.bf16: True in place of null",
    ]


@pytest.mark.fault("params.yaml was changed after the training", "the export is refused with what has changed")
def test_a_model_is_not_exported_with_other_parameters_than_it_was_trained_with(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    root = built(tmp_path_factory)
    models = {"generators/full": "train_generator@full", f"cobert/{RANKER}": f"train_cobert@{RANKER}"}
    for name in models:
        assert UNRECORDED in card(root / "models" / name, root)
    lock(root, train_generator__full=["seed", "generators.full"], recipes=["seed"], **{f"train_cobert__{RANKER}": []})
    for name in models:
        assert UNRECORDED not in card(root / "models" / name, root)
        export(root / "models" / name, tmp_path / name.replace("/", "-"))
    values = read(root / "params.yaml") | {"seed": 99}
    YAML(typ="safe").dump(values, root / "params.yaml")
    for name, stage in models.items():
        with pytest.raises(AttuneError) as raised:
            export(root / "models" / name, tmp_path / "new")
        assert "(seed: 99 in place of 13)" in str(raised.value)
        assert f"`dvc repro {stage}`" in str(raised.value)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("model", "stage", "change", "found"),
    [
        ("compared/bi_encoder-large-all", "train_compared__bi_encoder-all", ("subsets.large.train", 499), 1),
        ("personas/5", "train_personas__5", ("personas.subset", "large"), 1),
        ("seeds/14/tuned-all", "train_seeds__14", ("seeds.varies", "draw"), 1),
        ("seeds/14/tuned-all", "train_seeds__14", ("encoder", "bert-base-uncased"), 1),
        ("personas/5", "train_personas__5", ("recipes.attune.epochs", 9), 0),
        ("compared/bi_encoder-large-all", "train_compared__bi_encoder-all", ("lr", 0.5), 0),  # it has its own
    ],
)
def test_the_studies_models_are_held_to_what_decides_them(
    tmp_path: Path, model: str, stage: str, change: tuple[str, object], found: int
) -> None:
    changed(tmp_path, ("seeds.varies", "order"))
    keys = ["recipes", "personas", "lr", "seed", "seeds"]
    lock(tmp_path, recipes=keys, base_encoders__encoder=["encoder"], subset__pec=["seed", "subsets"])
    lock(tmp_path, "studies/dvc.lock", **{stage: keys})
    changed(tmp_path, ("seeds.varies", "order"), change)
    training = cobert_card.training(tmp_path / "models" / model, Facts(tmp_path))
    assert training
    assert training.stage == f"studies/dvc.yaml:{stage.replace('__', '@')}"
    assert len(changes(tmp_path, training) or ()) == found
