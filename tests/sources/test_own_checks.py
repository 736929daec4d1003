"""What is promised of one's own data before anything starts, against what the pipeline then does with them."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attune.core.errors import AttuneError
from attune.corpora import raw_corpus
from attune.corpora.base import Sampling
from attune.corpora.reading import BadRows
from attune.corpora.redrawing import redrawn, redrawn_train
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


def greeted(folder: Path, questions: int, names: int, **columns: str) -> OwnData:
    """Nine chats of each question, of which the assistant begins six, with a greeting by one of `names`."""
    rows = []
    for number in range(9 * questions):
        question, answer = f"Question {number % questions}?", f"Answer {number}."
        turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
        greeting = [{"from": "gpt", "value": f"Hello {number % names}!"}] if number >= 3 * questions else []
        rows.append({"conversations": greeting + turns, "mood": ("sad", "glad")[number % 2]})
    (folder / "chats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return OwnData(path=str(folder / "chats.jsonl"), columns={"turns": "conversations", **columns})


@pytest.mark.parametrize("names", [1, 100])
@pytest.mark.parametrize("name", ["mine", "empathetic_dialogues", "pec"])
@pytest.mark.fault("one's own chats that begin with the assistant's greeting", "split by what is asked, not by it")
def test_no_question_is_trained_and_tested_on_behind_a_greeting(tmp_path: Path, name: str, names: int) -> None:
    labels = {} if name == "pec" else {"emotion": "mood"}
    record, given = raw_corpus(name, own=True), greeted(tmp_path, 12, names, **labels)
    sizes = {"large": {"train": 40, "valid": 4, "test": 8, "evaluate": None}}
    drawn = sampling()._replace(sizes=sizes)
    check(record, given, drawn, BadRows("error"))
    own_data.write(record, given, tmp_path, BadRows("error"))
    subset = (record.subset or train_and_test)(record, tmp_path, drawn, BadRows("error"), tmp_path / "scratch")
    files = {file: rows for file, rows in subset.conversations.items() if not file.startswith("evaluate")}
    asked = [{row["utterances"][-2] for row in rows} for rows in files.values()]
    assert sum(map(len, asked)) == len(set().union(*asked)) == 12


def test_what_is_told_is_the_situation_and_not_the_greeting(tmp_path: Path) -> None:
    record = raw_corpus("empathetic_dialogues", own=True)
    own_data.write(record, greeted(tmp_path, 2, 1, emotion="mood"), tmp_path, BadRows("error"))
    rows = list(record.read(tmp_path / "conversations.jsonl", BadRows("error")))
    assert rows[-1]["utterances"][0] == "Hello 0!"
    assert {row["situation"] for row in rows} == {"Question 0?", "Question 1?"}


@pytest.mark.parametrize(
    ("count", "moods", "cap", "message"),
    [
        (5, ["sad", "glad"], None, "the train split has 4 different situation(s), and 1 emotion(s) of more than one"),
        (12, ["sad"], None, "and 1 emotion(s) of more than one of them (most often 'sad'); the emotion probe needs 5"),
        (12, ["sad", "glad"], 5, "has 4 different situation(s)"),
        (12, ["sad", "glad", "sad", "sad", "sad"], None, "too few situations of other emotions than 'sad'"),
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


def labelled(folder: Path, rows: Sequence[Mapping[str, object]], **columns: str) -> OwnData:
    (folder / "labelled.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return OwnData(path=str(folder / "labelled.jsonl"), columns=COLUMNS | columns)


def test_a_row_for_each_emotion_of_the_same_words_keeps_them_all(tmp_path: Path) -> None:
    record = raw_corpus("empathetic_dialogues", own=True)
    rows = [{"q": f"I am {n}.", "a": "Oh.", "mood": mood} for n in range(20) for mood in ("sad", "glad", "sad")]
    given = labelled(tmp_path, rows, emotion="mood")
    check(record, given, sampling(), BadRows("error"))
    own_data.write(record, given, tmp_path, BadRows("error"))
    subset = train_and_test(record, tmp_path, sampling(), BadRows("error"), tmp_path / "scratch")
    splits = {split: list(part) for split, part in subset.conversations.items()}
    assert subset.counts["repeated"] == 20
    said_in = {split: {row["utterances"][0] for row in part} for split, part in splits.items()}
    assert {split: len(part) for split, part in splits.items()} == {"train": 32, "test": 8}
    assert not said_in["train"] & said_in["test"]


def test_copies_under_several_situations_stay_in_one_split(tmp_path: Path) -> None:
    record = raw_corpus("empathetic_dialogues", own=True)
    # Text 0 has the situations 0 and 1, text 1 also has 1, and so on: six at a time hang together.
    rows = [
        {"q": f"I am {n}.", "a": "Oh.", "mood": ("sad", "glad")[n % 2], "when": f"Then {(n + step) % 6 + n // 6 * 6}."}
        for n in range(60)
        for step in (0, 1)
    ]
    given = labelled(tmp_path, rows, emotion="mood", situation="when")
    check(record, given, sampling(), BadRows("error"))
    own_data.write(record, given, tmp_path, BadRows("error"))
    subset = train_and_test(record, tmp_path, sampling(), BadRows("error"), tmp_path / "scratch")
    train_rows, test_rows = (list(subset.conversations[split]) for split in ("train", "test"))
    assert (len(train_rows), len(test_rows)) == (96, 24)
    for key in (lambda row: row["situation"], lambda row: row["utterances"][0]):
        assert not set(map(key, train_rows)) & set(map(key, test_rows))


def test_another_draw_trains_on_no_copy_of_what_is_tested(tmp_path: Path) -> None:
    record = raw_corpus("empathetic_dialogues", own=True)
    rows = [
        {"q": f"I am {n % 40}.", "a": "Oh.", "mood": ("sad", "glad")[n % 2], "when": f"Then {n}."} for n in range(80)
    ]
    own_data.write(record, labelled(tmp_path, rows, emotion="mood", situation="when"), tmp_path, BadRows("error"))
    files = {"train": "train", "test": "test"}
    tested = {row["input"] for row in redrawn(record, tmp_path, sampling(40), True, files)["test"]}
    for seed in (14, 15, 16):  # by the cap, either draw may have one copy and not the other
        drawn = sampling(40)._replace(seed=seed)
        learnt = {row["input"] for row in redrawn_train(record, tmp_path, drawn, True, files, main=13)}
        assert learnt
        assert not learnt & tested


def test_a_row_for_each_domain_of_the_same_words_is_kept_and_stays_in_one_split(tmp_path: Path) -> None:
    record = raw_corpus("pec", own=True)
    rows = [{"q": f"I am {n}.", "a": f"Oh, {n}.", "of": of} for n in range(40) for of in ("work", "home")]
    given = labelled(tmp_path, rows, domain="of")
    own_data.write(record, given, tmp_path, BadRows("error"))
    sizes = {"large": {"train": 10, "valid": 2, "test": 4, "evaluate": None}}
    assert record.subset is not None
    drawn = sampling()._replace(sizes=sizes)
    subset = record.subset(record, tmp_path, drawn, BadRows("error"), tmp_path / "scratch")
    assert subset.counts["repeated"] == 0
    assert set(subset.candidates) == {"all", "work", "home"}
    files = {file: list(part) for file, part in subset.conversations.items()}
    trained, tested = ({row["utterances"][0] for row in files[f"large/all/{split}"]} for split in ("train", "test"))
    assert not trained & tested


@pytest.mark.parametrize(("name", "labels"), [("pec", ["system", "emotion"]), ("empathetic_dialogues", ["system"])])
@pytest.mark.fault("rows that differ in what a place does not have", "copies: they count once")
def test_rows_that_differ_in_what_the_place_does_not_have_are_copies(
    tmp_path: Path, name: str, labels: list[str]
) -> None:
    record = raw_corpus(name, own=True)
    rows = [
        {"instruction": f"I am {n}.", "output": f"Oh, {n}.", "emotion": ("sad", "glad")[n % 2]}
        | {label: f"{label} {copy}" for label in labels}
        for n in range(40)
        for copy in range(3)
    ]
    (tmp_path / "alpaca.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    own_data.write(record, OwnData(path=str(tmp_path / "alpaca.jsonl")), tmp_path, BadRows("error"))
    drawn = sampling()._replace(sizes={"large": dict.fromkeys(("train", "valid", "test", "evaluate"))})
    subset = (record.subset or train_and_test)(record, tmp_path, drawn, BadRows("error"), tmp_path / "scratch")
    assert subset.counts["repeated"] == 80
    files = [list(part) for file, part in subset.conversations.items() if not file.startswith("evaluate")]
    assert sum(map(len, files)) == 40


@pytest.mark.parametrize("name", ["mine", "empathetic_dialogues", "pec"])
@pytest.mark.fault("rows that are parts of one conversation", "in one split, if a column says so")
def test_rows_of_one_conversation_stay_in_one_split(tmp_path: Path, name: str) -> None:
    """Two dialogues begin alike each; "Thank you!", further on in all of them, joins none."""
    record = raw_corpus(name, own=True)
    lines = [[f"Hi {n // 2}!", f"{n}: Hello.", f"{n}: No.", "Thank you!", f"{n}: Bye."] for n in range(60)]
    rows = [
        {"q": question, "a": answer, "of": number, "mood": ("sad", "glad")[number % 2]}
        for number, said in enumerate(lines)
        for question, answer in pairwise(said)
    ]
    labels = {} if name == "pec" else {"emotion": "mood"}
    given = labelled(tmp_path, rows, conversation="of", **labels)
    drawn = sampling()._replace(sizes={"large": dict.fromkeys(("train", "valid", "test", "evaluate"))})
    check(record, given, drawn, BadRows("error"))
    own_data.write(record, given, tmp_path, BadRows("error"))
    subset = (record.subset or train_and_test)(record, tmp_path, drawn, BadRows("error"), tmp_path / "scratch")
    files = {file: list(part) for file, part in subset.conversations.items() if not file.startswith("evaluate")}
    parts = [
        {line for row in part for line in row["utterances"]} - {"Thank you!", "thank you !"} for part in files.values()
    ]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 30 + 3 * 60
    tested = next(part for file, part in files.items() if file.endswith("test"))
    assert len(tested) == len(rows) // 5


@pytest.mark.parametrize("name", ["mine", "empathetic_dialogues", "pec"])
@pytest.mark.fault("rows that begin alike but for case and punctuation", "in one split")
def test_openings_of_the_same_words_stay_in_one_split(tmp_path: Path, name: str) -> None:
    record = raw_corpus(name, own=True)
    marks = (".", "!", " ...", "?!")
    rows = [
        {"q": f"{('I', 'i')[n % 2]} am {n // 4}{marks[n % 4]}", "a": f"Oh, {n}.", "mood": ("sad", "glad")[n // 4 % 2]}
        for n in range(240)
    ]
    given = labelled(tmp_path, rows, **({} if name == "pec" else {"emotion": "mood"}))
    drawn = sampling()._replace(sizes={"large": dict.fromkeys(("train", "valid", "test", "evaluate"))})
    check(record, given, drawn, BadRows("error"))
    own_data.write(record, given, tmp_path, BadRows("error"))
    subset = (record.subset or train_and_test)(record, tmp_path, drawn, BadRows("error"), tmp_path / "scratch")
    files = {file: list(part) for file, part in subset.conversations.items() if not file.startswith("evaluate")}
    begun = [{re.sub(r"\D", "", row["utterances"][0]) for row in part} for part in files.values()]
    assert sum(map(len, begun)) == len(set().union(*begun)) == 60


@pytest.mark.parametrize("policy", ["error", "skip"])
@pytest.mark.parametrize("name", ["mine", "empathetic_dialogues", "pec"])
@pytest.mark.fault("one's own data in which nobody answers", "the file and its first row are named")
def test_rows_all_of_which_are_malformed_are_told_by_the_first(tmp_path: Path, name: str, policy: Any) -> None:
    record = raw_corpus(name, own=True)
    rows = [{"conversations": [{"from": "human", "value": f"I am {n}."}], "mood": "sad"} for n in range(9)]
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns: dict[Any, str] = {"turns": "conversations"} | ({} if name == "pec" else {"emotion": "mood"})
    message = said(check, record, OwnData(path=str(path), columns=columns), sampling(), BadRows(policy))
    start = f"corpora.{name} has no row that can be used; the first: {path}, line 1: no turn with an answer"
    assert message.startswith(start)
    assert "on_bad_row" not in message  # it would leave none


@pytest.mark.parametrize("policy", ["error", "skip"])
@pytest.mark.fault("a malformed first row before sound ones", "refused, or left out, as `on_bad_row` says")
def test_a_malformed_first_row_is_refused_by_itself(tmp_path: Path, policy: Any) -> None:
    given = entry(tmp_path, ["", "Hi", "Bye", "Oh"])
    message = said(check, raw_corpus("mine", own=True), given, sampling(), BadRows(policy))
    assert ("line 1: " in message and "on_bad_row: skip" in message) is (policy == "error")
    assert "no row that can be used" not in message


def test_sound_rows_without_labels_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, passes, records = entry(tmp_path, ["Hi", "Bye", "Oh"]), [], own_data.records
    monkeypatch.setattr(own_data, "records", lambda path, *words: passes.append(path) or records(path, *words))
    check(raw_corpus("mine", own=True), given, sampling(), BadRows("error"))
    assert passes == [Path(given.path)]
