import csv
import json
import re
import tracemalloc
import unicodedata
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from attune.chat.validation import persona_sentences
from attune.core.errors import AttuneError
from attune.core.files import read_json
from attune.core.people import ASKS, REPLIES, UNNAMED
from attune.corpora import raw_corpus
from attune.corpora.empathetic_dialogues import EMPATHETIC_DIALOGUES
from attune.corpora.own import OWN, opening, response_rows
from attune.corpora.pec import PEC
from attune.corpora.reading import BadRows
from attune.parameters.data import OwnData
from attune.sources.fetching import fetch
from attune.sources.own_data import conversations, write
from tests.git_lfs import POINTER

SHAREGPT = {
    "conversations": [
        {"from": "system", "value": "Be brief."},
        {"from": "human", "value": "Hello."},
        {"from": "gpt", "value": "Hi!"},
        {"from": "human", "value": "I am sad."},
        {"from": "human", "value": "Very."},
        {"from": "gpt", "value": "Why?"},
        {"from": "human", "value": "No idea."},
    ]
}


PAIR: dict[Any, str] = {"context": "a", "response": "b"}
WHO = PAIR | {"persona": "c"}


def lines(path: Path, *rows: Any) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def read(path: str, columns: Any = None, policy: Any = "error") -> list[dict[str, Any]]:
    return list(conversations([Path(path)], columns, BadRows(policy)))


def test_sharegpt_is_recognised_and_ends_with_an_answer(tmp_path: Path) -> None:
    (conversation,) = read(lines(tmp_path / "a.jsonl", SHAREGPT))
    assert conversation["system"] == "Be brief."
    assert conversation["speakers"] == [ASKS, REPLIES, ASKS, REPLIES]
    assert conversation["utterances"] == ["Hello.", "Hi!", "I am sad.\nVery.", "Why?"]
    first, second = response_rows(conversation, False)
    assert (first["context"], first["response"]) == (["Hello."], "Hi!")
    assert (second["context"], second["response"]) == (["Hello.", "Hi!", "I am sad.\nVery."], "Why?")


@pytest.mark.parametrize(
    ("column", "system"), [("", "Be brief."), ("Be brief.", "Be brief."), ("You are Ann.", "You are Ann.\nBe brief.")]
)
def test_an_instruction_in_a_column_goes_before_that_of_a_turn(tmp_path: Path, column: str, system: str) -> None:
    (conversation,) = read(lines(tmp_path / "a.jsonl", SHAREGPT | {"system": column}))
    assert conversation["system"] == system


def test_messages_and_alpaca_are_recognised(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hi!"}]
    (chat,) = read(lines(tmp_path / "a.jsonl", {"messages": messages}))
    (tmp_path / "b.json").write_text(json.dumps([{"instruction": "Add.", "input": "1, 2", "output": "3"}]))
    (task,) = read(str(tmp_path / "b.json"))
    assert [each["utterances"] for each in (chat, task)] == [["Hello.", "Hi!"], ["Add.\n\n1, 2", "3"]]


def test_columns_of_other_names_are_mapped_alike_in_csv_jsonl_and_parquet(tmp_path: Path) -> None:
    row = {"said": "My cat, Tom, ran away.", "reply": 'He said "no".', "who": "i love cats .\ni sing .", "mood": "sad"}
    columns = {"context": "said", "response": "reply", "persona": "who", "emotion": "mood"}
    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8-sig") as stream:
        writer = csv.DictWriter(stream, row)
        writer.writeheader()
        writer.writerow(row)
    pd.DataFrame([row]).to_parquet(tmp_path / "a.parquet")
    lines(tmp_path / "a.jsonl", row | {"who": ["i love cats .", "i sing ."], "said": [row["said"]]})
    read_rows = [read(str(tmp_path / f"a.{suffix}"), columns) for suffix in ("csv", "jsonl", "parquet")]
    assert read_rows[0] == read_rows[1] == read_rows[2]
    ((conversation,), *_) = read_rows
    assert conversation["personas"] == ["i love cats .", "i sing ."]
    assert (conversation["emotion"], conversation["utterances"]) == ("sad", [row["said"], row["reply"]])


def test_turns_without_speakers_alternate_and_end_with_the_response(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"t": ["a", "b", "c"]}, {"t": "d\ne"})
    first, second = read(path, {"turns": "t"})
    assert first["speakers"] == [REPLIES, UNNAMED, REPLIES]
    assert opening(first) == "a"  # a thread's first post, of which the next may be an answer
    assert [row["response"] for row in response_rows(first, False)] == ["c"]
    assert second["utterances"] == ["d", "e"]


