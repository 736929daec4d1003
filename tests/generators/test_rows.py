from dataclasses import replace
from pathlib import Path

import pytest

from attune.core.files import write_parquet
from attune.corpora import CORPORA, ranking_corpus, record_of
from attune.generators import rows
from attune.generators.encoded import Encoded, Joined
from attune.generators.encoding import Room, encode_all
from attune.generators.held_out import opening
from attune.generators.prompts import examples
from attune.generators.rows import (
    StoredExamples,
    are_tokenised,
    count_rows,
    encoded,
    joined,
    last_of_chains,
    some_without_passages,
    write_rows,
)
from tests.generators.tiny import CHAT, END, dialogue_rows, tokenizer

WORDS = tokenizer()
EXAMPLES = examples(dialogue_rows())


def test_rows_come_back_from_the_file_as_they_were_encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_AT_ONCE", 5)  # several batches, the last one short
    mapped = write_rows(tmp_path / "rows.arrow", iter(EXAMPLES), WORDS, Room(48))
    wanted = [Encoded(row.id, row.prompt, row.reply) for row in encode_all(EXAMPLES, WORDS, Room(48))]
    assert [encoded(row) for row in mapped] == wanted
    assert mapped["length"][:] == [row.length for row in wanted]
    assert mapped["conversation"][:] == [example.conversation for example in EXAMPLES]
    assert mapped["opening"][:] == [opening(example) for example in EXAMPLES]
    assert [encoded(row) for row in mapped.select([3, 1])] == [wanted[3], wanted[1]]
    assert [path.name for path in tmp_path.iterdir()] == ["rows.arrow"]
    assert {file["filename"] for file in mapped.cache_files} == {str(tmp_path / "rows.arrow")}  # mapped, not read


@pytest.mark.fault("replies longer than max_length allows", "the log counts them")
def test_replies_that_lose_their_end_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    some = [EXAMPLES[0], replace(EXAMPLES[1], reply="I am so sorry. " * 50)]
    write_rows(tmp_path / "rows.arrow", some, WORDS, Room(80))
    assert capsys.readouterr().out == "1 of 2 replies are longer than max_length allows and lose their end\n"
    write_rows(tmp_path / "rows.arrow", some[:1], WORDS, Room(80))
    assert capsys.readouterr().out == ""


def test_examples_are_streamed_from_parquet(tmp_path: Path) -> None:
    write_parquet(tmp_path / "train.parquet", dialogue_rows(), record_of("empathetic_dialogues").schemas.rows)
    assert list(StoredExamples(tmp_path / "train.parquet", "", 0)) == EXAMPLES
    assert count_rows(tmp_path / "train.parquet") == len(EXAMPLES)


def test_text_in_the_place_of_pec_alone_is_known_to_be_tokenised(tmp_path: Path) -> None:
    for record in (*CORPORA.values(), record_of("mine")):
        path = tmp_path / f"{record.name}.parquet"
        write_parquet(path, [], record.schemas.rows)
        assert are_tokenised(path) == (record.name == ranking_corpus().name)


def test_half_of_the_conversations_lose_their_passages() -> None:
    given = [
        replace(EXAMPLES[0], id=f"row {number}", conversation=f"conversation {number // 2}", passages=("a", "b"))
        for number in range(400)
    ]
    found = list(some_without_passages(given, seed=1))
    assert [each.id for each in found] == [each.id for each in given]
    assert {each.passages for each in found} == {("a", "b"), ()}
    assert 75 < sum(not each.passages for each in found[::2]) < 125
    assert [each.passages for each in found[::2]] == [each.passages for each in found[1::2]]
    assert found == list(some_without_passages(given, seed=1))
    assert found != list(some_without_passages(given, seed=2))
    alone = [next(some_without_passages([each], seed=1)) for each in given]
    assert alone == found  # whatever else is read


def test_a_conversation_s_last_row_stands_for_those_that_it_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "_AT_ONCE", 3)  # a conversation's two rows in two batches
    words = tokenizer()
    words.chat_template = CHAT.replace("\n", END)
    given = EXAMPLES[:8]
    given[1] = replace(given[1], history=())  # continues nothing
    given[3] = replace(given[3], conversation="another")  # continues a row of another conversation
    mapped = write_rows(tmp_path / "rows.arrow", given, words, Room(64))
    wanted = encode_all(given, words, Room(64))
    assert wanted[3].continues(wanted[2])
    kept = last_of_chains(mapped, range(8))
    assert kept == [0, 1, 2, 3, 5, 7]
    found = [joined(row) for row in mapped.select(kept)]
    assert found[:4] == [Joined.of([row]) for row in wanted[:4]]
    assert found[4:] == [Joined.of(wanted[4:6]), Joined.of(wanted[6:8])]
    assert last_of_chains(mapped, [6, 7, 2, 4, 5]) == [7, 2, 5]
    assert last_of_chains(mapped, [4, 6]) == [4, 6]  # not followed by the row that continues it
