from pathlib import Path

import pytest

from attune.core.files import read_json, sha256
from stages.origins import main
from tests.project import changed, read

OWN = ("corpora.mine", {"path": "mine.csv", "columns": {"context": "q", "response": "a"}})
CAP = ("corpora.empathetic_dialogues.cap", 500)


def written(folder: Path, *changes: tuple[str, object]) -> dict[str, str]:
    """The hash of each corpus' file."""
    changed(folder, *changes)
    main(target=Path("origins"))
    return {path.stem: sha256(path) for path in Path("origins").iterdir()}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("source", ["sample", "hub", "mirror"])
def test_a_cap_fetches_nothing_again_and_a_seed_the_sample_alone(tmp_path: Path, source: str) -> None:
    named = ("source", source)
    before = written(tmp_path, named, OWN)
    assert written(tmp_path, named, (OWN[0], OWN[1] | {"cap": 9}), CAP) == before
    after = written(tmp_path, named, OWN, ("seed", read()["seed"] + 1))
    differing = {name for name in before if before[name] != after[name]}
    assert differing == ({*before} - {"mine"} if source == "sample" else set())


def test_what_a_corpus_is_fetched_by_changes_its_own_file_alone(tmp_path: Path) -> None:
    before = written(tmp_path, ("source", "hub"), OWN)
    for key, value, name in (
        ("corpora.pec.url", "https://example.org/pec.zip", "pec"),
        ("corpora.openorca.revision", "0123abc", "openorca"),
        ("corpora.mine", {"path": "other.csv", "columns": OWN[1]["columns"]}, "mine"),
        ("corpora.mine", {"path": "mine.csv", "columns": OWN[1]["columns"] | {"persona": "p"}}, "mine"),
    ):
        after = written(tmp_path, ("source", "hub"), OWN, (key, value))
        assert {each for each in before if before[each] != after[each]} == {name}, key


def test_another_source_fetches_all_but_ones_own(tmp_path: Path) -> None:
    files = [written(tmp_path, ("source", source), OWN) for source in ("sample", "hub", "mirror")]
    for name in files[0]:
        assert len({each[name] for each in files}) == (1 if name == "mine" else 3), name
    assert read_json(Path("origins/pec.json")) == {"source": "mirror"}
