from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attune.core.errors import AttuneError
from attune.corpora.empathetic_dialogues import COLUMNS, Dialogue, conversations, read, reply_rows
from attune.corpora.reading import BadRows

HEADER = ",".join(COLUMNS)
FIRST = "hit:0_conv:1,1,proud,I won_comma_ at last.,402,I won!,5|5|5_2|2|5,"
SECOND = 'hit:0_conv:1,2,proud,I won_comma_ at last.,35,"What_comma_ you,,'
OTHER = "hit:1_conv:2,1,sad,It rained.,1,It rained.,,<MISC>"
WHOLE = Dialogue("hit:0_conv:1", "proud", "I won, at last.", (0, 1, 0), ("I won!", '"What, you', "Me."))


def written(folder: Path, *rows: str, end: str = "\n") -> Path:
    path = folder / "train.csv"
    path.write_bytes("\n".join([HEADER, *rows]).encode() + end.encode())
    return path


def as_parquet(folder: Path, rows: list[str]) -> Path:
    path = folder / "0000.parquet"
    values = [row.split(",") for row in rows]
    columns = {name: [row[number] for row in values] for number, name in enumerate(COLUMNS)}
    for name in ("utterance_idx", "speaker_idx"):
        columns[name] = pa.array([int(value) for value in columns[name]], pa.int32())
    pq.write_table(pa.table(columns), path)
    return path


def test_rows_become_dialogues(tmp_path: Path) -> None:
    third = "hit:0_conv:1,3,proud,I won_comma_ at last.,402,Me.,,"
    path = written(tmp_path, third, FIRST, SECOND, OTHER)
    assert list(read(path, BadRows("error"))) == [
        WHOLE,
        Dialogue("hit:1_conv:2", "sad", "It rained.", (0,), ("It rained.",)),
    ]


def test_the_hubs_parquet_gives_the_same_dialogues(tmp_path: Path) -> None:
    rows = [FIRST, SECOND, "hit:0_conv:1,3,proud,I won_comma_ at last.,402,Me.,,", OTHER]
    bad = BadRows("error")
    assert list(read(as_parquet(tmp_path, rows), bad)) == list(read(written(tmp_path, *rows), bad))


@pytest.mark.parametrize("name", ["", ",candidates"])
@pytest.mark.parametrize(
    "candidates",
    ['Hi_comma_ there|No_pipe_way|"Me.|Me.', "Me.", "", "|".join(f"reply {number}" for number in range(100))],
)
def test_rows_of_the_original_valid_and_test_may_have_candidates_in_a_ninth_cell(
    tmp_path: Path, name: str, candidates: str
) -> None:
    third = f"hit:0_conv:1,3,proud,I won_comma_ at last.,402,Me.,5|5|5_2|2|5,,{candidates}"
    path = tmp_path / "valid.csv"
    path.write_text("\n".join([HEADER + name, FIRST, SECOND, third, f"{OTHER},{candidates}"]) + "\n")
    assert list(read(path, BadRows("error"))) == [
        WHOLE,
        Dialogue("hit:1_conv:2", "sad", "It rained.", (0,), ("It rained.",)),
    ]


def test_one_side_may_speak_twice(tmp_path: Path) -> None:
    rows = [f"c,{number},sad,s,{speaker},u{number},," for number, speaker in enumerate("0110", start=3)]
    (dialogue,) = read(written(tmp_path, *rows), BadRows("error"))
    assert dialogue.speakers == (0, 1, 1, 0)
    assert dialogue.utterances == ("u3", "u4", "u5", "u6")


