from pathlib import Path
from typing import Any

import pytest

from attune.core.files import read_json, read_parquet
from attune.evaluation import everyday as measure
from attune.evaluation.everyday import Everyday
from attune.evaluation.schemas import SHARES
from attune.inference.generator import Generator
from attune.parameters import load
from stages import base_models, index
from studies import everyday
from tests.project import ROOT
from tests.stages import generators_project
from tests.stages.small_project import change

FEW = Everyday(Everyday.read().messages[::30], Everyday.read().further[::10])
ROWS = ("rows.parquet", "scores.json", "tests.json")


def small(values: dict[str, Any]) -> None:
    """A generator that is not trained, one that is, and one that reads passages."""
    tiny = values["generators"]["tiny_lora"]
    rag = tiny | {"rows": "passages/empathetic_dialogues", "passage_tokens": 16}
    values["generators"] = {"tiny_prompt": values["generators"]["tiny_prompt"], "tiny_lora": tiny, "tiny_rag": rag}
    values["rag"] |= {"budget": 16}
    values["seeds"]["generators"] = ["tiny_lora"]


def run() -> None:
    words = {name: Path(place) for name, place in zip(("rows", "scores", "tests"), ROWS, strict=True)}
    everyday.main(
        base_models=Path("base"),
        generators=Path("generators"),
        processed=Path("processed"),
        index=Path("index"),
        embedder=Path("embedder"),
        **words,
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generators_project.project(tmp_path, monkeypatch)
    change(small)
    monkeypatch.setattr(measure.Everyday, "read", classmethod(lambda _: FEW))
    generators_project.train_once("tiny_prompt", "processed/empathetic_dialogues")
    generators_project.train_once("tiny_lora", "processed/empathetic_dialogues")
    generators_project.train_once("tiny_rag", "passages/empathetic_dialogues")
    base_models.main(name="embedder", target=Path("embedder"))
    name = "empathetic_dialogues"
    index.main(corpus=name, processed=Path("processed") / name, embedder=Path("embedder"), target=Path("index") / name)


def test_no_two_systems_are_compared_twice() -> None:
    """Though an untrained generator that reads passages is compared with them, and so is the first untrained one."""
    settings = load(ROOT / "params.yaml")
    untrained = settings.generators["prompted"].model_copy(update={"passage_tokens": 16})
    alone = settings.model_copy(update={"generators": {"prompted": untrained}})
    assert everyday.compared(alone, ["prompted", "prompted+rag", "targets"]) == [("prompted", "prompted+rag")]


@pytest.mark.usefixtures("project")
def test_every_generator_replies_to_every_message_and_one_of_passages_also_with_them() -> None:
    run()
    systems = ["tiny_lora", "tiny_prompt", "tiny_rag", "tiny_rag+rag", "targets"]
    rows = read_parquet(Path(ROWS[0]))
    ids = [each.id for each in FEW.messages]
    assert [(row["system"], row["id"]) for row in rows] == [(system, each) for system in systems for each in ids]
    assert [row["reply"] for row in rows[-len(FEW.messages) :]] == [each.reply for each in FEW.messages]
    scores = read_json(Path(ROWS[1]))
    assert scores.keys() == set(systems)
    columns = (("own_message", ""), ("right_feeling", "glad"), ("right_feeling", "troubled"))
    for name, (column, feeling) in zip(SHARES, columns, strict=True):
        asked = [row for row in rows if row["id"].startswith(feeling)]
        shares = {system: [row[column] for row in asked if row["system"] == system] for system in systems}
        assert {system: scores[system][name] for system in systems} == {
            system: pytest.approx(sum(values) / len(values)) for system, values in shares.items()
        }
    tests = read_json(Path(ROWS[2]))
    assert [(each["before"], each["after"], each["score"]) for each in tests] == [
        (before, after, name)
        for before, after in (
            ("tiny_prompt", "tiny_lora"),
            ("tiny_prompt", "tiny_rag"),
            ("tiny_prompt", "tiny_rag+rag"),
            ("tiny_rag", "tiny_rag+rag"),
        )
        for name in SHARES
    ]
    first = Path(ROWS[0]).read_bytes()
    run()
    assert Path(ROWS[0]).read_bytes() == first


@pytest.mark.usefixtures("project")
def test_passages_are_the_train_exchanges_nearest_to_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []
    written = Generator.replies

    def noted(self: Generator, given: Any, *others: Any) -> Any:
        read.append(given)
        return written(self, given, *others)

    monkeypatch.setattr(Generator, "replies", noted)
    run()
    *plain, with_passages = read
    assert not any(each.passages for given in plain for each in given)
    template = load(Path("params.yaml")).rag.template
    train = read_parquet(Path("processed/empathetic_dialogues/train.parquet"))
    known = {template.format(situation=row["situation"], input=row["input"], reply=row["target"]) for row in train}
    assert all(len(each.passages) == 2 and known >= set(each.passages) for each in with_passages)
    assert len({each.passages for each in with_passages}) > 1


@pytest.mark.usefixtures("project")
def test_where_all_are_trained_only_passages_are_compared_with_none() -> None:
    change(lambda values: values["generators"].pop("tiny_prompt"))
    run()
    pairs = {(each["before"], each["after"]) for each in read_json(Path(ROWS[2]))}
    assert pairs == {("tiny_rag", "tiny_rag+rag")}
