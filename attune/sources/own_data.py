"""One's own data in CSV, JSON or parquet, by a mapping of its columns or by a shape that is recognised."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from attune.core.errors import AttuneError
from attune.core.files import atomic_file
from attune.core.people import ASKS, UNNAMED
from attune.corpora.base import Corpus, Own
from attune.corpora.own import ALL, FILE, OWN, OWN_DATA
from attune.corpora.personas import persona_sentences
from attune.corpora.reading import BadRow, BadRows
from attune.corpora.subsets import digest
from attune.parameters.data import OwnData, OwnDataset, OwnRows
from attune.sources.manifest import Origin
from attune.sources.own_files import records
from attune.sources.own_turns import alternating, joined, listed, read_text, read_turns

MEAN = "mean"  # the row of a table that is over all domains
_DOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,39}")  # it names folders and stages
# Shapes that need no mapping: the columns by which each is recognised, and what they are.
_SHAPES: tuple[tuple[set[str], dict[str, str]], ...] = (
    ({"conversations"}, {"turns": "conversations"}),
    ({"messages"}, {"turns": "messages"}),
    ({"instruction", "output"}, {"context": "instruction", "response": "output"}),
)
_OPTIONAL = ("system", "input", "persona", "emotion")  # what rows of any shape may have
_MAY_LACK = {*_OPTIONAL, "situation"}
# What is read in every place; of all else, what the place has.
EVERYWHERE = {"context", "input", "response", "turns", "conversation"}


def write(record: Corpus, entry: OwnRows, folder: Path, bad: BadRows) -> Origin:
    """Write the conversations of `entry`, that of `record` in params.yaml, into `folder`; raises as `conversations`."""
    found = files_of(record, entry)
    assert record.own is not None
    with atomic_file(folder / FILE) as temporary, temporary.open("w", encoding="utf-8") as stream:
        for conversation in conversations(found.paths, entry.columns, bad, record.own):
            stream.write(json.dumps(conversation, ensure_ascii=False) + "\n")
    return found.origin


class Files(NamedTuple):
    paths: list[Path]
    origin: Origin


def files_of(record: Corpus, entry: OwnRows) -> Files:
    """The files on this machine; a dataset's are downloaded.

    Raises
    ------
    AttuneError
        as `attune.sources.own_dataset.download`.
    """
    if isinstance(entry, OwnDataset):
        from attune.sources import own_dataset

        paths, url, commit = own_dataset.download(f"corpora.{record.name}", entry)
        notice = f"{OWN_DATA}, the split {entry.split} of {entry.datasets}"
        return Files(paths, Origin("hub", entry.datasets, url=url, revision=commit, notice=notice))
    assert isinstance(entry, OwnData)
    notice = f"{OWN_DATA}, {Path(entry.path).name}"
    return Files([Path(entry.path)], Origin("path", location=entry.path, notice=notice))


def conversations(
    paths: Sequence[Path],
    columns: Mapping[Any, str] | None,
    bad: BadRows,
    place: Own = OWN,
) -> Iterator[dict[str, Any]]:
    """The rows of the files as `attune.corpora.own` keeps conversations, one at a time.

    place: that of a built-in corpus, if they take one; columns that it does not have are not read.
    `bad.turns_left_out` counts the turns that are of neither side, by their speaker.

    Raises
    ------
    AttuneError
        for a file that cannot be read, a column that does not exist or is missing in `columns`, and as `BadRows.add`.
    """
    wanted = set(columns.values()) if columns else {*_OPTIONAL, *(name for marks, _ in _SHAPES for name in marks)}

    @cache
    def of_any_file() -> set[str]:
        first = (next(records(path, wanted, BadRows("skip")), (0, {})) for path in paths)
        return {name for _, row in first for name in row}

    for path in paths:
        mapping = None
        for number, row in records(path, wanted, bad):
            mapping = mapping or _mapping(path, row, columns, place.needed, of_any_file)
            with bad.leaving_out(path):
                if columns is None:
                    _check_unasked(number, row, mapping, place)
                conversation, others = _conversation(number, row, mapping, place)
                bad.turns_left_out.update(others)
                yield conversation


def _mapping(
    path: Path,
    row: Mapping[str, Any],
    columns: Mapping[Any, str] | None,
    needed: Sequence[str],
    of_any_file: Callable[[], set[str]],
) -> dict[str, str]:
    """What each column is; an AttuneError names one that the file lacks. row: its first, which has all columns.

    Objects in JSON may lack what they have nothing for, and so may all of one file, if another has it.
    """
    may_lack, is_json = _MAY_LACK.difference(needed), path.suffix.lower() in (".json", ".jsonl")
    for key, column in (columns or {}).items():
        if column in row:
            continue
        if not (key in may_lack and column in of_any_file()):
            raise AttuneError(f"{path} has no column {column!r} for {key}; it has {', '.join(row)}")
        if not is_json:
            raise AttuneError(
                f"{path.name} of the dataset has no column {column!r} for {key}, and another of its files has; leave "
                f"{key} out of `columns`, or name one file with all rows and that column as `path` ({path})"
            )
    mapping = dict(columns or _recognised(path, row))
    for key in needed:
        if mapping.get(key) not in row:
            raise AttuneError(f"{path}: say in `columns` which of {', '.join(row)} is the {key}, which is needed here")
    return mapping


def _recognised(path: Path, row: Mapping[str, Any]) -> dict[str, str]:
    """The shape of what the first row has or, if that is none, of what any row has."""
    for names in ({name for name, cell in row.items() if cell is not None}, row.keys()):
        for marks, mapping in _SHAPES:
            if marks <= names:
                others = [name for name in _OPTIONAL if name in row and (name != "input" or "context" in mapping)]
                return mapping | {name: name for name in others}
    raise AttuneError(
        f"{path} has the columns {', '.join(row)}, of no known shape (ShareGPT: conversations or messages; Alpaca: "
        "instruction and output); say in `columns` which are context and response, or turns"
    )


def _conversation(
    number: int, row: Mapping[str, Any], mapping: Mapping[str, str], place: Own
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The conversation, and who said what is left out of it."""
    cells = {key: row.get(column) for key, column in mapping.items() if key in {*EVERYWHERE, *place.columns}}
    if "turns" in mapping:
        turns = read_turns(number, listed(number, "turns", cells["turns"]))
    else:
        context = _said(number, cells["context"], cells.get("input"))
        turns = alternating([*context, read_text(number, "response", cells["response"])])
    # One dataset may have both: what holds for all conversations, and what for this one.
    systems = [read_text(number, "system", cells.get("system")), "\n".join(turns.system)]
    takes_system = "system" in place.columns
    system = "\n".join(dict.fromkeys(filter(None, systems))) if takes_system else ""
    speakers, utterances = joined(number, turns)
    persona = listed(number, "persona", cells.get("persona"))
    # A paragraph as one sentence would be read up to the models' limit for a sentence, or be left out whole.
    personas = [said for each in persona for said in persona_sentences(read_text(number, "persona", each))]
    for key in place.needed:
        if not read_text(number, key, cells[key]):
            raise BadRow(number, f"{key} is empty; expected text")
    labels = _labels(number, cells)
    given = {key: label for key, label in labels.items() if label}
    conversation = {
        # Labels belong to it: were the same words under another emotion a copy, that emotion could vanish. What the
        # place does not have does not: rows that are the same without it are copies there.
        # As JSON, so that no text of one part reads as the next part's.
        "id": digest(json.dumps([system, personas, utterances, given], ensure_ascii=False)),
        "system": system,
        "personas": personas,
        "speakers": [UNNAMED if turns.guessed and each == ASKS else each for each in speakers],
        "utterances": utterances,
        **labels,
        **_part_of(number, cells),
    }
    return conversation, turns.left_out if takes_system else (*turns.left_out, *["system"] * len(turns.system))