@pytest.mark.parametrize("content", ["q;a\r\nhello, you;hi\r\n", "q\ta\nhello, you\thi\n", 'q, a\n"hello, you", hi\n'])
@pytest.mark.parametrize("name", ["a.csv", "A.CSV"])
def test_a_spreadsheet_s_separators_are_those_of_the_header(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8-sig", newline="")
    (conversation,) = read(str(tmp_path / name), {"context": "q", "response": "a"})
    assert conversation["utterances"] == ["hello, you", "hi"]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ('q;a;"said, in, so, many, words"', "Hi.;Hello.;x"),
        ('"note, that has\ntwo lines";q;a', "x;Hi.;Hello."),
        ('q\t"a"\t"x;y;z;u"', "Hi.\tHello.\tx"),
        ("q;a;left,middle,right,end", "Hi.;Hello.;x"),
        ('"x;y;z;u;v",q,a', "x,Hi.,Hello."),
    ],
)
def test_a_separator_inside_of_a_name_divides_nothing(tmp_path: Path, header: str, row: str) -> None:
    (tmp_path / "a.csv").write_text(f"{header}\n{row}\n", encoding="utf-8-sig")
    (conversation,) = read(str(tmp_path / "a.csv"), {"context": "q", "response": "a"})
    assert conversation["utterances"] == ["Hi.", "Hello."]


def test_a_known_shape_is_seen_through_a_separator_inside_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("instruction,output,Rating (1; 2; 3; 4)\nHi.,Hello.,1\n")
    assert read(str(tmp_path / "a.csv"))[0]["utterances"] == ["Hi.", "Hello."]


def test_text_that_is_a_list_of_numbers_stays_text(tmp_path: Path) -> None:
    (task,) = read(lines(tmp_path / "a.jsonl", {"instruction": "[3, 1, 2]", "input": "", "output": "[1, 2, 3]"}))
    assert task["utterances"] == ["[3, 1, 2]", "[1, 2, 3]"]


@pytest.mark.parametrize("key", ["turns", "persona", "context"])
@pytest.mark.parametrize(
    "printed",
    [
        "[{'role': 'user', 'content': 'Hi.'},\n {'role': 'assistant', 'content': 'Hello.'}]",
        "['I sing.' 'I swim.'\n 'I run.']",
        ' [\n"I sing.", "I swim." "I run."] ',
    ],
)
@pytest.mark.fault("a list that is printed and not written as JSON", "refused, since nobody said it")
def test_a_printed_list_is_not_taken_for_text(tmp_path: Path, key: str, printed: str) -> None:
    path = lines(tmp_path / "a.jsonl", {"t": printed, "q": "Hi.", "a": "Hello."})
    columns = {"turns": "t"} if key == "turns" else {"context": "q", "response": "a"} | {key: "t"}
    with pytest.raises(AttuneError, match=rf"line 1: {key} is .*; a list must be JSON, with double quotes"):
        read(path, columns)


@pytest.mark.parametrize("first", ["[sighs] I lost my job.", '["Crying"] I lost it.', "[{name}] I am.", "['Tis so."])
def test_lines_that_begin_with_a_bracket_stay_text(tmp_path: Path, first: str) -> None:
    path = lines(tmp_path / "a.jsonl", {"t": f"{first}\nOh no [hugs]"})
    assert read(path, {"turns": "t"})[0]["utterances"] == [first, "Oh no [hugs]"]