@pytest.mark.parametrize(
    ("rows", "line", "message"),
    [
        (["c,1,sad,s,0,hello, you,,"], 2, "8 commas; expected 7"),
        (["c,1,sad,s,0,hello, you,5|5|5_2|2|5,"], 2, "8 commas; expected 7"),
        (["c,1,sad,in May, s,0,hello,5|5|5_2|2|5,"], 2, "8 commas; expected 7"),
        (["c,1,sad,s,0,hello,5|5|5_2|2|5,,Hi|Yo,no"], 2, "9 commas; expected 7"),
        (["c,1,sad,s,0,hell"], 2, "5 commas; expected 7"),
        (["c,one,sad,s,0,hello,,"], 2, "utterance_idx is 'one'; expected a whole number"),
        ([f"c,{'9' * 5000},sad,s,0,hello,,"], 2, "utterance_idx is '9+'; expected a whole number"),
        (["c,1,sad,s,0, ,,"], 2, "utterance is empty"),
        (["c,1,,s,0,hello,,"], 2, "context is empty"),
        ([",1,sad,s,0,hello,,"], 2, "conv_id is empty"),
        (
            ["c,2,sad,s,1,b,,", "c,3,sad,s,0,c,,"],
            2,
            "dialogue 'c' begins with the listener's utterance_idx 2; expected",
        ),
        (["c,1,sad,s,0,a,,", "c,1,sad,s,1,b,,"], 3, "utterance_idx 1 after 1; expected 2"),
        (["c,1,sad,s,0,a,,", "c,3,sad,s,1,b,,"], 3, "utterance_idx 3 after 1; expected 2"),
        (["c,1,sad,s,0,a,,", "c,2,sad,s,1,b,,", "c,3,sad,s,7,c,,"], 4, "a third speaker in dialogue 'c'"),
    ],
)
@pytest.mark.fault("a malformed dialogue", "file and line are named")
def test_malformed_dialogue(tmp_path: Path, rows: list[str], line: int, message: str) -> None:
    path = written(tmp_path, *rows, OTHER)
    with pytest.raises(AttuneError, match=rf"train\.csv, line {line}: .*{message}"):
        list(read(path, BadRows("error")))
    bad = BadRows("skip")
    assert [dialogue.conv_id for dialogue in read(path, bad)] == ["hit:1_conv:2"]
    assert bad.count == 1


@pytest.mark.fault("one dialogue's id twice", "file and line are named")
def test_a_dialogue_that_appears_a_second_time(tmp_path: Path) -> None:
    path = written(tmp_path, FIRST, OTHER, SECOND)
    with pytest.raises(AttuneError, match=r"train\.csv, line 4: dialogue 'hit:0_conv:1' appears a second time"):
        list(read(path, BadRows("error")))


@pytest.mark.parametrize("header", ["", "conv_id,utterance\n", "\n\n", f"{HEADER},candidates,more\n"])
def test_header(tmp_path: Path, header: str) -> None:
    path = tmp_path / "train.csv"
    path.write_text(header)
    with pytest.raises(AttuneError, match=r"train\.csv, line 1: the header is .*expected conv_id,utterance_idx"):
        list(read(path, BadRows("skip")))


@pytest.mark.fault("rows swallowed by a conversion to parquet", "they are seen and named")
def test_rows_that_the_conversion_swallowed_are_seen(tmp_path: Path) -> None:
    swallowed = "Oh\nhit:0_conv:1_2_proud"
    path = as_parquet(tmp_path, [OTHER, f"c,1,sad,s,0,{swallowed},,"])
    with pytest.raises(AttuneError, match=r"0000\.parquet, row 2: utterance holds a line break"):
        list(read(path, BadRows("error")))


@pytest.mark.parametrize(
    ("name", "cells", "message"),
    [
        ("utterance", [["It", "rained."], ["I won!"]], r"utterance is .*'It', 'rained\.'.*; expected text"),
        ("utterance", [0.5, 1.5], r"utterance is '0\.5'; expected text"),
        ("context", [1, 2], r"context is '1'; expected text"),
        ("speaker_idx", [1.0, 402.0], r"speaker_idx is '1\.0'; expected text or a whole number"),
    ],
)
@pytest.mark.fault("parquet whose {name} is not text", "row and column are named")
def test_parquet_of_other_types(tmp_path: Path, name: str, cells: list[object], message: str) -> None:
    path = as_parquet(tmp_path, [OTHER, FIRST])
    table = pq.read_table(path)
    pq.write_table(table.set_column(COLUMNS.index(name), name, pa.array(cells)), path)
    with pytest.raises(AttuneError, match=rf"0000\.parquet, row 1: {message}"):
        list(read(path, BadRows("error")))
    bad = BadRows("skip")
    assert (list(read(path, bad)), bad.count) == ([], 2)


