"""One's own data in CSV, JSON or parquet, by a mapping of its columns or by a shape that is recognised."""

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from attune.core.errors import AttuneError
from attune.core.files import atomic_file
from attune.corpora.own import ASKS, FILE, REPLIES
from attune.corpora.reading import BadRow, BadRows, check_content, lines, parquet_rows
from attune.corpora.subsets import digest
from attune.parameters.data import OwnData
from attune.sources.manifest import Origin

SUFFIXES = (".csv", ".jsonl", ".json", ".parquet")
# What the two sides are called, in lower case; anything else is refused.
_SIDES = dict.fromkeys(("human", "user", "prompter", "speaker"), ASKS)
_SIDES |= dict.fromkeys(("gpt", "assistant", "bot", "chatgpt", "model", "listener"), REPLIES)
_SYSTEM = ("system", "developer")
# Shapes that need no mapping: the columns by which each is recognised, and what they are.
_SHAPES: tuple[tuple[set[str], dict[str, str]], ...] = (
    ({"conversations"}, {"turns": "conversations"}),
    ({"messages"}, {"turns": "messages"}),
    ({"instruction", "output"}, {"context": "instruction", "response": "output"}),
)
Record = tuple[int, dict[str, Any]]


def write(entry: OwnData, folder: Path, bad: BadRows) -> Origin:
    """Write the conversations of `entry` into `folder`; raises as `conversations`, and as `BadRows.add`."""
    with atomic_file(folder / FILE) as temporary, temporary.open("w", encoding="utf-8") as stream:
        for conversation in conversations(entry, bad):
            stream.write(json.dumps(conversation, ensure_ascii=False) + "\n")
    return Origin("path", location=entry.path)


def check(name: str, entry: OwnData, bad: BadRows) -> None:
    """Read all of the corpus `name`.

    Raises
    ------
    AttuneError
        as `conversations`, and for fewer than two beginnings, which could not be split into train and test.
    """
    openings = {each["utterances"][0] for each in conversations(entry, bad)}
    if len(openings) < 2:
        raise AttuneError(
            f"corpora.{name}: {entry.path} has {len(openings)} usable conversation(s) with different first turns; "
            "2 are needed to train on one and to test on another"
        )


def conversations(entry: OwnData, bad: BadRows) -> Iterator[dict[str, Any]]:
    """The rows of the file as `attune.corpora.own` keeps conversations, one at a time.

    Raises
    ------
    AttuneError
        for a file that cannot be read, a column that does not exist, and as `BadRows.add`.
    """
    path, mapping = Path(entry.path), None
    for number, row in _records(path):
        if mapping is None:
            mapping = _mapping(path, row, entry.columns)
        try:
            yield _conversation(number, row, mapping)
        except BadRow as error:
            bad.add(path, error.number, str(error))


def _records(path: Path) -> Iterator[Record]:
    """Each row with its number: of its line, or in JSON and parquet of the row."""
    if not path.is_file():
        raise AttuneError(f"{path.absolute()} does not exist; a corpus' path names a file of {', '.join(SUFFIXES)}")
    readers = {".csv": _csv, ".jsonl": _json_lines, ".json": _json, ".parquet": _parquet}
    if path.suffix not in readers:
        raise AttuneError(f"{path} has the suffix {path.suffix!r}; it must be one of {', '.join(SUFFIXES)}")
    check_content(path)
    return readers[path.suffix](path)


def _csv(path: Path) -> Iterator[Record]:
    csv.field_size_limit(10_000_000)  # characters of a cell; 131,072 otherwise
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, strict=True)
            if len(set(names := reader.fieldnames or [])) < len(names):
                raise AttuneError(f"{path} names a column twice ({', '.join(names)}); give each a name of its own")
            for row in reader:
                if None in row or None in row.values():
                    wrong = f"line {reader.line_num}: not the {len(names)} cells of the header; put cells with commas,"
                    raise AttuneError(f"{path}, {wrong} quotes or line breaks into quotes")
                yield reader.line_num, row
    except UnicodeDecodeError as error:
        raise AttuneError(f"{path} is not UTF-8 ({error.reason} at byte {error.start}); convert it") from None
    except csv.Error as error:
        raise AttuneError(f"{path}, line {reader.line_num}: {error}") from None


def _json_lines(path: Path) -> Iterator[Record]:
    for number, line in lines(path):
        yield number, _object(path, number, line)


def _json(path: Path) -> Iterator[Record]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise AttuneError(f"{path} is not JSON in UTF-8: {error}") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise AttuneError(f"{path} must hold a list of objects, one per row; for one object per line call it .jsonl")
    yield from enumerate(rows, start=1)