@pytest.mark.parametrize(
    ("row", "columns", "message"),
    [
        (
            {"a": "x", "b": "y"},
            {"context": "a", "response": "c"},
            "a.jsonl has no column 'c' for response; it has a, b",
        ),
        ({"a": "x", "b": "y"}, None, "has the columns a, b, of no known shape"),
        ({"a": "x", "b": ""}, {"context": "a", "response": "b"}, "line 1: a turn is empty"),
        ({"a": 3, "b": "y"}, {"context": "a", "response": "b"}, "line 1: context is '3'; expected a text"),
        (
            {"conversations": [{"from": "narrator", "value": "x"}]},
            None,
            "a response to it by human, user, prompter",
        ),
        ({"conversations": [{"from": "gpt", "value": "x"}]}, None, "line 1: no turn with an answer"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, None, "line 1: a turn holds half of a surrogate pair"),
        ({"messages": [{"role": "\ud800", "content": "x"}]}, None, "line 1: a speaker holds half of a surrogate pair"),
        ({"t": ["x", "\ud800"]}, {"turns": "t"}, "line 1: a turn holds half of a surrogate pair"),
        ({"a": "x", "b": "y", "c": ["\ud800"]}, WHO, "line 1: persona holds half of a surrogate pair"),
        (
            {"a": "x", "b": "y", "c": "z" * 300},
            PAIR | {"domain": "c"},
            "zz'; expected a name of at most 40 letters, digits and underscores",
        ),
        (
            {"a": "x", "b": "y", "c": ""},
            PAIR | {"conversation": "c"},
            "line 1: conversation is empty; expected a text or",
        ),
        *(
            (
                {"a": "x", "b": "y", "c": cell},
                PAIR | {"conversation": "c"},
                f"line 1: conversation is '{cell}'; expected a text or a whole number that all of its rows have",
            )
            for cell in ([3], 1.5, float("nan"))
        ),
        ({"a": "x", "b": "y", "c": [3]}, WHO, "line 1: persona is '3'; expected text"),
        (["x"], None, "line 1: '[\"x\"]' is no object"),
    ],
)
@pytest.mark.fault("rows of one's own data that do not fit", "line and column are named")
def test_what_does_not_fit_is_refused_with_its_place(tmp_path: Path, row: Any, columns: Any, message: str) -> None:
    place = PEC.own if "domain" in (columns or ()) else OWN
    assert place is not None
    path = lines(tmp_path / "a.jsonl", row)
    with pytest.raises(AttuneError) as raised:
        list(conversations([Path(path)], columns, BadRows("error"), place))
    assert message in str(raised.value)


def test_malformed_rows_can_be_left_out(tmp_path: Path) -> None:
    bad = BadRows("skip")
    path = lines(tmp_path / "a.jsonl", {"a": "x", "b": ""}, {"a": "x", "b": "y"})
    assert len(list(conversations([Path(path)], {"context": "a", "response": "b"}, bad))) == bad.count == 1


@pytest.mark.parametrize(
    ("name", "content", "torn"),
    [
        ("a.jsonl", '{"a": "x", "b": "y"}\n{"a": "x", \n["x", "y"]\n{"a": "u", "b": "v"}\n', 2),
        ("a.json", '{"a": "x", "b": "y"}\n{"a": "x", \n{"a": "u", "b": "v"}\n', 1),
        ("a.json", '\n{"a": "x", \n{"a": "x", "b": "y"}\n{"a": "u", "b": "v"}\n', 1),
        ("a.csv", "a,b\nx,y\nx,y,z\nx\nu,v\n", 2),
    ],
)
@pytest.mark.fault("torn rows in one's own data", "left out and counted in the manifest, if so asked")
def test_torn_rows_are_left_out_and_counted_in_the_manifest(tmp_path: Path, name: str, content: str, torn: int) -> None:
    (tmp_path / name).write_text(content)
    entry, target = OwnData(path=str(tmp_path / name), columns=PAIR), tmp_path / "raw"
    fetch(raw_corpus("mine", own=True), "sample", target, entry, "skip", 13)
    manifest = read_json(target / "manifest.json")
    assert (manifest["bad_rows"], manifest["files"][0]["rows"]) == (torn, 2)
    with pytest.raises(AttuneError, match=rf"{name}, (line|row) .*`on_bad_row: skip` counts such rows"):
        fetch(raw_corpus("mine", own=True), "sample", target, entry, "error", 13)