@pytest.mark.fault("parquet without a column", "the column is named")
def test_parquet_without_a_column(tmp_path: Path) -> None:
    path = tmp_path / "0000.parquet"
    pq.write_table(pa.table({"conv_id": ["c"]}), path)
    with pytest.raises(AttuneError, match=r"0000\.parquet has no column utterance_idx, context"):
        list(read(path, BadRows("skip")))


field = st.text(
    st.characters(exclude_characters="\n\ufeff", exclude_categories=["Cs"]), min_size=1, max_size=20
).filter(lambda text: text.strip() == text and "_comma_" not in text)


@given(field, field, st.lists(st.tuples(st.sampled_from([0, 1]), field), min_size=1, max_size=6))
@pytest.mark.fault("any text at all in EmpatheticDialogues (fuzz)", "it is read back as it was")
def test_any_text_survives_the_format(
    tmp_path_factory: pytest.TempPathFactory, emotion: str, situation: str, turns: list[tuple[int, str]]
) -> None:
    def cell(text: str) -> str:
        return text.replace(",", "_comma_")

    rows = [
        f"c,{number},{cell(emotion)},{cell(situation)},{speaker + 5},{cell(text)},,"
        for number, (speaker, text) in enumerate(turns, start=1)
    ]
    (dialogue,) = read(written(tmp_path_factory.mktemp("ed"), *rows), BadRows("error"))
    first = turns[0][0]
    assert dialogue == Dialogue(
        "c",
        emotion,
        situation,
        tuple(int(speaker != first) for speaker, _ in turns),
        tuple(text for _, text in turns),
    )


def test_published_counts(real_corpora: Path) -> None:
    counts = {}
    for split in ("train", "valid", "test"):
        lengths = [
            len(dialogue.utterances)
            for dialogue in read(real_corpora / f"empathetic_dialogues/{split}.csv", BadRows("error"))
        ]
        counts[split] = (sum(lengths), len(lengths))
    assert counts == {"train": (73838, 17139), "valid": (12046, 2762), "test": (10413, 2413)}


def test_genuine_rows(real_formats: Path) -> None:
    (dialogue,) = read(real_formats / "empathetic_dialogues/valid.csv", BadRows("error"))
    assert dialogue.emotion == "sentimental"
    assert dialogue.speakers == (0, 1)
    assert dialogue.utterances == ("This was a best friend. I miss her.", "Where has she gone?")
    assert "There was a lot of people, but it only felt" in dialogue.situation


def test_dialogues_that_nobody_answers_are_left_out_and_counted(tmp_path: Path) -> None:
    alone = ["c,1,sad,s,0,a,,", "c,2,sad,s,0,b,,"]
    bad, path = BadRows("error"), written(tmp_path, FIRST, SECOND, OTHER, *alone)
    assert len(list(read(path, bad))) == 3
    assert [bool(reply_rows(each)) for each in conversations(path, bad)] == [True]
    assert bad.without_a_reply == 2


def test_a_reply_is_a_listener_turn_after_a_speaker_turn_and_never_in_its_own_input() -> None:
    dialogue = {
        "conv_id": "c1",
        "emotion": "proud",
        "situation": "I passed.",
        "speakers": [0, 1, 0, 0, 1, 1],
        "utterances": ["u0", "u1", "u2", "u3", "u4", "u5"],
    }
    rows = reply_rows(dialogue)
    assert [(row["turn"], row["history"], row["input"], row["target"]) for row in rows] == [
        (1, [], "u0", "u1"),
        (4, ["u0", "u1", "u2"], "u3", "u4"),
    ]
    assert {row["context"] for row in rows} == {"proud"}
    assert {row["situation"] for row in rows} == {"I passed."}
