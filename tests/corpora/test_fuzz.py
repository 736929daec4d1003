"""Whatever stands in a raw file: it is parsed, or one AttuneError names the file, and the row where there is one."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attune.core.errors import AttuneError
from attune.corpora import CORPORA, openorca, record_of
from attune.corpora.empathetic_dialogues import COLUMNS
from attune.corpora.own import own_corpus
from attune.corpora.reading import BadRows
from attune.sources import own_data
from attune.sources.own_files import SUFFIXES

FEW = settings(deadline=None, max_examples=25)
# What the formats are made of, and what files that went wrong hold, so that the fuzz gets past the first check.
PIECES = [
    *(b"ann ---+--- hi\n", b" ---+--- ", b"bob ---+--- yes\n", b"*" * 20 + b"\n", b"ann\ni ski .\n"),
    *(",".join(COLUMNS).encode() + b"\n", b"c,1,sad,s,0,hi,,\n", b"c,2,sad,s,1,oh,,\n", b"_comma_", b",", b'"'),
    *(b'{"text": "### Human: a### Assistant: b"}\n', b'{"text": "\\ud800"}\n', b'{"text": 1e999}\n', b"[" * 3000),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\r\n", b"\r", b"\n", b" ", b"\xed\xa0\x80", b"9" * 5000),
    *(b"version https://git-lfs.github.com/spec/v1\n", b"<!doctype html>", b"PAR1", b"instruction,output\n", b"a,b\n"),
    *(b'{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}\n', b"null\n"),
]
content = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=20)), max_size=8).map(b"".join)
# Of each corpus every raw file, and what one of its own may be called.
RAW = [(name, file) for name in CORPORA for layout in record_of(name).layouts for file in layout.values()]
OWN = [f"mine{suffix}" for suffix in SUFFIXES]


def check(path: Path, row: str = "") -> None:
    """Read `path` under both policies; an error names it, and the `row` where the data are at fault."""
    for policy in ("error", "skip"):
        bad = BadRows(policy)  # type: ignore[arg-type]
        try:
            _read(path, bad)
        except AttuneError as error:
            message = str(error)
        else:
            continue
        assert str(path) in message
        assert row in message or policy == "skip"


def _read(path: Path, bad: BadRows) -> None:
    """Also the rows that models learn from, and their storage, are made of whatever was parsed."""
    if path.name in OWN:
        record = own_corpus("mine")
        rows = list(own_data.conversations([path], None, bad))
    else:
        record = record_of(path.parts[path.parts.index("raw") + 1])
        rows = list(record.read(path, bad))
    if record.subset is None:
        pa.Table.from_pylist(rows, record.schemas.conversations)
        made = [row for conversation in rows for row in record.rows(conversation, True)]
        pa.Table.from_pylist(made, record.schemas.rows)


def place(folder: str, name: str, file: str) -> Path:
    path = Path(folder) / "raw" / name / file
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize("name", CORPORA)
@FEW
@given(content, st.data())
def test_any_bytes_in_a_raw_file(name: str, content: bytes, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from([file for each, file in RAW if each == name]))
    with TemporaryDirectory() as folder:
        path = place(folder, name, file)
        path.write_bytes(content)
        check(path)


@FEW
@given(content, st.sampled_from(OWN))
def test_any_bytes_in_a_file_of_ones_own(content: bytes, file: str) -> None:
    with TemporaryDirectory() as folder:
        path = place(folder, "mine", file)
        path.write_bytes(content)
        check(path)


# None below 1e-308, which a process that has trained reads as 0 (`pin`), and Hypothesis then refuses to draw.
floats = st.floats(allow_subnormal=False)
# Parquet and JSON hold values of any type, so that these fuzz the rows and not the bytes around them.
text = st.one_of(st.text(max_size=9), st.sampled_from(["a\nb", "\0", "_comma_", "", " ", "c", "1", "2"]))
values: Sequence[st.SearchStrategy[list[object]]] = [
    st.lists(st.one_of(st.none(), text.filter(lambda each: each.isprintable())), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), st.integers(-(2**31), 2**31 - 1)), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), floats, st.sampled_from([1.0, 2.0])), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), st.binary(max_size=4)), min_size=3, max_size=3),
    st.lists(st.lists(st.sampled_from(["a", "b"]), max_size=2), min_size=3, max_size=3),
]


@pytest.mark.parametrize("name", ["empathetic_dialogues", "openorca"])
@FEW
@given(st.data())
def test_any_values_in_parquet(name: str, data: st.DataObject) -> None:
    columns = {"empathetic_dialogues": COLUMNS, "openorca": openorca.COLUMNS}[name]
    odd = data.draw(st.dictionaries(st.sampled_from(columns), st.one_of(values), max_size=2))
    table = pa.table({column: ["1", "2", "3"] for column in columns} | odd)
    with TemporaryDirectory() as folder:
        path = place(folder, name, record_of(name).layouts[-1]["train"])
        pq.write_table(table, path)
        check(path, ", row ")


@FEW
@given(st.data())
def test_a_damaged_parquet(data: st.DataObject) -> None:
    table = pa.table({column: ["a", "b", "c"] for column in openorca.COLUMNS})
    with TemporaryDirectory() as folder:
        path = place(folder, "openorca", "1M-GPT4-Augmented.parquet")
        pq.write_table(table, path)
        whole = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(whole[: data.draw(st.integers(len(whole) - 20, len(whole)))])
        check(path)


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), floats, st.text(st.characters(), max_size=6), st.integers()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["from", "value", "role", "content", "text"]), inner, max_size=3),
    ),
    max_leaves=6,
)
objects = st.dictionaries(
    st.sampled_from(["text", "conversations", "messages", "instruction", "input", "output", "persona", "system"]),
    anything,
    max_size=4,
)


@FEW
@given(st.lists(objects, min_size=1, max_size=3), st.sampled_from(["mine.jsonl", "mine.json", ""]))
def test_any_values_in_json(rows: list[dict[str, object]], file: str) -> None:
    lines = json.dumps(rows) if file == "mine.json" else "\n".join(map(json.dumps, rows))
    name, file = ("mine", file) if file else ("openassistant_guanaco", "openassistant_best_replies_train.jsonl")
    with TemporaryDirectory() as folder:
        path = place(folder, name, file)
        path.write_text(lines, encoding="utf-8")
        check(path)
