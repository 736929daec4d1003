"""One's own data, from its file to a trained and evaluated generator, by parameters alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from attune.core.files import read_json, read_parquet
from attune.generators.held_out import hold_out, opening
from attune.generators.prompts import examples
from stages import (
    base_tests,
    check_parameters,
    download,
    evaluate_generator,
    preprocess,
    score_bases,
    subset,
    train_generator,
)
from tests.generators.tiny import FEELINGS
from tests.stages import generators_project
from tests.stages.running import run
from tests.stages.small_project import change

PERSONA = "I love apples."


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generators_project.project(tmp_path, monkeypatch)
    Path("mine.jsonl").write_text(
        "".join(
            json.dumps({"q": f"I am {feeling} today.", "a": f"Why are you {feeling}?", "me": [PERSONA]}) + "\n"
            for feeling in FEELINGS
        )
    )
    columns = {"context": "q", "response": "a", "persona": "me"}

    def edit(values: dict[str, Any]) -> None:
        values["corpora"]["mine"] = {"path": "mine.jsonl", "columns": columns}
        mine = {"corpus": "mine", "rows": "processed/mine", "persona_tokens": 24, "max_length": 64}
        values["generators"] = {"mine": values["generators"]["tiny_lora"] | mine}
        for section in ("sweep", "questions"):
            values["generation"][section]["generators"] = ["mine"]
        values["seeds"]["generators"] = ["mine"]

    change(edit)


def test_it_goes_through_every_stage_of_a_generator() -> None:
    check_parameters.main(target=Path("checked.txt"))
    raw, cut, rows = Path("data/raw/mine"), Path("data/subset/mine"), Path("data/processed/mine")
    download.main(corpus="mine", target=raw)
    manifest = read_json(raw / "manifest.json")
    assert (manifest["source"], manifest["files"][0]["rows"]) == ("path", len(FEELINGS))
    assert str(Path.cwd()) not in (raw / "manifest.json").read_text()
    subset.main(corpus="mine", raw=raw, target=cut)
    preprocess.main(corpus="mine", subset=cut, target=rows)
    assert {row["response"] for row in read_parquet(rows / "train.parquet")}
    model, base = Path("models/mine"), Path("base/gpt2")
    train_generator.main(name="mine", base=base, data=rows, target=model, curve=Path("mine.csv"))
    base_tests.main(target=Path("tests.json"))
    score_bases.main(
        tests=Path("tests.json"), base_models=Path("base"), data=Path("data"), target=Path("bases.parquet")
    )
    nowhere = Path("nowhere")
    evaluate_generator.main(
        name="mine", model=model, base=base, test=rows / "test.parquet", bases=Path("bases.parquet"), passages=nowhere,
        persona_passages=nowhere, oracle_passages=nowhere, target=Path("mine.parquet"),
    )  # fmt: skip
    evaluated = read_parquet(Path("mine.parquet"))
    assert {row["variant"] for row in evaluated} >= {"plain", "no_persona"}
    assert all(row["target"].startswith("Why are you") for row in evaluated)


def test_rows_of_one_conversation_are_all_trained_on_or_all_held_out() -> None:
    said = [{"q": f"I am {feeling} on day {day}.", "a": "Why?", "of": feeling} for feeling in FEELINGS for day in "123"]
    Path("mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in said))
    columns = {"context": "q", "response": "a", "conversation": "of"}
    change(lambda values: values["corpora"]["mine"].update(columns=columns))
    raw, cut, rows = Path("data/raw/mine"), Path("data/subset/mine"), Path("data/processed/mine")
    download.main(corpus="mine", target=raw)
    subset.main(corpus="mine", raw=raw, target=cut)
    preprocess.main(corpus="mine", subset=cut, target=rows)
    read = examples(read_parquet(rows / "train.parquet"))
    for seed in range(5):
        parts = hold_out([each.conversation for each in read], [opening(each) for each in read], seed)
        trained, held = ({read[at].question.split()[2] for at in part} for part in parts)
        assert len(trained) > 1
        assert held
        assert trained.isdisjoint(held)


@pytest.mark.parametrize(
    ("key", "entry", "message"),
    [
        ("mine", {"path": "mine.jsonl", "columns": {"context": "qq", "response": "a"}}, "no column 'qq' for context"),
        ("mine", {"path": "none.csv"}, "none.csv does not exist"),
        ("mine", {"path": "mine.jsonl", "columns": {"context": "q"}}, "it must name context and response"),
        ("mine", {"path": "mine.jsonl", "columns": {"turns": "q", "input": "a"}}, "input, which belongs to a context"),
        ("mine", {"path": "mine.jsonl", "sep": ","}, "unknown key corpora.mine.sep = ','"),
        ("toys", {"repo": "a/b", "revision": "main", "cap": None}, "corpora.toys has no path"),
    ],
)
@pytest.mark.fault("a wrong entry for one's own data", "refused before anything starts")
def test_a_wrong_entry_is_refused_before_anything_starts(key: str, entry: dict[str, Any], message: str) -> None:
    change(lambda values: values["corpora"].__setitem__(key, entry))
    done = run(Path.cwd(), "stages.check_parameters", "target=checked.txt")
    assert done.returncode == 1
    assert message in done.stderr
    assert not Path("checked.txt").exists()
