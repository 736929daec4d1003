import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from attune.cobert import training as cobert_training
from attune.core.errors import AttuneError
from attune.core.files import read_parquet, sha256, write_parquet
from attune.corpora import record_of
from attune.corpora.base import Rows, Sampling
from attune.corpora.redrawing import redrawn
from attune.generators import training as generator_training
from attune.parameters import Parameters, load
from studies import train_seeds
from tests.generators.tiny import dialogue_rows
from tests.stages.cobert_project import pec_rows
from tests.stages.small_project import change
from tests.studies.seeds_project import BASE, project, train
from tests.training.interruption import edited, interrupted, unfinished


def digests() -> dict[str, str]:
    folder = Path("models/14")
    return {str(path.relative_to(folder)): sha256(path) for path in folder.rglob("*") if path.is_file()}


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


@pytest.mark.fault("an interruption between two trainings of one stage", "the first is not trained again")
def test_what_is_trained_survives_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, monkeypatch)
    train(14)
    whole = digests()
    shutil.rmtree("models/14")

    with monkeypatch.context() as patched:
        patched.setattr(train_seeds, "train_generator", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(14)
    assert not Path("models/14").exists()
    capsys.readouterr()
    train(14)
    assert "tuned-happy: trained by the run that was interrupted\n" in capsys.readouterr().out
    assert digests() == whole
    assert not [path for path in Path(".checkpoints").iterdir() if path.is_dir()]


def test_what_is_trained_is_not_taken_for_another_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other parameters, and other test rows, which lie beside a generator's weights."""
    project(tmp_path, monkeypatch)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "move", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(14)
    change(lambda values: values["recipes"]["tuned"].update(lr=2e-2))
    place = Path("processed/empathetic_dialogues/test.parquet")
    write_parquet(place, read_parquet(place)[:-1], record_of("empathetic_dialogues").schemas.rows)
    train(14)
    assert "interrupted" not in capsys.readouterr().out
    assert read_parquet(Path("models/14/tiny_full/test.parquet")) == read_parquet(place)
    assert not [path for path in Path(".checkpoints").iterdir() if path.is_dir()]


def unlike_trainings() -> Iterator[str]:
    """The key of a recipe's and then of a generator's training, and of others that differ in one thing each."""
    settings, encoder, base = load(), BASE["encoder"], BASE["base_models"]
    options, kept = settings.recipe("tuned"), Path("kept")
    rows = {split: pec_rows(8, split) for split in ("train", "valid")}
    for given, learnt, target in (
        (options | {"seed": 14}, rows, "tuned"),
        (options | {"seed": 15}, rows, "tuned"),
        (options | {"seed": 14, "lr": 2e-2}, rows, "tuned"),
        (options | {"seed": 14}, rows | {"train": rows["train"][:6]}, "tuned"),
        (options | {"seed": 14}, rows, "other"),
    ):
        yield left_by(train_seeds.train_recipe, given, learnt, encoder, kept, Path(target))

    dialogues, name = {"train": dialogue_rows(), "test": dialogue_rows()}, "tiny_full"
    changed = settings.model_copy(update={"threads": settings.threads + 1})
    longer = settings.generators[name].model_copy(update={"steps": 9})
    more = settings.model_copy(update={"generators": settings.generators | {name: longer}})
    drawn = settings.model_copy(update={"seed": 12})
    for given, seed, learnt, target in (
        (settings, 14, dialogues, name),
        (settings, 15, dialogues, name),
        (changed, 14, dialogues, name),
        (more, 14, dialogues, name),
        (drawn, 14, dialogues, name),
        (settings, 14, dialogues | {"test": dialogues["test"][:4]}, name),
        (settings, 14, dialogues, "other"),
    ):
        yield left_by(train_seeds.train_generator, given, name, seed, learnt, base, kept, Path(target))


def left_by(train_one: Callable[..., Path], *arguments: Any) -> str:
    """The key of a training that is interrupted; what it left is removed."""
    with pytest.raises(KeyboardInterrupt):
        train_one(*arguments)
    (key,) = unfinished()
    shutil.rmtree(Path(".checkpoints", key))
    return key


def test_only_the_same_training_resumes_from_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same options, seeds, threads, rows, base, code and target."""
    project(tmp_path, monkeypatch)
    for module in (cobert_training, generator_training):
        monkeypatch.setattr(module, "train", interrupted)
    first = list(unlike_trainings())
    assert list(unlike_trainings()) == first
    keys = set(first)
    with edited("attune/training/trainer.py", monkeypatch):
        keys |= {*unlike_trainings()}
    for file in (BASE["encoder"] / "config.json", Path("base/gpt2/config.json")):
        file.write_text(file.read_text() + " ")
    keys |= {*unlike_trainings()}
    assert len(keys) == 3 * len(first)


def test_the_draw_and_the_order_vary_as_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    calls = []
    monkeypatch.setattr(train_seeds, "redrawn", lambda *words: calls.append(words) or {"train": []})
    seeds = {}
    for varies in ("order", "draw", "both"):
        change(lambda values, varies=varies: values["seeds"].update(varies=varies))
        settings = load(Path("params.yaml"))
        seeds[varies] = settings.seeds.of_training(14, settings.seed)
        train_seeds.recipe_rows(settings, 14, Path("raw"), Path(), "processed/pec/small/happy")
    assert seeds == {"order": 14, "draw": 13, "both": 14}
    assert [(call[1], call[2].seed, call[4]) for call in calls] == [
        (Path("raw/pec"), 14, {"train": "small/happy/train", "valid": "small/happy/valid"})
    ] * 2


def own_corpus_of(questions: int) -> tuple[Parameters, Rows]:
    """Four conversations a question, raw and as the main job tests on them; the draw varies."""
    conversations = [
        {"id": f"c{at}", "system": "", "emotion": "", "personas": [], "speakers": ["other", "responder"],
         "utterances": [f"Question{' ' * (at % 2 + 1)}{at // 4}?", f"Answer {at}."]}
        for at in range(4 * questions)
    ]  # fmt: skip
    Path("raw/own").mkdir(parents=True)
    Path("raw/own/conversations.jsonl").write_text("\n".join(map(json.dumps, conversations)))
    change(lambda values: values["seeds"].update(varies="draw"))
    change(lambda values: values["corpora"].update(own={"path": "own.jsonl"}))
    settings = load(Path("params.yaml"))
    record, sampling = record_of("own"), Sampling(settings.seed, None, settings.preprocess.test_share, {})
    rows = redrawn(record, Path("raw/own"), sampling, True, {split: split for split in ("train", "test")})
    for split, part in rows.items():
        write_parquet(Path(f"processed/own/{split}.parquet"), part, record.schemas.rows)
    return settings, rows["test"]


def test_the_generators_of_all_draws_are_tested_alike_and_on_nothing_that_they_learn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch)
    settings, test = own_corpus_of(questions=20)
    words = Path("raw"), Path(), "processed/own"
    rows = {seed: train_seeds.generator_rows(settings, seed, *words) for seed in (13, 14, 15)}
    assert all(each["test"] == test for each in rows.values())
    questions = {seed: {row["context"][0].split()[1] for row in each["train"]} for seed, each in rows.items()}
    assert all(each.isdisjoint(row["context"][0].split()[1] for row in test) for each in questions.values())
    assert len(set(map(frozenset, questions.values()))) == 3


def test_a_draw_without_anything_to_train_on_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two questions, each seed tests one."""
    project(tmp_path, monkeypatch)
    settings, _ = own_corpus_of(questions=2)
    with pytest.raises(AttuneError, match=r"corpora\.own: all conversations that seed 14 draws to train on are tested"):
        train_seeds.generator_rows(settings, 14, Path("raw"), Path(), "processed/own")


def test_a_seed_that_is_no_number_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    with pytest.raises(AttuneError, match="seed = 'x' must be a whole number"):
        train_seeds.main(seed="x", raw=Path("raw"), data=Path(), target=Path("models/x"), **BASE)