@pytest.mark.parametrize(("name", "place"), [("a.jsonl", "line 4"), ("a.json", "row 2")])
def test_blank_lines_count_where_a_line_is_named_and_not_where_a_row_is(tmp_path: Path, name: str, place: str) -> None:
    (tmp_path / name).write_text('{"a": "x", "b": "y"}\n\n\n{"a": "x", \n')
    with pytest.raises(AttuneError, match=rf"{name}, {place}: not JSON"):
        list(conversations([tmp_path / name], PAIR, BadRows("error")))


def test_lines_in_a_file_called_json_are_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("".join(json.dumps({"a": f"{number} {'x' * 10_000}", "b": "y"}) + "\n" for number in range(400)))
    tracemalloc.start()
    count = sum(1 for _ in conversations([path], PAIR, BadRows("error")))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (count, path.stat().st_size) > (399, 4_000_000)
    assert peak < 1_000_000


@pytest.mark.parametrize("cell", ["I teach. Dr. Ho is my boss!\nI ski", ["I teach. Dr. Ho is my boss!", "I ski"]])
def test_a_persona_that_is_a_paragraph_is_split_as_on_the_chat_page(tmp_path: Path, cell: str | list[str]) -> None:
    (conversation,) = read(lines(tmp_path / "a.jsonl", {"a": "x", "b": "y", "c": cell}), WHO)
    said = cell if isinstance(cell, str) else "\n".join(cell)
    assert conversation["personas"] == ["I teach.", "Dr. Ho is my boss!", "I ski"] == [*persona_sentences(said)]


def test_what_the_first_row_lacks_is_not_dropped_from_the_others(tmp_path: Path) -> None:
    rows = [{"instruction": "Hi.", "output": "Hello."}, {"instruction": "Add.", "input": "1, 2", "output": "3"}]
    first, second = read(lines(tmp_path / "a.jsonl", *rows))
    assert [first["utterances"][0], second["utterances"][0]] == ["Hi.", "Add.\n\n1, 2"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "list.json"])
def test_the_first_row_may_lack_what_others_have(tmp_path: Path, name: str) -> None:
    rows = [{"a": "x", "b": "y"}, {"a": "u", "b": "v", "c": ["I sing."]}]
    path = lines(tmp_path / name, *([rows] if name == "list.json" else rows))
    assert [each["personas"] for each in read(path, WHO)] == [[], ["I sing."]]
    with pytest.raises(AttuneError, match="has no column 'd' for persona; it has a, b, c"):
        read(path, PAIR | {"persona": "d"})


def test_one_of_several_files_of_json_may_lack_what_others_have(tmp_path: Path) -> None:
    rows = [{"a": "x", "b": "y"}, {"a": "u", "b": "v", "c": ["I sing."]}]
    paths = [Path(lines(tmp_path / f"{number}.jsonl", row)) for number, row in enumerate(rows)]
    found = list(conversations(paths, WHO, BadRows("error")))
    assert [each["personas"] for each in found] == [[], ["I sing."]]
    with pytest.raises(AttuneError, match=r"0\.jsonl has no column 'd' for persona; it has a, b"):
        list(conversations(paths, PAIR | {"persona": "d"}, BadRows("error")))
    with pytest.raises(AttuneError, match=r"0\.jsonl has no column 'c' for response; it has a, b"):
        list(conversations(paths, {"context": "a", "response": "c"}, BadRows("error")))
    felt = EMPATHETIC_DIALOGUES.own
    assert felt is not None
    with pytest.raises(AttuneError, match=r"0\.jsonl has no column 'c' for emotion; it has a, b"):
        list(conversations(paths, PAIR | {"emotion": "c"}, BadRows("error"), felt))


