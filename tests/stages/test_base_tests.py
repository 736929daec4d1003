from pathlib import Path

import pytest

from attune.core.files import read_json, sha256
from stages.base_tests import main
from tests.project import read
from tests.stages.evaluation_project import PERSONAS, project
from tests.stages.generators_project import CORPUS
from tests.stages.small_project import change


@pytest.fixture(autouse=True)
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """base_tests.json in a project of six generators on one base."""
    project(tmp_path, monkeypatch)


def test_a_base_is_tested_once_for_all_generators_of_the_same_rows_and_limits() -> None:
    tests = [(each["base"], each["rows"], each["max_length"]) for each in read_json(Path("base_tests.json"))]
    rows = f"processed/{CORPUS}"
    # With 48 tokens there is one without an instruction beside, for the generator that is not trained.
    assert tests == [("gpt2", rows, 40), ("gpt2", rows, 48), ("gpt2", rows, 48), ("gpt2", PERSONAS, 200)]


def test_the_base_has_the_prompt_of_its_generator_and_no_instruction_where_nothing_is_trained() -> None:
    change(lambda values: values["generators"]["tiny_full"].update(instruction="Be kind."))
    main(target=Path("base_tests.json"))
    tests = read_json(Path("base_tests.json"))
    own = read(Path("params.yaml"))["generators"]["tiny_prompt"]["instruction"]
    prompts = [(each["max_length"], each["instruction"], each["told"], each["persona_tokens"]) for each in tests]
    assert prompts == [
        (40, "", True, 0), (48, "", True, 0), (48, own, False, 0), (48, "Be kind.", True, 0),
        (200, "", True, 60),
    ]  # fmt: skip


def test_a_training_key_changes_nothing() -> None:
    first = sha256(Path("base_tests.json"))
    change(lambda values: values["generators"]["tiny_full"].update(lr=0.5, steps=9))
    main(target=Path("base_tests.json"))
    assert sha256(Path("base_tests.json")) == first
