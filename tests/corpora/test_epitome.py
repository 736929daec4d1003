import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_csv, write_csv
from attune.corpora import CORPORA, EPITOME, corpus, raw_corpus
from attune.corpora.base import Sampling
from attune.corpora.reading import BadRows
from attune.parameters.data import OwnData, OwnDataset, OwnRows
from attune.sources.own_checks import check
from tests.evaluation.generation.labels import write_labels

NAME = "explorations-reddit.csv"
FILES = "emotional-reactions-reddit.csv, interpretations-reddit.csv, explorations-reddit.csv"
Rows = list[dict[str, str]]
SAMPLING = Sampling(13, None, 0.2, {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_labels(tmp_path / "labels", posts=2)
    return tmp_path / "labels"


def test_it_is_a_corpus_only_where_its_user_has_the_files() -> None:
    assert EPITOME.name not in CORPORA
    assert corpus("epitome") is raw_corpus("epitome", own=True) is EPITOME


def test_rows_have_texts_and_a_level(folder: Path) -> None:
    rows = list(EPITOME.read(folder / NAME, BadRows("error")))
    assert [row["level"] for row in rows] == [0, 1, 2] * 2
    assert rows[0] == {
        "sp_id": "s0", "rp_id": "r00", "seeker_post": "I lost my job, week 0.",
        "response_post": "Post this elsewhere, rule 0.", "level": 0,
    }  # fmt: skip


def test_malformed_rows_are_counted_where_they_may_be(folder: Path) -> None:
    rows, bad = read_csv(folder / NAME), BadRows("skip")
    write_csv(folder / NAME, [rows[0] | {"level": ""}, *rows[1:]])
    assert len(list(EPITOME.read(folder / NAME, bad))) == 5
    assert bad.count == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: [*rows[:2], rows[2] | {"level": "3"}], "line 4: the level is '3'; expected one of 0, 1, 2"),
        (lambda rows: [{"text": row["seeker_post"]} for row in rows], "has no column sp_id, rp_id, seeker_post,"),
    ],
)
@pytest.mark.fault("labels of empathy that are not EPITOME's", "file, line and column are named")
def test_what_is_not_epitomes_is_refused(folder: Path, change: Callable[[Rows], Rows], message: str) -> None:
    write_csv(folder / NAME, change(read_csv(folder / NAME)))
    with pytest.raises(AttuneError, match=NAME) as raised:
        check(EPITOME, OwnData(path=str(folder)), SAMPLING, BadRows("error"))
    assert message in str(raised.value)


def test_a_short_row_and_another_encoding_are_refused(folder: Path) -> None:
    text = (folder / NAME).read_text()
    (folder / NAME).write_text(text + "s9,r9\n")
    with pytest.raises(AttuneError, match="line 8: fewer fields than the header"):
        check(EPITOME, OwnData(path=str(folder)), SAMPLING, BadRows("error"))
    (folder / NAME).write_bytes(text.encode() + "s9,r9,é,é,1,\n".encode("latin-1"))
    with pytest.raises(AttuneError, match=r"explorations-reddit\.csv, after line .*it must be CSV in UTF-8"):
        check(EPITOME, OwnData(path=str(folder)), SAMPLING, BadRows("error"))


def test_a_missing_folder_or_file_and_other_keys_are_refused(folder: Path) -> None:
    def refusal(entry: OwnRows) -> str:
        with pytest.raises(AttuneError) as raised:
            check(EPITOME, entry, SAMPLING, BadRows("error"))
        return str(raised.value)

    place: dict[str, Any] = {"path": str(folder)}
    only = f"corpora.epitome takes a path and nothing else: that of the folder with {FILES}"
    assert refusal(OwnData(**place, cap=5)) == refusal(OwnDataset(datasets="me/epitome")) == only
    (folder / NAME).unlink()
    assert refusal(OwnData(**place)) == f"{folder / NAME} is missing; epitome consists of {FILES}"
    shutil.rmtree(folder)
    assert refusal(OwnData(**place)) == f"corpora.epitome.path = '{folder}' is no folder; it must be one with {FILES}"
