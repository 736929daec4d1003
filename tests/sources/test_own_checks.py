"""What is promised of one's own data before anything starts, against what the pipeline then does with them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attune.core.errors import AttuneError
from attune.corpora import raw_corpus
from attune.corpora.base import Sampling
from attune.corpora.reading import BadRows
from attune.corpora.subsets import train_and_test
from attune.evaluation.generation.emotion_probe import train
from attune.parameters.data import OwnData
from attune.sources import own_data
from attune.sources.own_checks import check

COLUMNS: dict[Any, str] = {"context": "q", "response": "a"}
MOODS = COLUMNS | {"emotion": "mood"}


def sampling(cap: int | None = None) -> Sampling:
    return Sampling(seed=13, cap=cap, test_share=0.2, sizes={})


def entry(folder: Path, questions: list[str], moods: list[str] | None = None) -> OwnData:
    """A file of one answer to each question."""
    rows = [{"q": each, "a": f"Oh, {number}."} for number, each in enumerate(questions)]
    felt = [row | {"mood": mood} for row, mood in zip(rows, moods, strict=True)] if moods else rows
    (folder / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in felt))
    return OwnData(path=str(folder / "mine.jsonl"), columns=MOODS if moods else COLUMNS)


def said(do: Callable[..., object], *arguments: Any) -> str:
    """The error that `do` raises; empty if it does not."""
    try:
        do(*arguments)
    except AttuneError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("questions", "cap", "message"),
    [
        (["Hi", "hi", " HI "], None, "corpora.mine has 3 conversation(s) with 1 different opening(s); at least 2"),
        (["Hi", "hi", "Bye"], 1, "corpora.mine.cap = 1 leaves 1 conversation(s) with 1 different opening(s)"),
        (
            ["Hi", "Bye"],
            None,
            "corpora.mine has 2 conversation(s), 1 of which would be for training; a generator needs 2",
        ),
        (["Hi", "Bye", "Oh"], 2, "corpora.mine.cap = 2 leaves 2 conversation(s), 1 of which would be for training"),
        (["Hi", "Bye", "Oh"], 3, ""),
        (["Hi", "hi", "Bye"], None, ""),
        ([], None, "corpora.mine has 0 conversation(s)"),
    ],
)
@pytest.mark.fault(
    "one's own data that cannot be split as asked", "refused before anything starts, by the draw's rules"
)
def test_what_the_draw_refuses_is_refused_at_once(
    tmp_path: Path, questions: list[str], cap: int | None, message: str
) -> None:
    record, given, drawn = raw_corpus("mine", own=True), entry(tmp_path, questions), sampling(cap)
    own_data.write(record, given, tmp_path, BadRows("error"))
    checked = said(check, record, given, drawn, BadRows("error"))
    assert checked == said(train_and_test, record, tmp_path, drawn, BadRows("error"), tmp_path / "scratch")
    assert checked.startswith(message)
    assert bool(checked) == bool(message)


@pytest.mark.parametrize(
    ("count", "moods", "cap", "message"),
    [
        (5, ["sad", "glad"], None, "the train split has 4 different situation(s), and 1 emotion(s) of more than one"),
        (12, ["sad"], None, "and 1 emotion(s) of more than one of them (most often 'sad'); the emotion probe needs 5"),
        (12, ["sad", "glad"], 5, "has 4 different situation(s)"),
        (12, ["sad", "sad", "glad", "sad", "sad"], None, "too few situations of other emotions than 'sad'"),
        (12, ["sad", "glad"], None, ""),
    ],
)
@pytest.mark.fault("too few situations for the emotion probe", "refused before anything starts")
def test_the_emotion_probe_can_be_trained_on_what_is_accepted(
    tmp_path: Path, count: int, moods: list[str], cap: int | None, message: str
) -> None:
    record, drawn = raw_corpus("empathetic_dialogues", own=True), sampling(cap)
    felt = [moods[number % len(moods)] for number in range(count)]
    given = entry(tmp_path, [f"Situation {number}." for number in range(count)], felt)
    own_data.write(record, given, tmp_path, BadRows("error"))
    subset = train_and_test(record, tmp_path, drawn, BadRows("error"), tmp_path / "scratch")
    rows = list(subset.conversations["train"])
    vectors = np.random.default_rng(1).normal(size=(len(rows), 4))

    emotions, situations = ([row[name] for row in rows] for name in ("emotion", "situation"))
    probed, checked = said(train, vectors, emotions, situations), said(check, record, given, drawn, BadRows("error"))
    assert bool(probed) == bool(checked) == bool(message)
    assert message in checked