def test_a_whole_number_is_one_conversation_however_it_is_written(tmp_path: Path) -> None:
    """As where one file has missing numbers, which pandas then writes as 1.0, and another has none."""
    rows = [{"a": "x", "b": "y", "c": cell} for cell in (1, 1.0, "1", 2)]
    parts = [row["conversation"] for row in read(lines(tmp_path / "a.jsonl", *rows), PAIR | {"conversation": "c"})]
    assert len({*parts[:3]}) == 1
    assert parts[3] != parts[0]


@pytest.mark.fault("a parquet file of several without a column", "file, column and ways on are named")
def test_one_of_several_parquet_files_without_a_named_column_says_which(tmp_path: Path) -> None:
    tables = [{"a": ["x"], "b": ["y"]}, {"a": ["u"], "b": ["v"], "c": ["I sing."]}]
    paths = [tmp_path / f"{number}.parquet" for number in range(2)]
    for path, table in zip(paths, tables, strict=True):
        pq.write_table(pa.table(table), path)
    start = "0.parquet of the dataset has no column 'c' for persona, and another of its files has; leave persona out"
    with pytest.raises(AttuneError) as raised:
        list(conversations(paths, WHO, BadRows("skip")))
    assert str(raised.value).startswith(start)
    assert str(paths[0]) in str(raised.value)
    assert len(list(conversations(paths, PAIR, BadRows("error")))) == 2


@pytest.mark.parametrize(
    ("name", "cell"), [("emotion", 3), ("system", ["Be brief."]), ("persona", {"age": 3}), ("persona", ["I sing.", 3])]
)
@pytest.mark.fault("a column of a known shape's file that is no text, and that nobody named", "the way on is named")
def test_what_is_read_unasked_says_how_it_is_left_out(tmp_path: Path, name: str, cell: Any) -> None:
    path = lines(tmp_path / "a.jsonl", {"instruction": "Hi?", "input": "Now?", "output": "Hello.", name: cell})
    with pytest.raises(AttuneError, match=rf"line 1: {name} is .*; expected text, since a file") as raised:
        read(path)
    (columns,) = re.findall("`columns: (.*?)`", str(raised.value))
    entry = OwnData.model_validate({"path": path, "columns": YAML(typ="safe").load(columns)})
    assert [each["utterances"] for each in read(path, entry.columns)] == [["Hi?\n\nNow?", "Hello."]]


def test_what_is_named_to_leave_a_column_out_is_valid_beside_turns_too(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Hello."}]
    path = lines(tmp_path / "a.jsonl", {"conversations": turns, "input": "Now?", "emotion": 3})
    with pytest.raises(AttuneError, match="line 1: emotion is ") as raised:
        read(path)
    (columns,) = re.findall("`columns: (.*?)`", str(raised.value))
    entry = OwnData.model_validate({"path": path, "columns": YAML(typ="safe").load(columns)})
    assert [each["utterances"] for each in read(path, entry.columns)] == [["Hi?", "Hello."]]


def test_a_key_of_a_later_row_does_not_change_the_shape_of_all(tmp_path: Path) -> None:
    rows = [{"instruction": "Hi?", "output": "Hello."}, {"instruction": "Hm?", "output": "Yes.", "messages": []}]
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [each["utterances"] for each in read(str(path))] == [["Hi?", "Hello."], ["Hm?", "Yes."]]


def test_turns_one_per_line_end_at_line_breaks_alone(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"t": "one\u2028two\x0cthree\r\nfour\rfive\nsix\n"})
    (conversation,) = read(path, {"turns": "t"})
    assert conversation["utterances"] == ["one\u2028two\x0cthree", "four", "five", "six"]


