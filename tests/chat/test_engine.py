import asyncio
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from attune.chat.answers import Answer
from attune.chat.artifacts import Places
from attune.chat.engine import Talker
from attune.chat.validation import LONGEST_MESSAGE, checked, decoding_of, sentences, short_enough
from attune.core.errors import AttuneError
from attune.core.files import read_parquet, write_parquet
from attune.corpora.schemas import REPLIES
from attune.generators.prompts import DIALOGUE, Example
from attune.inference.generator import loaded
from attune.parameters import load
from tests.chat.made import SYSTEMS

FREE = decoding_of(0.9, 30, 0.95)
PERSONA = ("i love apples .",)
TURNS = ["I am sad today.", "Why are you sad?", "My cat ran away."]


def last(answers: Iterator[Answer]) -> Answer:
    *_, found = answers
    return found


def test_the_systems_are_those_of_params_yaml_and_cobert(talker: Talker) -> None:
    assert set(talker.systems) == set(SYSTEMS)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_answers_and_its_answer_grows(talker: Talker, name: str) -> None:
    answers = [each for each in talker.reply(name, TURNS, PERSONA, FREE) if not each.loading]
    assert [each.done for each in answers] == [False] * (len(answers) - 1) + [True]
    assert all(answers[-1].text.startswith(each.text) for each in answers)
    assert answers[-1].text
    assert answers[-1].text not in TURNS


def test_models_are_loaded_once(root: Path) -> None:
    fresh = Talker(load(root / "params.yaml"), Places(root))
    for name in ("tiny_full", "cobert"):
        told = [[each.loading for each in fresh.reply(name, TURNS, PERSONA, FREE)] for _ in range(2)]
        assert [any(each) for each in told] == [True, False]
        assert told[0][0]


def test_a_reply_is_the_one_that_the_evaluation_would_get(root: Path, talker: Talker) -> None:
    settings = load(root / "params.yaml")
    ready = loaded(
        settings.generators["tiny_full"], root / "models/base/gpt2", root / "models/generators/tiny_full", 8, 0
    )
    example = Example("chat/3", "chat", DIALOGUE, "", tuple(TURNS[:2]), TURNS[2], "")
    (wanted,) = ready.replies([example], FREE, 1, settings.seed)
    found = last(talker.reply("tiny_full", TURNS, PERSONA, FREE))
    assert (found.text, found.cut) == (wanted.text, wanted.cut)


def test_the_same_is_answered_the_same_until_it_is_tried_again(talker: Talker) -> None:
    for name in ("tiny_full", "cobert"):
        first, again, other = (last(talker.reply(name, TURNS, PERSONA, FREE, attempt)) for attempt in (0, 0, 1))
        assert first == again
        assert first.text != other.text


def test_conversations_that_go_on_side_by_side_do_not_mix(talker: Talker) -> None:
    asked = [["I am sad today."], ["I am proud today."], ["Why?", "My cat ran away.", "I am lost today."]]
    alone = [last(talker.reply("tiny_full", turns, PERSONA, FREE)) for turns in asked]
    streams = {at: talker.reply("tiny_full", turns, PERSONA, FREE) for at, turns in enumerate(asked)}
    together: dict[int, Answer] = {}
    while streams:
        for at, stream in list(streams.items()):
            answer = next(stream, None)
            if answer is None:
                del streams[at]
            else:
                together[at] = answer
    assert [together[at] for at in range(3)] == alone


def test_a_stream_that_is_left_does_not_stop_the_next(talker: Talker) -> None:
    wanted = last(talker.reply("tiny_full", TURNS, PERSONA, FREE))
    for _ in range(3):
        stream = talker.reply("tiny_full", ["I am glad today."], PERSONA, FREE)
        next(stream)
        stream.close()
    assert last(talker.reply("tiny_full", TURNS, PERSONA, FREE)) == wanted


def test_what_was_retrieved_is_shown_and_what_was_read(talker: Talker) -> None:
    found = last(talker.reply("tiny_rag+rag", ["I am sad today."], PERSONA, FREE)).found
    assert len(found) == 2
    assert "I am sad today." in found[0].text
    assert found[0].score > found[1].score
    assert last(talker.reply("tiny_full", TURNS, PERSONA, FREE)).found == ()
    cobert = last(talker.reply("cobert", TURNS, PERSONA, FREE))
    assert [each.text for each in cobert.found if each.read] == [cobert.text]


def test_the_persona_orders_passages(talker: Talker) -> None:
    scores = {
        persona: [each.score for each in last(talker.reply("tiny_rag+persona_rag", TURNS, persona, FREE)).found]
        for persona in ((), ("i love apples .",), ("i love dogs .", "i am old ."))
    }
    assert len({tuple(each) for each in scores.values()}) == 3
    assert all(each == sorted(each, reverse=True) for each in scores.values())