def _check_unasked(number: int, row: Mapping[str, Any], mapping: Mapping[str, str], place: Own) -> None:
    """Raise a BadRow for what is read by its name, although nobody named it, and is no text; it may be something else.

    What the place needs is asked for.
    """
    for key in ("system", "persona", "emotion"):  # in one order, so that the same one is always named first
        if key not in place.columns or key not in mapping or key in place.needed:
            continue
        cell = row.get(mapping[key])
        texts = cell if key == "persona" and isinstance(cell, list) else [cell]
        if not all(isinstance(each, str | None) for each in texts):
            read = {name: column for name, column in mapping.items() if name in {*EVERYWHERE, *place.columns} - {key}}
            named = ", ".join(f"{name}: {column}" for name, column in read.items())
            raise BadRow(
                number,
                f"{key} is {str(cell)[:80]!r}; expected text, since a file of a known shape is read with its column "
                f"{key}; write text there, or leave the column out by `columns: {{{named}}}`",
            )


def _labels(number: int, cells: Mapping[str, Any]) -> dict[str, str]:
    """A conversation's emotion, which may be empty, and what conversations have in some places alone."""
    labels = {"emotion": read_text(number, "emotion", cells.get("emotion"))}
    labels |= {key: read_text(number, key, cells[key]) for key in ("situation", "domain") if key in cells}
    domain = labels.get("domain", "x")
    if domain in (ALL, MEAN) or not _DOMAIN.fullmatch(domain):
        other = f"other than {ALL} and {MEAN}"
        raise BadRow(
            number, f"domain is {domain[:80]!r}; expected a name of at most 40 letters, digits and underscores, {other}"
        )
    return labels


def _part_of(number: int, cells: Mapping[str, Any]) -> dict[str, str]:
    """Digits that rows have in common which are parts of one conversation; nothing where no column says so."""
    if "conversation" not in cells:
        return {}
    cell = cells["conversation"]
    if isinstance(cell, float) and cell.is_integer():  # as pandas writes whole numbers where some are missing
        cell = int(cell)
    expected = "expected a text or a whole number that all of its rows have"
    if not isinstance(cell, int | str | None):
        raise BadRow(number, f"conversation is {str(cell)[:80]!r}; {expected}")
    name = str(cell) if isinstance(cell, int) else read_text(number, "conversation", cell)
    if not name:
        raise BadRow(number, f"conversation is empty; {expected}")
    return {"conversation": digest(name)}


def _said(number: int, context: Any, addition: Any) -> list[str]:
    """The turns before the response; Alpaca's `input` belongs to its instruction."""
    turns = [read_text(number, "context", each) for each in listed(number, "context", context, apart=False)]
    more = read_text(number, "input", addition)
    return [*turns[:-1], f"{turns[-1]}\n\n{more}"] if more and turns else turns