def test_line_breaks_of_any_system_make_the_same_conversation(tmp_path: Path) -> None:
    columns = PAIR | {"emotion": "c"}
    rows = [{"a": f"one{end}two", "b": f"three{end}{end}four", "c": f"so{end}so"} for end in ("\n", "\r\n", "\r")]
    turns = [
        {"messages": [{"role": "user", "content": row["a"]}, {"role": "assistant", "content": row["b"]}]}
        for row in rows
    ]
    for same in (read(lines(tmp_path / "a.jsonl", *rows), columns), read(lines(tmp_path / "b.jsonl", *turns))):
        assert same[0] == same[1] == same[2]
        assert same[0]["utterances"] == ["one\ntwo", "three\n\nfour"]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"t": ["I sing.", "Hi.", "Hello."]}, {"t": ["Hi.", "Hello."], "who": ["I sing."]}),
        ({"t": ["Hi.", "Hello."], "who": ["I sing."]}, {"t": ["Hi.", "Hello."], "what": "I sing."}),
        ({"t": ["Hi.", "Hello.", "emotion: sad"]}, {"t": ["Hi.", "Hello."], "mood": "sad"}),
    ],
)
@pytest.mark.fault("rows of the same text in other columns", "other conversations")
def test_the_same_text_as_something_else_is_another_conversation(
    tmp_path: Path, left: dict[str, Any], right: dict[str, Any]
) -> None:
    columns = {"turns": "t", "persona": "who", "system": "what", "emotion": "mood"}
    rest = {"who": None, "what": "", "mood": ""}
    first, second = read(lines(tmp_path / "a.jsonl", rest | left, rest | right), columns)
    assert first["id"] != second["id"]


def test_accents_in_one_character_or_two_make_the_same_conversation(tmp_path: Path) -> None:
    columns = PAIR | {"emotion": "c", "persona": "d"}
    row = {"a": "Où ?", "b": "À l'été.", "c": "gêné", "d": ["J'ai un frère."]}
    texts = [unicodedata.normalize(form, json.dumps(row, ensure_ascii=False)) for form in ("NFC", "NFD")]
    assert texts[0] != texts[1]
    composed, decomposed = read(lines(tmp_path / "a.jsonl", *map(json.loads, texts)), columns)
    assert composed == decomposed
    assert composed["utterances"] == ["Où ?", "À l'été."]


def test_other_columns_of_parquet_may_hold_anything(tmp_path: Path) -> None:
    times = pa.array([1, 10**18], pa.timestamp("ns"))  # Python's have microseconds
    pq.write_table(pa.table({"a": ["x", "u"], "b": ["y", "v"], "at": times}), tmp_path / "a.parquet")
    assert [each["utterances"] for each in read(str(tmp_path / "a.parquet"), PAIR)] == [["x", "y"], ["u", "v"]]
    with pytest.raises(AttuneError, match="has no column 'c' for context; it has a, b, at"):
        read(str(tmp_path / "a.parquet"), {"context": "c", "response": "d"})
    with pytest.raises(AttuneError, match="has the columns a, b, at, of no known shape"):
        read(str(tmp_path / "a.parquet"))


@pytest.mark.fault("a date beyond the year 9999 in parquet", "file and row are named")
def test_a_date_that_python_has_not_is_named_by_its_row(tmp_path: Path) -> None:
    said = [
        [{"role": role, "content": role, "on": day} for role in ("user", "assistant")] for day in (0, 0, 10_000_000)
    ]
    turn = pa.struct({"role": pa.string(), "content": pa.string(), "on": pa.date32()})
    pq.write_table(pa.table({"messages": pa.array(said, pa.list_(turn))}), tmp_path / "a.parquet")
    with pytest.raises(
        AttuneError, match=r"a\.parquet, row 3: a value that cannot be read \(date value .*; write dates"
    ):
        read(str(tmp_path / "a.parquet"))


def test_empty_columns_of_a_spreadsheet_are_no_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,,\nx,y,,\n")
    (conversation,) = read(str(tmp_path / "a.csv"), PAIR)
    assert conversation["utterances"] == ["x", "y"]


def test_a_row_of_a_list_is_not_called_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"a": "x", "b": "y"}, {"a": "x", "b": ""}], indent=2))
    with pytest.raises(AttuneError, match=r"a\.json, row 2: a turn is empty"):
        read(str(tmp_path / "a.json"), PAIR)