@pytest.mark.parametrize("name", ["tiny_full", "cobert"])
def test_the_oldest_turns_are_left_out_first_and_it_is_said(talker: Talker, name: str) -> None:
    few, many = (last(talker.reply(name, TURNS[:2] * count + TURNS[2:], PERSONA, FREE)) for count in (1, 600))
    assert few.forgotten == 0
    assert 1000 < many.forgotten < 1200
    assert many.text


def test_a_message_that_does_not_fit_is_said_to_be_shortened(talker: Talker) -> None:
    for turns, wanted in ((TURNS, False), ([*TURNS[:2], "My cat ran away. " * 30], True)):
        assert last(talker.reply("tiny_full", turns, PERSONA, FREE)).shortened == wanted


def test_what_was_asked_is_kept_nowhere(root: Path) -> None:
    fresh = Talker(load(root / "params.yaml"), Places(root))
    for name in ("cobert", "tiny_rag+persona_rag"):
        last(fresh.reply(name, ["a secret"], ("another secret",), FREE))
    (_, inputs), *_ = fresh._coberts.values()
    assert not inputs._pieces


def test_who_waits_can_be_cancelled_while_a_model_is_at_work(talker: Talker) -> None:
    async def left() -> float:
        started = time.monotonic()
        busy = talker._thread.submit(time.sleep, 1.5)
        waiting = asyncio.ensure_future(anext(talker.reply_async("tiny_full", TURNS, PERSONA, FREE)))
        await asyncio.sleep(0.2)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        took = time.monotonic() - started
        assert not busy.done()
        return took

    assert asyncio.run(left()) < 1
    assert last(talker.reply("tiny_full", TURNS, PERSONA, FREE)).text


def test_what_is_missing_is_named_with_its_stage(root: Path, tmp_path: Path) -> None:
    settings = load(root / "params.yaml")
    empty = Talker(settings, Places(tmp_path))
    for name, stage in (("tiny_full", "base_models@gpt2"), ("cobert", "base_embedder")):
        with pytest.raises(
            AttuneError, match=f"{name} cannot answer yet: .* is missing; `dvc repro {stage}` writes it"
        ):
            next(empty.reply(name, TURNS, PERSONA, FREE))
    shutil.copytree(root / "models" / "base", tmp_path / "models" / "base")
    with pytest.raises(AttuneError, match="dvc repro train_generator@tiny_full"):
        next(empty.reply("tiny_full", TURNS, PERSONA, FREE))
    with pytest.raises(AttuneError, match=r"There is no system 'gpt5'; there are cobert, "):
        next(empty.reply("gpt5", TURNS, PERSONA, FREE))


def test_an_index_of_other_rows_is_named(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "models", tmp_path / "models")
    shutil.copytree(root / "data", tmp_path / "data")
    folder = tmp_path / "data/processed/empathetic_dialogues"
    write_parquet(folder / "train.parquet", read_parquet(folder / "train.parquet")[1:], REPLIES)
    other = Talker(load(root / "params.yaml"), Places(tmp_path))
    with pytest.raises(AttuneError, match=r"the index of EmpatheticDialogues is not of .*run `dvc repro index`"):
        last(other.reply("tiny_rag+rag", TURNS, PERSONA, FREE))


def test_what_cannot_be_answered_is_refused_in_a_sentence() -> None:
    for nothing in ("", " \n\t"):
        with pytest.raises(AttuneError, match="nothing in the message"):
            checked(nothing)
    with pytest.raises(AttuneError, match="this one has 100,000"):
        checked("a" * 100_000)
    assert len(checked("a" * LONGEST_MESSAGE)) == LONGEST_MESSAGE
    with pytest.raises(AttuneError, match="A persona may have 2,000 characters"):
        sentences("a\n" * 1500)
    assert sentences(" i cook .\n\n i run .\n") == ("i cook .", "i run .")
    with pytest.raises(AttuneError, match=r"temperature = 0: .*greater than 0"):
        decoding_of(0, 30, 0.9)
    assert short_enough("half an emoji: \ud83d") == "half an emoji: ?"


@pytest.mark.parametrize(
    "text", ["שלום, אני עצוב", "😀😀 👩‍👩‍👧", "<script>alert(1)</script>", "**a** `b`", "'; DROP TABLE x; --", "\x00"]
)
@pytest.mark.parametrize("name", SYSTEMS)
def test_any_text_is_answered(talker: Talker, name: str, text: str) -> None:
    assert last(talker.reply(name, [text], (text,), FREE)).done
