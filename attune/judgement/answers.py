"""Annotators' answers, and the chat page's thumbs, as judgements; every malformed line is one error."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attune.core.errors import AttuneError
from attune.corpora.reading import csv_rows

# A verdict on a pair: which points (out of one) the system under A gets.
VERDICTS = {"a": 1.0, "b": 0.0, "tie": 0.5}
# A verdict on a single reply.
THUMBS = {"up": 1.0, "down": 0.0}
# Whoever used the page: it asks for no name.
VISITOR = "visitor"
# The name of an annotator that is a language model begins so. It is asked in both orders, and has one verdict on both.
MODEL = "model:"
_ORIGIN = ("conversation", "cluster")
_KEY = ("form", "pair", "id", "system_a", "system_b", *_ORIGIN)
_ANSWER = ("form", "annotator", "pair", "verdict")


@dataclass(frozen=True)
class Judgement:
    """One annotator's verdict on two systems' replies to one context.

    points: 1 where the system shown first is preferred, 0 where the second is, 0.5 for neither. `conversation` and
    `cluster` (`attune.evaluation.schemas`) name what the context belongs with, since judgements about one person's
    replies, say, are not independent; they are empty where that is unknown.
    """

    annotator: str
    context: str
    first: str
    second: str
    points: float
    conversation: str = ""
    cluster: str = ""


@dataclass(frozen=True)
class Thumb:
    """A visitor's verdict on one system's reply: 1 for up, 0 for down."""

    context: str
    system: str
    points: float


def read_answers(key: Path, paths: Iterable[Path]) -> list[Judgement]:
    """The judgements in the files that annotators saved, one or several, by the key of their form.

    Raises
    ------
    AttuneError
        naming the file and line of an answer that is malformed, of another form or given twice, or for no answers; and
        for a key without conversations and clusters, as earlier versions wrote it.
    """
    pairs = {row["pair"]: row for _, row in table_rows(key, _KEY)}
    judgements: list[Judgement] = []
    given: dict[tuple[str, str], str] = {}
    for path in paths:
        for line, row in table_rows(path, _ANSWER):
            place = f"{path} line {line}"
            each = _checked(place, row, pairs, key)
            name = row["annotator"].strip()
            if before := given.get((name, row["pair"])):
                raise AttuneError(f"{place}: {name} has answered pair {row['pair']} already, in {before}; remove one")
            given[name, row["pair"]] = place
            points = VERDICTS[row["verdict"]]
            systems = each["system_a"], each["system_b"]
            judgements.append(Judgement(name, each["id"], *systems, points, each["conversation"], each["cluster"]))
    if not judgements:
        raise AttuneError("the files hold no answers; an annotator's file has at least one line below its header")
    return judgements


def _checked(place: str, row: Mapping[str, str], pairs: Mapping[str, dict[str, str]], key: Path) -> dict[str, str]:
    """The line of the key that an answer is about."""
    if row["pair"] not in pairs:
        raise AttuneError(f"{place}: there is no pair {row['pair']!r} in {key}; are these answers of another form?")
    each = pairs[row["pair"]]
    if row["form"] != each["form"]:
        raise AttuneError(f"{place}: the answer is of the form {row['form']!r}, and {key} of {each['form']!r}")
    if row["verdict"] not in VERDICTS:
        raise AttuneError(f"{place}: the verdict {row['verdict']!r} must be one of {', '.join(VERDICTS)}")
    if not row["annotator"].strip():
        raise AttuneError(f"{place}: the annotator has no name; any initials will do")
    return each


def table_rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """The line on which each row of a CSV file begins, and what the row has by the names of the header.

    Raises
    ------
    AttuneError
        naming what is wrong: a file that cannot be read as CSV in UTF-8, one of `columns` that is missing, or a row
        with more or fewer fields than the header.
    """
    try:
        rows = csv_rows(path)
        _, header = next(rows, (1, []))
        missing = [name for name in columns if name not in header]
        if missing:
            # Another export of the same replies has the same form, so that its key fits answers that were given before.
            again = "; export the pairs again with the same options to a new folder, whose key fits these answers"
            raise AttuneError(
                f"{path} has no column {missing[0]!r}; its header must name {', '.join(columns)}"
                + (again if set(missing) <= set(_ORIGIN) else "")
            )
        for line, cells in rows:
            if cells and len(cells) != len(header):
                raise AttuneError(f"{path} line {line} has not as many fields as the header has names")
            if cells:
                yield line, dict(zip(header, cells, strict=True))
    except OSError as error:
        raise AttuneError(f"{path} cannot be read: {error.strerror}") from None


def read_thumbs(path: Path) -> tuple[list[Judgement], list[Thumb]]:
    """The chat page's file of verdicts, JSON lines: those on two systems' replies, and those on one system's reply.

    A line has `verdict`, `context` or `conversation`, and `system` (verdict up or down) or `system_a` and `system_b`
    (verdict a, b or tie); what else it has is not read.

    Raises
    ------
    AttuneError
        naming the line that is malformed, or for a file without lines.
    """
    judgements: list[Judgement] = []
    thumbs: list[Thumb] = []
    try:
        text = path.read_text(encoding="utf-8-sig")  # with or without a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise AttuneError(f"{path} cannot be read as text in UTF-8: {error}") from None
    for number, line in enumerate(text.split("\n"), 1):  # JSON may hold other breaks, at which `splitlines` splits, too
        if not line.strip():
            continue
        place = f"{path} line {number}"
        try:
            row = _parsed(place, line)
            context = _context(place, row)
        except RecursionError:
            raise AttuneError(f"{place} is nested too deeply to be read; remove the line") from None
        if "system" in row:
            thumbs.append(Thumb(context, _name(place, row, "system"), _points(place, row, THUMBS)))
        else:
            first, second = (_name(place, row, column) for column in ("system_a", "system_b"))
            if first == second:
                raise AttuneError(f"{place}: system_a and system_b are both {first!r}; name the two that were compared")
            judgements.append(Judgement(VISITOR, context, first, second, _points(place, row, VERDICTS)))
    if not judgements and not thumbs:
        raise AttuneError(f"{path} holds no verdicts")
    return judgements, thumbs


def _parsed(place: str, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise AttuneError(f"{place} is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise AttuneError(f"{place} is not a JSON object")
    return row


def _context(place: str, row: Mapping[str, Any]) -> str:
    """What was replied to: its name, or its turns as JSON."""
    for column in ("context", "conversation"):
        if row.get(column):
            text = row[column] if isinstance(row[column], str) else json.dumps(row[column], sort_keys=True)
            return _encodable(place, column, text)
    raise AttuneError(f"{place} has neither `context` nor `conversation`")


def _name(place: str, row: Mapping[str, Any], column: str) -> str:
    if not isinstance(row.get(column), str) or not row[column]:
        raise AttuneError(f"{place} needs `system`, or `system_a` and `system_b`; {column} is {row.get(column)!r}")
    return _encodable(place, column, row[column])


def _encodable(place: str, column: str, text: str) -> str:
    """The text, or an AttuneError for half a surrogate pair, which JSON can hold and no file in UTF-8 can."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise AttuneError(f"{place}: {column} {text!r} has half a surrogate pair; write the whole character") from None
    return text


def _points(place: str, row: Mapping[str, Any], verdicts: Mapping[str, float]) -> float:
    verdict = row.get("verdict")
    if not isinstance(verdict, str) or verdict not in verdicts:
        raise AttuneError(f"{place}: the verdict {verdict!r} must be one of {', '.join(verdicts)}")
    return verdicts[verdict]
