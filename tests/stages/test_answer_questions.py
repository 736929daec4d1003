from pathlib import Path

import pytest

from attune.core.files import read_csv
from stages.answer_questions import main
from tests.stages.generators_project import NAMES, project, train
from tests.stages.small_project import change

PLACES = {"base_models": Path("base"), "generators": Path("generators"), "target": Path("answers.csv")}


def test_each_generator_answers_each_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    change(lambda values: values["generation"]["questions"].update(generators=["tiny_lora", "tiny_prompt"]))
    train()
    main(**PLACES)
    rows = read_csv(Path("answers.csv"))
    kinds = {"opening", "ambiguous", "subjective", "factual", "advice", "explanation", "joke"}
    asked: dict[str, set[str]] = {}
    for row in rows:
        asked.setdefault(row["generator"], set()).add(row["kind"])
    assert asked == {name: kinds if name in ("tiny_lora", "tiny_prompt") else {"opening"} for name in NAMES}
    assert {"How many legs does a spider have?"} == {row["question"] for row in rows if row["kind"] == "factual"}
    assert {row["truncated"] for row in rows} <= {"True", "False"}
    assert any(row["answer"] for row in rows)
    first = Path("answers.csv").read_bytes()
    main(**PLACES)
    assert Path("answers.csv").read_bytes() == first
