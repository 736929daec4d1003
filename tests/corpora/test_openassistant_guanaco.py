import json
from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.corpora.openassistant_guanaco import read
from attune.corpora.reading import BadRows


def written(folder: Path, *rows: str) -> Path:
    path = folder / "train.jsonl"
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def row(text: object) -> str:
    return json.dumps({"text": text})


GOOD = row("### Human: Hi### Assistant: Ho")


def test_any_number_of_turns(tmp_path: Path) -> None:
    text = "### Human: ¿Qué?\n### Assistant: A### Human: B### Assistant: C\nD"
    assert list(read(written(tmp_path, GOOD, row(text)), BadRows("error"))) == [
        ("Hi", "Ho"),
        ("¿Qué?", "A", "B", "C\nD"),
    ]


def test_only_the_exact_marker_is_one(tmp_path: Path) -> None:
    text = "### Human: a ## Human: b ### human: c #### d ### Human e### Assistant: f ###Assistant: g"
    (turns,) = read(written(tmp_path, row(text)), BadRows("error"))
    assert turns == (
        "a ## Human: b ### human: c #### d ### Human e",
        "f ###Assistant: g",
    )


def test_two_turns_of_one_side_are_one(tmp_path: Path) -> None:
    path = written(tmp_path, row("### Human: Hi### Human: Ho### Assistant: A### Assistant: B"))
    assert list(read(path, BadRows("error"))) == [("Hi\nHo", "A\nB")]


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("### Human: B", 1),
        ("### Human:", 0),
        ("### Human: \n", 0),
        ("### Human: ### Assistant: B", 1),
        ("### Human: B### Assistant: ", 1),
        ("### Human: B### Assistant: ### Human: C### Assistant: D", 3),
    ],
)
def test_what_follows_the_last_whole_pair_is_dropped_and_counted(tmp_path: Path, last: str, said: int) -> None:
    bad, path = BadRows("error"), written(tmp_path, row(f"### Human: Q### Assistant: A{last}"))
    assert list(read(path, bad)) == [("Q", "A")]
    assert bad.turns_left_out == ({"unanswered or after an empty turn": said} if said else {})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "### Human: Hi', "not JSON"),
        ("[" * 100_000, "not JSON"),
        (r'{"text": "### Human: Hi### Assistant: \ud83d"}', "not JSON in UTF-8"),
        ('{"txt": "### Human: Hi"}', "no key `text`"),
        ("[1]", "`text` is not text"),
        (row(None), "`text` is not text"),
        (row("### Assistant: Ho### Human: Hi"), "does not begin with `### Human:`"),
        (row("Hello ### Human: Hi### Assistant: Ho"), "does not begin with `### Human:`"),
        (row(""), "does not begin with `### Human:`"),
        (row("### Human: Hi"), "no question with an answer"),
        (row("### Human: Hi### Assistant: "), "no question with an answer"),
        (row("### Human: ### Assistant: Ho### Human: Q### Assistant: A"), "no question with an answer"),
    ],
)
@pytest.mark.fault("a malformed row of guanaco", "file and line are named")
def test_malformed_row(tmp_path: Path, line: str, message: str) -> None:
    path = written(tmp_path, GOOD, line, GOOD)
    with pytest.raises(AttuneError, match=rf"train\.jsonl, line 2: .*{message}"):
        list(read(path, BadRows("error")))
    bad = BadRows("skip")
    assert len(list(read(path, bad))) == 2
    assert bad.count == 1


def test_published_counts(real_corpora: Path) -> None:
    folder = real_corpora / "openassistant_guanaco"
    evaluation = list(read(folder / "openassistant_best_replies_eval.jsonl", BadRows("error")))
    assert len(evaluation) == 227
    assert sum(len(turns) for turns in evaluation) == 159 * 2 + 67 * 4 + 1 * 6
    # Rows 435 and 511 have empty turns, 900 has two questions in a row.
    train = list(read(folder / "openassistant_best_replies_train.jsonl", BadRows("error")))
    assert len(train) == 1000
    assert train[510][0].startswith("What is the largest city")
    assert len(train[510]) == 2
