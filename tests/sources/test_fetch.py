import json
from pathlib import Path
from typing import Any

import pytest

from attune import parameters
from attune.core.errors import AttuneError
from attune.core.files import sha256
from attune.corpora import FILES
from attune.sources import fetch
from tests.sources.corpora_by_hand import as_the_hub_converts, write

CORPORA = parameters.load(Path(__file__).parents[2] / "params.yaml").corpora
SKIP = CORPORA.model_copy(update={"on_bad_row": "skip"})


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def listing(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("corpus", FILES)
def test_a_directory_is_copied_with_a_manifest(tmp_path: Path, corpus: str) -> None:
    write(corpus, tmp_path / "mirror" / corpus)
    (tmp_path / "mirror" / corpus / "README.md").write_text("not the corpus' own")
    target = tmp_path / "raw"
    fetch(corpus, str(tmp_path / "mirror"), target, CORPORA, seed=1)
    names = sorted(FILES[corpus][0].values())
    assert listing(target) == sorted([*names, "manifest.json"])
    found = manifest(target)
    assert [file["path"] for file in found["files"]] == names
    for file in found["files"]:
        origin = tmp_path / "mirror" / corpus / file["path"]
        assert (file["bytes"], file["sha256"]) == (origin.stat().st_size, sha256(origin))
        assert sha256(target / file["path"]) == file["sha256"]
    del found["files"]
    assert found == {
        "corpus": corpus,
        "source": "directory",
        "licence": None,
        "url": None,
        "revision": None,
        "bad_rows": 0,
    }


def test_the_same_data_from_elsewhere_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("one", "two/deeper"):
        write("pec", tmp_path / place / "pec")
    fetch("pec", str(tmp_path / "one"), tmp_path / "first", CORPORA, seed=1)
    monkeypatch.chdir(tmp_path / "two")
    fetch("pec", "deeper", tmp_path / "second", CORPORA, seed=2)
    assert listing(tmp_path / "first") == listing(tmp_path / "second")
    for name in listing(tmp_path / "first"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_a_mirror_of_the_hubs_own_files(tmp_path: Path) -> None:
    write("empathetic_dialogues", tmp_path / "original")
    as_the_hub_converts(tmp_path / "original", tmp_path / "empathetic_dialogues")
    fetch("empathetic_dialogues", str(tmp_path), tmp_path / "raw", CORPORA, seed=1)
    assert {file["path"]: file["rows"] for file in manifest(tmp_path / "raw")["files"]} == {
        "default/train/0000.parquet": 1,
        "default/validation/0000.parquet": 1,
        "default/test/0000.parquet": 2,
    }


def test_bad_rows_are_counted_in_the_manifest(tmp_path: Path) -> None:
    write("openassistant_guanaco", tmp_path / "openassistant_guanaco")
    path = tmp_path / "openassistant_guanaco/openassistant_best_replies_eval.jsonl"
    path.write_text(path.read_text() + "{}\n{}\n")
    fetch("openassistant_guanaco", str(tmp_path), tmp_path / "raw", SKIP, seed=1)
    found = manifest(tmp_path / "raw")
    assert found["bad_rows"] == 2
    assert [file["rows"] for file in found["files"]] == [1, 1]


def test_a_bad_row_names_the_users_file_and_leaves_the_old_folder_alone(tmp_path: Path) -> None:
    write("pec", tmp_path / "pec")
    fetch("pec", str(tmp_path), tmp_path / "raw", CORPORA, seed=1)
    before = (tmp_path / "raw/manifest.json").read_bytes()
    path = tmp_path / "pec/hf_pec/happy/valid.txt"
    path.write_text("no marker here\n")
    with pytest.raises(AttuneError) as raised:
        fetch("pec", str(tmp_path), tmp_path / "raw", CORPORA, seed=1)
    assert str(raised.value).startswith(f"{path}, line 1: continues a turn before any turn")
    assert (tmp_path / "raw/manifest.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pec", "raw"]


def test_a_source_that_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AttuneError) as raised:
        fetch("openorca", "smaple", tmp_path / "raw", CORPORA, seed=1)
    message = str(raised.value)
    assert f"source = 'smaple' is neither `sample` nor `hub` nor a directory in {tmp_path}" in message
    assert "must hold openorca/ with 1M-GPT4-Augmented.parquet" in message
    assert "absolute path" in message
    assert not (tmp_path / "raw").exists()


def test_a_directory_without_the_corpus_or_one_of_its_files(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"/openorca is missing; source = .* must hold openorca/ with 1M-GPT4"):
        fetch("openorca", str(tmp_path), tmp_path / "raw", CORPORA, seed=1)
    (tmp_path / "openorca").mkdir()
    with pytest.raises(AttuneError, match=r"openorca/1M-GPT4-Augmented\.parquet is missing"):
        fetch("openorca", str(tmp_path), tmp_path / "raw", CORPORA, seed=1)


def test_an_unknown_corpus(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match="no corpus named 'reddit'"):
        fetch("reddit", "sample", tmp_path / "raw", CORPORA, seed=1)


@pytest.mark.parametrize("corpus", FILES)
def test_the_sample_is_whole_and_follows_the_seed(tmp_path: Path, corpus: str) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        fetch(corpus, "sample", tmp_path / name, CORPORA, seed)
    first, again, other = (manifest(tmp_path / name) for name in "abc")
    assert first == again
    assert [file["sha256"] for file in first["files"]] != [file["sha256"] for file in other["files"]]
    assert {file["path"] for file in first["files"]} in [set(files.values()) for files in FILES[corpus]]
    assert (first["source"], first["licence"], first["bad_rows"]) == ("sample", "GPL-3.0-only", 0)


def test_real_corpora(tmp_path: Path, real_corpora: Path) -> None:
    rows = {}
    for corpus in FILES:
        fetch(corpus, str(real_corpora), tmp_path / corpus, SKIP, seed=1)
        found = manifest(tmp_path / corpus)
        rows[corpus] = ([file["rows"] for file in found["files"]], found["bad_rows"])
    assert rows == {
        "pec": ([835, 737, 4858, 918, 1373, 3302, 12568, 2903], 0),
        "empathetic_dialogues": ([2413, 17139, 2762], 0),
        "openassistant_guanaco": ([227, 1000], 0),
        "openorca": ([300], 0),
    }
