from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.parameters import load
from attune.parameters.data import Archive, HubDataset, published
from tests.project import changed


def test_an_entry_with_an_address_is_an_archive_and_any_other_a_dataset(tmp_path: Path) -> None:
    toys = {"url": "https://x.org/a.zip", "sha256": None, "cap": 10}
    corpora = load(changed(tmp_path, ("corpora.toys", toys))).corpora
    assert corpora["toys"] == Archive(**toys)
    assert isinstance(corpora["openorca"], HubDataset)
    assert published(corpora, "toys").cap == 10


def test_a_corpus_without_an_entry_is_an_error_with_the_entries(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"params\.yaml has no corpora\.toys; it has pec, empathetic_dialogues"):
        published(load(changed(tmp_path)).corpora, "toys")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("corpora.pec.sha256", "abc", r"corpora\.pec\.sha256: 'abc' is not a sha256 of 64 hex digits"),
        ("corpora.pec.cap", 0, r"corpora\.pec\.cap = 0: input should be greater"),
        ("subsets.small.train", 1, r"subsets\.small\.train: 1 is too few; a generator needs 2 conversations"),
        ("corpora.openorca.cap", 2, r"corpora\.openorca\.cap = 2: input should be greater than or equal to 3"),
        ("corpora.mine", {"path": "a.csv", "cap": 2}, r"corpora\.mine\.cap = 2: input should be greater"),
        (
            "corpora.openorca.url",
            5,
            r"unknown key corpora\.openorca\.repo = .*\.openorca may hold url, sha256",
        ),
        ("corpora.toys", {"repo": "a/b"}, r"the key corpora\.toys\.revision is missing"),
        ("corpora.toys", {"sha256": None}, r"the key corpora\.toys\.url is missing"),
        ("corpora.toys", {"revision": "main", "cap": None}, r"the key corpora\.toys\.repo is missing"),
        ("corpora.toys", 5, r"corpora\.toys = 5: it must be a mapping"),
        (
            "corpora.mine",
            {"path": "a.csv", "columns": {"context": "a", "response": "b", "persona": "b"}},
            r"corpora\.mine: columns names 'b' for response and for persona; name another column",
        ),
        ("index.backend", "onnx", r"index\.backend = 'onnx': input should be 'torch' or 'openvino'"),
        ("bases.mine", {}, r"the key bases\.mine\.model is missing"),
    ],
)
def test_a_wrong_entry_is_named_by_its_key(tmp_path: Path, key: str, value: object, message: str) -> None:
    with pytest.raises(AttuneError, match=message):
        load(changed(tmp_path, (key, value)))


@pytest.mark.parametrize(
    ("entry", "unknown"),
    [
        ({"pth": "/x"}, "; pth is unknown"),
        ({"dataset": "a/b", "split": "train", "revision": "main"}, "; dataset is unknown"),
        ({"Path": "/x", "columns": {"turns": "t"}}, "; Path is unknown"),
        ({"file": "x.csv", "sep": ","}, "; file, sep are unknown"),
        ({"cap": 10}, ""),
        ({}, ""),
    ],
)
def test_an_entry_of_no_kind_is_told_what_data_of_ones_own_need(
    tmp_path: Path, entry: dict[str, object], unknown: str
) -> None:
    path = changed(tmp_path, ("corpora.mine", entry))
    with pytest.raises(AttuneError) as raised:
        load(path)
    needed = "corpora.mine needs `path` (a file) or `datasets` (a hub's dataset)"
    assert str(raised.value) == f"{path}: {needed}{unknown}"
