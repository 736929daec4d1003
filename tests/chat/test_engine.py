import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from attune.chat.answers import Answer, Question
from attune.chat.artifacts import Artifacts
from attune.chat.crisis import crisis_message
from attune.chat.engine import MAX_EXCHANGES, Engine
from attune.core.errors import AttuneError
from attune.core.files import read_parquet, write_parquet
from attune.core.text import words_of
from attune.corpora import record_of
from attune.generators.prompts import Example
from attune.generators.roles import DIALOGUE
from attune.index.passages import Passage
from attune.inference.generator import Generator
from attune.inference.passages import PassageRetriever
from attune.parameters import load
from attune.parameters.decoding import Decoding
from tests.chat.tiny_pipeline import DIALOGUES, SAMPLING, SYSTEMS

PERSONA = ("i love apples .",)
TURNS = ["I am sad today.", "Why are you sad?", "My cat ran away."]
ASKED = Question(TURNS, PERSONA, SAMPLING)
# So long that no model reads what comes before it.
RECENT = ["I am sad today.", "Why are you sad, and since when?"] * 15


def last(answers: Iterator[Answer]) -> Answer:
    *_, answer = answers
    return answer


def test_the_systems_are_those_of_params_yaml_and_cobert(engine: Engine) -> None:
    assert set(engine.systems) == set(SYSTEMS)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_answers_and_its_answer_grows(engine: Engine, name: str) -> None:
    answers = [each for each in engine.reply(name, ASKED) if not each.loading]
    assert [each.done for each in answers] == [False] * (len(answers) - 1) + [True]
    assert all(answers[-1].text.startswith(each.text) for each in answers)
    assert answers[-1].text
    assert answers[-1].text not in TURNS


def test_no_system_replies_to_a_message_that_speaks_of_harm(root: Path, tmp_path: Path) -> None:
    bare = Engine(load(root / "params.yaml"), Artifacts(tmp_path))  # with no models either
    for name in SYSTEMS:
        (answer,) = bare.reply(name, Question([*TURNS[:2], "I want to kill myself"], PERSONA, SAMPLING))
        assert answer == Answer(crisis_message("I want to kill myself") or "", done=True)


def test_models_are_loaded_once(root: Path) -> None:
    fresh = Engine(load(root / "params.yaml"), Artifacts(root))
    for name in ("full", "cobert"):
        loading = [[each.loading for each in fresh.reply(name, ASKED)] for _ in range(2)]
        assert [any(each) for each in loading] == [True, False]
        assert loading[0][0]


def test_a_reply_is_the_one_that_the_evaluation_writes(root: Path, engine: Engine) -> None:
    settings = load(root / "params.yaml")
    generator = Generator.from_pretrained(root / "models/generators/full", max_new_tokens=8)
    example = Example("chat/3", "chat", DIALOGUE, "", tuple(TURNS[:2]), TURNS[2], "")
    (wanted,) = generator.replies([example], SAMPLING, 1, settings.seed)
    answer = last(engine.reply("full", ASKED))
    assert (answer.text, answer.truncated) == (wanted.text, wanted.truncated)


def test_replies_repeat_until_the_next_attempt(engine: Engine) -> None:
    for name in ("full", "cobert"):
        first, again, other = (
            last(engine.reply(name, Question(TURNS, PERSONA, SAMPLING, attempt))) for attempt in (0, 0, 1)
        )
        assert first == again
        assert first.text != other.text


@pytest.mark.parametrize("decoding", [Decoding(method="greedy"), Decoding(method="sampling", top_k=1)])
def test_another_attempt_differs_though_the_likeliest_token_is_always_taken(engine: Engine, decoding: Decoding) -> None:
    first, again, other = (
        last(engine.reply("full", Question(TURNS, PERSONA, decoding, attempt))) for attempt in (0, 0, 1)
    )
    assert first == again
    assert first.text != other.text


@pytest.mark.parametrize("name", ["full", "persona"])
def test_a_generator_says_nothing_twice_in_a_conversation(engine: Engine, name: str) -> None:
    greedy = Decoding(method="greedy")
    alone = last(engine.reply(name, Question(["Hm.", "Why?", *RECENT, "Hm."], (), greedy)))
    assert alone.dropped_turns >= 2
    turns = ["Hm.", alone.text, *RECENT, "Hm."]
    answers = list(engine.reply(name, Question(turns, (), greedy)))
    assert answers[-1].text
    assert words_of(answers[-1].text) != words_of(alone.text)
    assert not any(words_of(alone.text).startswith(words_of(each.text)) for each in answers if each.text)

    async def exactly() -> list[Answer]:
        return [each async for each in engine.reply_async(name, Question(turns, (), greedy, varied=False))]

    assert asyncio.run(exactly())[-1].text == alone.text


