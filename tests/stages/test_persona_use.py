from pathlib import Path

import pytest

from attune.core.files import read_json
from stages import evaluate_cobert
from stages.persona_use import exchanged, main
from tests.project import changed
from tests.stages.cobert_project import project, train

PLACES = ("ranks.parquet", "pec", "models", "use.json", "tests.json")


def test_each_recipe_is_tested_with_whose_persona_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    changed(
        tmp_path, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy"]), ("cobert.candidates", 10),
        ("cobert.recipes", ["tuned"]), ("retrieval.recipe", "tuned"), ("transfer.recipe", "tuned"),
        ("rag.recipe", "tuned"), ("compare.recipes", []),
    )  # fmt: skip
    train("tuned")
    evaluate_cobert.main("recipes", "encoder", "pec", "models", "m.json", "i.json", "t.json", "ranks.parquet")
    main(*PLACES)
    found = read_json(Path("use.json"))
    assert set(found) == {"happy", "mean"}
    assert set(found["mean"]) == {"tuned, own", "tuned, none", "tuned, another's"}
    assert found["happy"]["tuned, own"]["mrr"] == pytest.approx(
        read_json(Path("m.json"))["small"]["happy"]["tuned"]["mrr"]
    )
    assert found["happy"]["tuned, none"]["loss"] != found["happy"]["tuned, own"]["loss"]
    assert set(read_json(Path("tests.json"))["mean"]) == {"tuned, none to tuned, own", "tuned, another's to tuned, own"}


def test_personas_are_exchanged_with_another_speaker_s() -> None:
    rows = [{"id": f"{at}", "response_speaker": name, "personas": [name]} for at, name in enumerate("aabbc")]
    for _ in range(2):
        given = exchanged(rows, seed=1)
        assert all(each["personas"] != [each["response_speaker"]] for each in given)
    assert exchanged(rows, 1) == given
    assert exchanged(rows[:2], 1) == rows[:2]
