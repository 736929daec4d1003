import json
import unicodedata
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

from attune.core.errors import AttuneError
from attune.core.files import sha256
from attune.corpora import CORPORA, record_of
from attune.corpora.empathetic_dialogues import COLUMNS
from attune.parameters import load
from attune.sources import sample
from attune.sources.fetching import fetch
from tests.project import ROOT
from tests.sources.corpora_by_hand import as_the_hub_converts, write

PUBLISHED = load(ROOT / "params.yaml").corpora


def fetched(name: str, source: str, target: Path, *, skip: bool = False, seed: int = 1) -> None:
    fetch(record_of(name), source, target, PUBLISHED[name], "skip" if skip else "error", seed)


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def listing(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", CORPORA)
def test_a_directory_is_copied_with_a_manifest(tmp_path: Path, name: str) -> None:
    write(name, tmp_path / "mirror" / name)
    (tmp_path / "mirror" / name / "README.md").write_text("not part of the corpus")
    target = tmp_path / "raw"
    fetched(name, str(tmp_path / "mirror"), target)
    names = sorted(record_of(name).layouts[0].values())
    assert listing(target) == sorted([*names, "manifest.json"])
    found = manifest(target)
    assert [file["path"] for file in found["files"]] == names
    for file in found["files"]:
        origin = tmp_path / "mirror" / name / file["path"]
        assert (file["bytes"], file["sha256"]) == (origin.stat().st_size, sha256(origin))
        assert sha256(target / file["path"]) == file["sha256"]
    del found["files"]
    assert found == {
        "corpus": name,
        "source": "directory",
        "licence": None,
        "url": None,
        "revision": None,
        "notice": None,
        "bad_rows": 0,
        "turns_left_out": {},
    }


def test_the_same_data_from_elsewhere_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("one", "two/deeper"):
        write("pec", tmp_path / place / "pec")
    fetched("pec", str(tmp_path / "one"), tmp_path / "first")
    monkeypatch.chdir(tmp_path / "two")
    fetched("pec", "deeper", tmp_path / "second", seed=2)
    assert listing(tmp_path / "first") == listing(tmp_path / "second")
    for name in listing(tmp_path / "first"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_a_mirror_of_the_hubs_own_files(tmp_path: Path) -> None:
    write("empathetic_dialogues", tmp_path / "original")
    as_the_hub_converts(tmp_path / "original", tmp_path / "empathetic_dialogues")
    fetched("empathetic_dialogues", str(tmp_path), tmp_path / "raw")
    assert {file["path"]: file["rows"] for file in manifest(tmp_path / "raw")["files"]} == {
        "default/train/0000.parquet": 1,
        "default/validation/0000.parquet": 1,
        "default/test/0000.parquet": 2,
    }


def test_a_split_in_several_parquet_files_is_refused(tmp_path: Path) -> None:
    write("empathetic_dialogues", tmp_path / "original")
    as_the_hub_converts(tmp_path / "original", tmp_path / "empathetic_dialogues")
    first = tmp_path / "empathetic_dialogues/default/validation/0000.parquet"
    copyfile(first, first.with_name("0001.parquet"))
    with pytest.raises(
        AttuneError, match=r"validation/0001\.parquet is a second part .* only 0000\.parquet is read; join"
    ):
        fetched("empathetic_dialogues", str(tmp_path), tmp_path / "raw")
    assert not (tmp_path / "raw").exists()


def test_bad_rows_are_counted_in_the_manifest(tmp_path: Path) -> None:
    write("openassistant_guanaco", tmp_path / "openassistant_guanaco")
    path = tmp_path / "openassistant_guanaco/openassistant_best_replies_eval.jsonl"
    path.write_text(path.read_text() + "{}\n{}\n")
    fetched("openassistant_guanaco", str(tmp_path), tmp_path / "raw", skip=True)
    found = manifest(tmp_path / "raw")
    assert found["bad_rows"] == 2
    assert [file["rows"] for file in found["files"]] == [1, 1]


@pytest.mark.fault("a bad row in a later download", "the old folder stays as it was")
def test_a_bad_row_names_the_users_file_and_leaves_the_old_folder_alone(tmp_path: Path) -> None:
    write("pec", tmp_path / "pec")
    fetched("pec", str(tmp_path), tmp_path / "raw")
    before = (tmp_path / "raw/manifest.json").read_bytes()
    path = tmp_path / "pec/hf_pec/happy/valid.txt"
    path.write_text("no marker here\n")
    with pytest.raises(AttuneError) as raised:
        fetched("pec", str(tmp_path), tmp_path / "raw")
    assert str(raised.value).startswith(f"{path}, line 1: continues a turn before any turn")
    assert (tmp_path / "raw/manifest.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pec", "raw"]


@pytest.mark.parametrize("differs", ["prompt", "utterance"])
@pytest.mark.fault("EmpatheticDialogues' ids begin anew in each file", "an id and both files are named")
def test_ids_that_begin_anew_in_each_file_are_refused_before_anything_is_kept(tmp_path: Path, differs: str) -> None:
    """What is fetched DVC locks, and would not fetch again when the files are mended."""
    source = tmp_path / "empathetic_dialogues"

    def write_ids(file: str, ids: range, said: str) -> None:
        situation = said if differs == "prompt" else "it rained"
        rows = (f"{at},{1 + turn},sad,{situation} {at},{turn},{said} {at}.{turn},," for at in ids for turn in (0, 1))
        source.mkdir(exist_ok=True)
        (source / f"{file}.csv").write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")

    write_ids("train", range(20), "once")
    write_ids("valid", range(15, 25), "once")
    write_ids("test", range(10, 30), "twice")
    with pytest.raises(AttuneError) as raised:
        fetched("empathetic_dialogues", str(tmp_path), tmp_path / "raw", skip=True)
    assert str(raised.value) == (
        f"{source}/test.csv: conv_id '10' is that of another conversation in {source}/train.csv; give each "
        "conversation an id of its own, in all files together"
    )
    assert not (tmp_path / "raw").exists()
    write_ids("test", range(25, 35), "twice")
    fetched("empathetic_dialogues", str(tmp_path), tmp_path / "raw")


def test_a_conversation_whose_accents_are_written_in_two_ways_is_the_same_in_two_files(tmp_path: Path) -> None:
    folder = tmp_path / "openassistant_guanaco"
    folder.mkdir()
    for part, form in (("train", "NFC"), ("eval", "NFD")):
        text = unicodedata.normalize(form, '{"text": "### Human: Où ?### Assistant: À côté."}\n')
        (folder / f"openassistant_best_replies_{part}.jsonl").write_text(text, encoding="utf-8")
    fetched("openassistant_guanaco", str(tmp_path), tmp_path / "raw")
    assert [file["rows"] for file in manifest(tmp_path / "raw")["files"]] == [1, 1]


def test_a_source_that_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AttuneError) as raised:
        fetched("openorca", "smaple", tmp_path / "raw")
    message = str(raised.value)
    assert f"source = 'smaple' is neither `sample` nor `hub` nor a directory in {tmp_path}" in message
    assert "must hold openorca/ with 1M-GPT4-Augmented.parquet" in message
    assert "absolute path" in message
    assert not (tmp_path / "raw").exists()


def test_a_directory_without_the_corpus_or_one_of_its_files(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"/openorca is missing; source = .* must hold openorca/ with 1M-GPT4"):
        fetched("openorca", str(tmp_path), tmp_path / "raw")
    (tmp_path / "openorca").mkdir()
    with pytest.raises(AttuneError, match=r"openorca/1M-GPT4-Augmented\.parquet is missing"):
        fetched("openorca", str(tmp_path), tmp_path / "raw")


def test_a_corpus_without_a_sample_is_fetched_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sample.SAMPLES, "openorca")
    with pytest.raises(AttuneError, match=r"openorca has no sample .*source to `hub` or to a directory .*openorca/"):
        fetched("openorca", "sample", tmp_path / "raw")
    assert not (tmp_path / "raw").exists()
    write("openorca", tmp_path / "openorca")
    fetched("openorca", str(tmp_path), tmp_path / "raw")
    assert manifest(tmp_path / "raw")["files"][0]["rows"] == 2


