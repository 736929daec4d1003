from pathlib import Path

import pytest

from attune import parameters
from attune.core.files import read_csv
from stages.answer_questions import main
from tests.inference.asked import asked
from tests.stages.generators_project import NAMES, project, train
from tests.stages.small_project import change

PLACES = {"base_models": Path("base"), "generators": Path("generators"), "target": Path("answers.csv")}


def test_each_generator_answers_each_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    change(lambda values: values["generation"]["questions"].update(generators=["tiny_lora", "tiny_prompt"]))
    change(lambda values: values["generation"]["decoding"].update(tiny_full={"method": "greedy", "no_repeat_ngram": 2}))
    train()
    put = asked(monkeypatch)
    main(**PLACES)
    names = parameters.load().generators
    assert [decoding.no_repeat_ngram for _, decoding in put] == [2 if name == "tiny_full" else 3 for name in names]
    rows = read_csv(Path("answers.csv"))
    kinds = {"opening", "ambiguous", "subjective", "factual", "advice", "explanation", "joke"}
    kinds_of: dict[str, set[str]] = {}
    for row in rows:
        kinds_of.setdefault(row["generator"], set()).add(row["kind"])
    assert kinds_of == {name: kinds if name in ("tiny_lora", "tiny_prompt") else {"opening"} for name in NAMES}
    assert {"How many legs does a spider have?"} == {row["question"] for row in rows if row["kind"] == "factual"}
    assert {row["truncated"] for row in rows} <= {"True", "False"}
    assert any(row["answer"] for row in rows)
    first = Path("answers.csv").read_bytes()
    main(**PLACES)
    assert Path("answers.csv").read_bytes() == first
