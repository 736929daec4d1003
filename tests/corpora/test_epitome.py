import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_csv, write_csv
from attune.corpora import CORPORA, EPITOME, raw_corpus, record_of
from attune.corpora.base import Sampling
from attune.corpora.reading import BadRows
from attune.evaluation.generation.empathy import train
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
    assert record_of("epitome") is raw_corpus("epitome", own=True) is EPITOME


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
    with pytest.raises(AttuneError, match=r"explorations-reddit\.csv, line 8: byte 7 of the line, 0xe9, is not UTF-8"):
        check(EPITOME, OwnData(path=str(folder)), SAMPLING, BadRows("error"))


@pytest.mark.parametrize("policy", ["error", "skip"])
@pytest.mark.fault("an unclosed quote in labels of empathy", "refused, since it may swallow any number of rows")
def test_an_unclosed_quote_is_refused(folder: Path, policy: Any) -> None:
    with (folder / NAME).open("a") as file:
        file.write('s8,r8,"I am sad,Oh,1,\n' + "s9,r9,I am sad,Oh,1,\n" * 20)
    with pytest.raises(
        AttuneError, match=rf"{NAME}, in the row that begins on line 8: unexpected end of data; put quo"
    ):
        list(EPITOME.read(folder / NAME, BadRows(policy)))


def test_the_line_on_which_a_row_begins_is_named(folder: Path) -> None:
    rows = read_csv(folder / NAME)
    lengthy = rows[0] | {"response_post": "One.\nTwo.\n\nFour."}
    write_csv(folder / NAME, [lengthy, lengthy | {"level": "3"}, *rows])
    with pytest.raises(AttuneError, match="line 6: the level is '3'"):
        list(EPITOME.read(folder / NAME, BadRows("error")))


@pytest.mark.parametrize(
    ("posts", "levels", "message"),
    [
        (5, {}, "an empathy probe needs 5 seeker posts, and two for each of two levels; there are 5, by level {0: 5}"),
        (4, {"s0": "1", "s1": "1"}, "there are 4, by level {0: 2, 1: 2}"),
        (12, {"s3": "1"}, "there are 12, by level {0: 11, 1: 1}"),
        (12, {"s3": "2", "s8": "2"}, "too few seeker posts of other levels than 0"),
        (12, {"s8": "2", "s9": "2"}, ""),
    ],
)
@pytest.mark.fault("labels of which no empathy probe can learn", "refused before anything starts, with the file")
def test_an_empathy_probe_can_be_trained_on_what_is_accepted(
    folder: Path, posts: int, levels: dict[str, str], message: str
) -> None:
    write_labels(folder, posts=12)
    write_labels(folder / "other", posts)
    rows = [row | {"level": levels.get(row["sp_id"], "0")} for row in read_csv(folder / "other" / NAME)]
    write_csv(folder / NAME, rows)
    vectors = np.random.default_rng(1).normal(size=(len(rows), 4))

    def refusal(do: Callable[..., object], *arguments: Any) -> str:
        try:
            do(*arguments)
        except AttuneError as error:
            return str(error)
        return ""

    checked = refusal(check, EPITOME, OwnData(path=str(folder)), SAMPLING, BadRows("error"))
    trained = refusal(train, vectors, [int(row["level"]) for row in rows], [row["sp_id"] for row in rows])
    assert checked == (f"{folder / NAME}: {trained}" if trained else "")
    assert message in trained
    assert bool(message) == bool(trained)


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