# PEC's sample takes long to write: sample/test_pec.py does it.
@pytest.mark.parametrize("name", [name for name in CORPORA if name != "pec"])
def test_the_sample_is_complete_and_follows_the_seed(tmp_path: Path, name: str) -> None:
    for folder, seed in (("a", 5), ("b", 5), ("c", 6)):
        fetched(name, "sample", tmp_path / folder, seed=seed)
    first, again, other = (manifest(tmp_path / folder) for folder in "abc")
    assert first == again
    assert [file["sha256"] for file in first["files"]] != [file["sha256"] for file in other["files"]]
    assert {file["path"] for file in first["files"]} in [set(files.values()) for files in record_of(name).layouts]
    assert (first["source"], first["bad_rows"]) == ("sample", 0)


@pytest.mark.parametrize("name", CORPORA)
def test_the_manifest_says_whose_text_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    small = replace(sample.SAMPLES[name], write=lambda folder, _: write(name, folder))
    monkeypatch.setitem(sample.SAMPLES, name, small)
    fetched(name, "sample", tmp_path / "raw")
    found = manifest(tmp_path / "raw")
    about = (found["licence"], found["url"], found["notice"])
    if name == "pec":
        assert about[:2] == ("MIT", "https://pypi.org/project/chitchat-dataset/0.9.0/")
        assert about[2].startswith("Not PEC: chats of BYU's Chit-Chat Challenge, Copyright (c) 2019")
    else:
        assert about == ("GPL-3.0-only", None, "Written by this project.")


def test_real_corpora(tmp_path: Path, real_corpora: Path) -> None:
    rows = {}
    for name in CORPORA:
        fetched(name, str(real_corpora), tmp_path / name, skip=True)
        found = manifest(tmp_path / name)
        rows[name] = ([file["rows"] for file in found["files"]], found["bad_rows"])
    assert rows == {
        "pec": ([835, 737, 4858, 918, 1373, 3302, 12568, 2903], 0),
        "empathetic_dialogues": ([2413, 17139, 2762], 0),
        "openassistant_guanaco": ([227, 1000], 0),
        "openorca": ([300], 0),
    }