def test_cobert_takes_its_next_best_reply_where_it_has_given_the_best(engine: Engine) -> None:
    alone = last(engine.reply("cobert", Question(["Hm.", "Why?", *RECENT, "Hm."], (), SAMPLING)))
    assert alone.dropped_turns >= 2
    again = last(engine.reply("cobert", Question(["Hm.", alone.text, *RECENT, "Hm."], (), SAMPLING)))
    assert [each.text for each in alone.retrieved][:2] == [alone.text, again.text]
    assert alone.text != again.text


def test_cobert_reads_what_people_write_in_the_wording_that_it_learned_from(engine: Engine) -> None:
    written = last(engine.reply("cobert", Question(["I can't stay."], ("I don't love apples.",), SAMPLING)))
    assert last(engine.reply("cobert", Question(["i ca n't stay ."], ("i do n't love apples .",), SAMPLING))) == written
    personas = ("I don't love apples.",), ("i do n't love apples .",)
    asked = (Question(TURNS, persona, SAMPLING) for persona in personas)
    found, learned = (last(engine.reply("rag+persona_rag", each)).retrieved for each in asked)
    assert found == learned


def test_a_conversation_is_read_from_a_message_on_and_not_from_a_reply_on(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attune.chat.engine.MAX_EXCHANGES", 2)  # so few that the model has room for all of them
    answer = last(engine.reply("persona", Question(["hm"] * 7, (), SAMPLING, varied=False)))
    assert answer.dropped_turns == 2


@pytest.mark.parametrize("name", ["full", "persona", "cobert"])
def test_what_was_said_before_the_turns_that_are_read_is_not_said_again_either(engine: Engine, name: str) -> None:
    greedy, later = Decoding(method="greedy"), [*RECENT, *RECENT, "Hm."]
    assert len(later) > 2 * MAX_EXCHANGES
    alone = last(engine.reply(name, Question(["Hm.", "Why?", *later], (), greedy)))
    again = last(engine.reply(name, Question(["Hm.", alone.text, *later], (), greedy)))
    assert again.text
    assert words_of(again.text) != words_of(alone.text)


def test_concurrent_conversations_do_not_mix(engine: Engine) -> None:
    asked = [["I am sad today."], ["I am proud today."], ["Why?", "My cat ran away.", "I am lost today."]]
    alone = [last(engine.reply("full", Question(turns, PERSONA, SAMPLING))) for turns in asked]
    streams = {at: engine.reply("full", Question(turns, PERSONA, SAMPLING)) for at, turns in enumerate(asked)}
    together: dict[int, Answer] = {}
    while streams:
        for at, stream in list(streams.items()):
            answer = next(stream, None)
            if answer is None:
                del streams[at]
            else:
                together[at] = answer
    assert [together[at] for at in range(3)] == alone


@pytest.mark.fault("a reply abandoned in the middle", "the next one comes, and is the same")
def test_an_abandoned_stream_does_not_block_the_next(engine: Engine) -> None:
    wanted = last(engine.reply("full", ASKED))
    for _ in range(3):
        stream = engine.reply("full", Question(["I am glad today."], PERSONA, SAMPLING))
        next(stream)
        stream.close()
    assert last(engine.reply("full", ASKED)) == wanted


def test_the_retrieved_texts_and_the_used_ones_are_shown(engine: Engine) -> None:
    passages = last(engine.reply("rag+rag", Question(["I am sad today."], PERSONA, SAMPLING))).retrieved
    assert len(passages) == 2
    assert "I am sad today." in passages[0].text
    assert passages[0].score > passages[1].score
    assert last(engine.reply("full", ASKED)).retrieved == ()
    cobert = last(engine.reply("cobert", ASKED))
    assert [each.text for each in cobert.retrieved if each.used] == [cobert.text]


def test_the_persona_orders_passages(engine: Engine) -> None:
    scores = {
        persona: [
            each.score for each in last(engine.reply("rag+persona_rag", Question(TURNS, persona, SAMPLING))).retrieved
        ]
        for persona in ((), ("i love apples .",), ("i love dogs .", "i am old ."))
    }
    assert len({tuple(each) for each in scores.values()}) == 3
    assert all(each == sorted(each, reverse=True) for each in scores.values())


def test_a_generator_trained_with_personas_reads_one_in_the_wording_of_its_text(engine: Engine) -> None:
    texts = {
        persona: last(engine.reply("persona", Question(["I can't stay."], persona, SAMPLING))).text
        for persona in ((), ("i love apples .",), ("I love apples.",), ("i love dogs .",))
    }
    assert len(set(texts.values())) == 3
    assert texts["i love apples .",] == texts["I love apples.",]
    assert last(engine.reply("persona", Question(["i ca n't stay ."], (), SAMPLING))).text == texts[()]
    plain = [last(engine.reply("full", Question(TURNS, persona, SAMPLING))) for persona in ((), PERSONA)]
    assert plain[0] == plain[1]


def test_a_generator_decodes_as_params_yaml_says_unless_told_otherwise(engine: Engine) -> None:
    assert engine.decoding("full") == SAMPLING
    assert engine.decoding("full", top_k=1) == SAMPLING.model_copy(update={"top_k": 1})
    with pytest.raises(AttuneError, match="There is no system 'gpt5'"):
        engine.decoding("gpt5")


def test_a_generator_with_passages_decodes_as_the_generator(root: Path) -> None:
    parameters, own = load(root / "params.yaml"), Decoding(method="greedy")
    parameters.generation.decoding["rag"] = own
    engine = Engine(parameters, Artifacts(root))
    assert [engine.decoding(name) for name in ("rag+rag", "rag+persona_rag", "full")] == [own, own, SAMPLING]


def test_cobert_chooses_among_more_passages_than_are_read(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    sought, nearest = [], PassageRetriever.nearest

    def noted(self: PassageRetriever, messages: list[str], k: int) -> list[list[Passage]]:
        sought.append(k)
        return nearest(self, messages, k)

    monkeypatch.setattr(PassageRetriever, "nearest", noted)
    for name in ("rag+rag", "rag+persona_rag"):
        last(engine.reply(name, Question(TURNS[-1:], PERSONA, SAMPLING)))
    assert sought == [engine.parameters.rag.k, engine.parameters.rag.shortlist] == [2, 6]


def test_a_generator_that_reads_passages_is_suggested_by_its_system_s_name(engine: Engine) -> None:
    with pytest.raises(AttuneError, match=r"There is no system 'rag'; did you mean rag\+rag\? There are cobert, "):
        engine.system("rag")


@pytest.mark.parametrize("name", ["full", "cobert"])
def test_the_oldest_turns_are_dropped_and_counted(engine: Engine, name: str) -> None:
    few, many = (
        last(engine.reply(name, Question(TURNS[:2] * count + TURNS[2:], PERSONA, SAMPLING))) for count in (1, 600)
    )
    assert few.dropped_turns == 0
    assert 1000 < many.dropped_turns < 1200
    assert many.text


def test_what_is_not_read_of_a_long_message_is_said(engine: Engine) -> None:
    beginning = "the beginning of the message was left out, since the model's input is limited"
    index, cobert = (
        "what suits the message was looked up by its end alone",
        "CoBERT read only the beginning of the message",
    )
    for name, count, wanted in (
        ("full", 1, ()), ("cobert", 1, ()), ("rag+persona_rag", 1, ()), ("full", 30, (beginning,)),
        ("cobert", 30, (cobert,)), ("cobert", 90, (index, cobert)), ("rag+rag", 90, (beginning, index)),
        ("rag+persona_rag", 90, (beginning, index, cobert)),
    ):  # fmt: skip
        answer = last(engine.reply(name, Question(["My cat ran away. " * count], PERSONA, SAMPLING)))
        assert answer.unread == wanted
        assert set(wanted) <= set(answer.notes())


def test_sentences_of_the_persona_that_are_not_read_are_noted(engine: Engine) -> None:
    for name in ("persona", "cobert", "rag+persona_rag"):
        few, many = (last(engine.reply(name, Question(TURNS[:1], PERSONA * count, SAMPLING))) for count in (1, 40))
        assert not any("persona" in note for note in few.notes())
        if name == "persona":
            assert 0 < many.dropped_sentences < 40
            count = many.dropped_sentences
            note = f"{count} sentences of the persona were left out, since the model's input is limited"
        else:  # the index is searched with all of them
            assert (many.dropped_sentences, many.unread) == (0, ())
            note = "CoBERT did not read all of the persona"
        assert note in many.notes()
    assert (
        last(engine.reply("full", Question(TURNS[:1], PERSONA * 40, SAMPLING))).dropped_sentences == 0
    )  # it reads no persona
    long = last(
        engine.reply("cobert", Question(TURNS[:1], ("i love apples and " + "pears and " * 20 + "plums .",), SAMPLING))
    )
    assert "CoBERT did not read all of the persona" in long.notes()


@pytest.mark.parametrize("name", ["rag+rag", "rag+persona_rag"])
def test_no_passage_has_a_reply_that_was_given_before(engine: Engine, name: str) -> None:
    def passages(given: str, varied: bool = True) -> list[str]:
        async def texts() -> list[str]:
            turns = ["Hm.", given, "I am sad today."]
            stream = engine.reply_async(name, Question(turns, PERSONA, SAMPLING, varied=varied))
            return [text.text for text in [each async for each in stream][-1].retrieved]

        return asyncio.run(texts())

    first, *_ = alone = passages("Why?")
    (row,) = [each for each in engine.models.passage_retriever(DIALOGUES).bank.rows if each["text"].strip() == first]
    again = passages(row["reply"].upper())
    assert first not in again
    assert len(again) == len(alone) == 2
    assert first in passages(row["reply"], varied=False)


def test_no_text_is_kept_between_replies(root: Path) -> None:
    fresh = Engine(load(root / "params.yaml"), Artifacts(root))
    for name in ("cobert", "rag+persona_rag"):
        last(fresh.reply(name, Question(["a secret"], ("another secret",), SAMPLING)))
    (ranker,) = fresh.models._rankers.values()
    assert not ranker.inputs._pieces


def test_waiting_can_be_cancelled_while_a_model_is_busy(engine: Engine) -> None:
    gate = Event()

    async def left() -> None:
        busy = engine._thread.submit(gate.wait, 60)
        waiting = asyncio.ensure_future(anext(engine.reply_async("full", ASKED)))
        await asyncio.sleep(0)  # it has begun
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not busy.done()

    try:
        asyncio.run(left())
    finally:
        gate.set()
    assert last(engine.reply("full", ASKED)).text


@pytest.mark.fault("a server that is stopped while it writes a reply", "one sentence")
def test_a_reply_that_the_end_of_the_server_interrupts_says_so(root: Path) -> None:
    ending = Engine(load(root / "params.yaml"), Artifacts(root))

    async def interrupted() -> None:
        answers = ending.reply_async("full", ASKED)
        await anext(answers)
        ending._thread.shutdown()
        await anext(answers)

    with pytest.raises(AttuneError, match=r"^The server is stopping\.$"):
        asyncio.run(interrupted())


@pytest.mark.fault("a model missing from the page", "its stage is named")
def test_a_missing_artifact_is_named_with_its_stage(root: Path, tmp_path: Path) -> None:
    settings = load(root / "params.yaml")
    empty = Engine(settings, Artifacts(tmp_path))
    for name, label, stage in (
        ("full", "Full fine-tuning", "base_models@smollm2"),
        ("cobert", "CoBERT's retrieval", "base_encoders@embedder"),
    ):
        with pytest.raises(
            AttuneError, match=f"{label} cannot answer yet: .* is missing; `dvc repro {stage}` writes it"
        ):
            next(empty.reply(name, ASKED))
    shutil.copytree(root / "models" / "base", tmp_path / "models" / "base")
    with pytest.raises(AttuneError, match="dvc repro train_generator@full"):
        next(empty.reply("full", ASKED))
    with pytest.raises(AttuneError, match=r"There is no system 'gpt5'; there are cobert, "):
        next(empty.reply("gpt5", ASKED))


def test_an_index_of_other_rows_is_refused(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "models", tmp_path / "models")
    shutil.copytree(root / "data", tmp_path / "data")
    folder = tmp_path / "data/processed/empathetic_dialogues"
    write_parquet(
        folder / "train.parquet",
        read_parquet(folder / "train.parquet")[1:],
        record_of("empathetic_dialogues").schemas.rows,
    )
    other = Engine(load(root / "params.yaml"), Artifacts(tmp_path))
    with pytest.raises(AttuneError, match=r"the index was not built from .*run `dvc repro index`"):
        last(other.reply("rag+rag", ASKED))


@pytest.mark.parametrize(
    "text", ["שלום, אני עצוב", "😀😀 👩‍👩‍👧", "<script>alert(1)</script>", "**a** `b`", "'; DROP TABLE x; --", "\x00"]
)
@pytest.mark.parametrize("name", SYSTEMS)
def test_any_text_is_answered(engine: Engine, name: str, text: str) -> None:
    assert last(engine.reply(name, Question([text], (text,), SAMPLING))).done