def _parquet(path: Path) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = tuple(pq.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise AttuneError(f"{path} is not a complete parquet file: {str(error).splitlines()[0]}") from None
    yield from parquet_rows(path, names, batch_size=1024)


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise AttuneError(f"{path}, line {number}: not JSON ({error})") from None
    if not isinstance(row, dict):
        raise AttuneError(f"{path}, line {number}: {line[:40]!r} is no object; each line must be one")
    return row


def _mapping(path: Path, row: Mapping[str, Any], columns: Mapping[Any, str] | None) -> dict[str, str]:
    """What each column is; an AttuneError names one that the first row lacks."""
    found = ", ".join(row)
    if columns is None:
        for needed, mapping in _SHAPES:
            if needed <= row.keys():
                also = {name: name for name in ("system", "input", "persona", "emotion") if name in row}
                return mapping | also
        raise AttuneError(
            f"{path} has the columns {found}, of no known shape (ShareGPT: conversations or messages; Alpaca: "
            "instruction and output); say in `columns` which are context and response, or turns"
        )
    for key, column in columns.items():
        if column not in row:
            raise AttuneError(f"{path} has no column {column!r} for {key}; it has {found}")
    return dict(columns)


def _conversation(number: int, row: Mapping[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    cells = {key: row.get(column) for key, column in mapping.items()}
    system = _text(number, "system", cells.get("system"))
    if "turns" in mapping:
        turns, own_system = _turns(number, _listed(number, "turns", cells["turns"]))
        system = own_system or system
    else:
        context = _said(number, cells["context"], cells.get("input"))
        turns = _alternating([*context, _text(number, "response", cells["response"])])
    speakers, utterances = _joined(number, turns)
    personas = [text for each in _listed(number, "persona", cells.get("persona")) if (text := each.strip())]
    return {
        "id": digest(system, *personas, *utterances),
        "system": system,
        "emotion": _text(number, "emotion", cells.get("emotion")),
        "personas": personas,
        "speakers": speakers,
        "utterances": utterances,
    }


def _said(number: int, context: Any, addition: Any) -> list[str]:
    """The turns before the response; Alpaca's `input` belongs to its instruction."""
    turns = [_text(number, "context", each) for each in _listed(number, "context", context, apart=False)]
    more = _text(number, "input", addition)
    return [*turns[:-1], f"{turns[-1]}\n\n{more}"] if more and turns else turns


def _listed(number: int, key: str, cell: Any, apart: bool = True) -> list[Any]:
    """A cell as a list: itself, written as JSON, or, if `apart`, one text per line."""
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        with suppress(ValueError):  # text may begin with a bracket
            cell = json.loads(cell)
    if isinstance(cell, str):
        cell = cell.splitlines() if apart else [cell]
    if cell is None:
        return []
    if not isinstance(cell, list) or (key == "persona" and not all(isinstance(each, str) for each in cell)):
        raise BadRow(number, f"{key} is {str(cell)[:80]!r}; expected a text or a list of texts")
    return cell


def _turns(number: int, turns: list[Any]) -> tuple[list[tuple[str, str]], str]:
    """Who said what, and the text of system turns: of marked turns, or of texts whose last one is the response."""
    if all(isinstance(each, str) for each in turns):
        return _alternating(turns), ""
    said, system = [], []
    for each in turns:
        if not isinstance(each, dict):
            raise BadRow(number, f"a turn is {str(each)[:80]!r}; expected all texts, or all with their speaker")
        speaker = str(each.get("from", each.get("role"))).lower()
        text = _text(number, "a turn", each.get("value", each.get("content")))
        if speaker in _SYSTEM:
            system.append(text)
        elif speaker in _SIDES:
            said.append((_SIDES[speaker], text))
        else:
            raise BadRow(number, f"a turn is from {speaker!r}; expected {', '.join((*_SYSTEM, *_SIDES))}")
    return said, "\n".join(system)


def _alternating(texts: list[str]) -> list[tuple[str, str]]:
    """The last text is the responder's, the one before the other side's, and so on."""
    sides = (REPLIES, ASKS)
    return [(sides[(len(texts) - 1 - at) % 2], text) for at, text in enumerate(texts)]


def _joined(number: int, turns: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Speakers and utterances up to the responder's last turn; turns of one side in a row become one."""
    speakers: list[str] = []
    utterances: list[str] = []
    for speaker, text in turns:
        if not text.strip():
            raise BadRow(number, "a turn is empty; expected text")
        if speakers and speakers[-1] == speaker:
            utterances[-1] += f"\n{text.strip()}"
        else:
            speakers.append(speaker)
            utterances.append(text.strip())
    if speakers and speakers[-1] == ASKS:
        speakers, utterances = speakers[:-1], utterances[:-1]
    if ASKS not in speakers:
        raise BadRow(number, "no turn with an answer; expected something said and a response to it")
    return speakers, utterances


def _text(number: int, key: str, cell: Any) -> str:
    if cell is None:
        return ""
    if not isinstance(cell, str):
        raise BadRow(number, f"{key} is {str(cell)[:80]!r}; expected text")
    if any("\ud800" <= letter <= "\udfff" for letter in cell):  # which JSON can spell, and no file can hold
        raise BadRow(number, f"{key} holds half of a surrogate pair; expected text")
    return cell.strip()