@pytest.mark.fault("conversations in data/raw that are damaged", "the line is named")
def test_a_damaged_copy_is_named(tmp_path: Path) -> None:
    record, entry = raw_corpus("mine", own=True), OwnData(path=lines(tmp_path / "a.jsonl", SHAREGPT))
    write(record, entry, tmp_path, BadRows("error"))
    path = tmp_path / "conversations.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(AttuneError, match=r"conversations\.jsonl, line 1 is damaged .*`dvc checkout` brings it back"):
        list(record.read(path, BadRows("error")))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"a,b\nx\n", "line 2: not the 2 cells of the header"),
        ("a.csv", b'a,b\n"x\ny",z\n\n"u\nv\nw"\n', "line 5: not the 2 cells of the header"),
        ("a.csv", b'a,b\n"x\ny",z\n\n"u\nv\nw",\n', "line 5: a turn is empty"),
        ("a.csv", b'a,b\nx,y\n"u,v\n\n', "a.csv, in the row that begins on line 3: unexpected end of data"),
        ("a.json", b'{"a": "x", "b": "y"}\n\n{"a": "x"}\n', "a.json, row 2: a turn is empty"),
        (
            "a.csv",
            b"a,b\nx,\xff\n",
            "a.csv, line 2: byte 3 of the line, 0xff, is not UTF-8; convert it to UTF-8 (by `iconv",
        ),
        ("a.csv", b"a,b\n" + b"xx,yy\n" * 9000 + b"z,\xe4\n", "a.csv, line 9002: byte 3 of the line, 0xe4, is not"),
        ("a.csv", b"\na,b\nx,y\n", "a.csv, line 1 is empty; it must name the columns"),
        (
            "a.csv",
            b'a,b\n"x "y" z",u\n',
            "a.csv, in the row that begins on line 2: ',' expected after '\"'; put quotes around",
        ),
        ("a.csv", b"a,b,a\nx,y,z\n", "names a column twice (a, b, a)"),
        ("a.csv", POINTER.encode(), "is a Git LFS pointer"),
        ("a.json", POINTER.encode(), "is a Git LFS pointer"),
        ("a.parquet", POINTER.encode(), "is a Git LFS pointer"),
        ("a.csv", b"<!DOCTYPE html>", "is a web page (HTML)"),
        ("a.json", '[{"a": "x", "b": "y"}]'.encode("utf-16"), "a.json is in UTF-16; convert it by `iconv -f utf-16 -t"),
        ("a.jsonl", '{"a": "x", "b": "y"}'.encode("utf-16-le"), "is in UTF-16; convert it by `iconv -f utf-16le -t"),
        ("a.parquet", b"PAR1", "is not a complete parquet file"),
        ("a.json", b"{}", "must hold a list of objects"),
        ("a.json", b"", "must hold a list of objects"),
        ("a.json", b'{"data":\n[]}', "must hold a list of objects"),
        ("a.json", b' [["x", "y"]]', "must hold a list of objects"),
        ("a.txt", b"", "has the suffix '.txt'; it must be one of .csv, .jsonl, .json, .parquet"),
    ],
)
@pytest.mark.fault("files of one's own data that cannot be read", "the file and why are named")
def test_files_that_cannot_be_read_are_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AttuneError) as raised:
        read(str(tmp_path / name), {"context": "a", "response": "b"})
    assert message in str(raised.value)
    with pytest.raises(AttuneError, match=r"nowhere\.csv does not exist"):
        read("nowhere.csv")
    with pytest.raises(AttuneError, match=rf"{tmp_path} is a folder; a corpus' path names a file of \.csv, "):
        read(str(tmp_path))


def test_the_reply_s_own_words_about_itself_are_no_persona_unless_they_are_kept() -> None:
    conversation = {
        "id": "x", "system": "", "emotion": "", "personas": ["I love tea.", "I ski."], "speakers": [ASKS, REPLIES] * 2,
        "utterances": ["Tea?", "Yes, I love tea!", "And snow?", "No."],
    }  # fmt: skip
    given = [(row["personas"], row["dropped_personas"]) for row in response_rows(conversation, True)]
    assert given == [(["I ski."], 1), (["I love tea.", "I ski."], 0)]
    kept = [(row["personas"], row["dropped_personas"]) for row in response_rows(conversation, False)]
    assert kept == [(["I love tea.", "I ski."], 0)] * 2
