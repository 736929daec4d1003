import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from attune.chat.answers import Answer, Exchange, Question
from attune.chat.artifacts import Artifacts
from attune.chat.conversations import OPENINGS, QUESTIONS, UNCHANGED, Conversations
from attune.chat.engine import Engine
from attune.chat.rendering import NO_REPLY
from attune.core.errors import AttuneError
from attune.parameters import load
from tests.chat.conftest import events
from tests.chat.tiny_pipeline import SAMPLING

SETTINGS = ("i love apples .", False, 0.9, 30, 0.95)
ONE, TWO, THREE = (SimpleNamespace(session_hash=name) for name in ("one", "two", "three"))


def texts(event: tuple[Any, ...]) -> list[str]:
    """The texts of the messages without the replies' bylines."""
    return [each["content"].split('<div class="by">')[0] for each in event[1]]


@pytest.fixture
def conversations(engine: Engine) -> Conversations:
    return Conversations(engine)


def test_messages_and_replies_alternate(conversations: Conversations) -> None:
    first, *_, event = events(conversations.send("I am sad today.", "full", *SETTINGS, ONE))
    assert first[0]["value"] == ""
    assert first[0]["stop_btn"]
    assert event[0] == gr.update(submit_btn="Send", stop_btn=False)
    assert texts(event)[0] == "I am sad today."
    *_, event = events(conversations.send(" My cat ran away. ", "lora_openorca", *SETTINGS, ONE))
    assert [each["role"] for each in event[1]] == ["user", "assistant"] * 2
    assert texts(event)[::2] == ["I am sad today.", "My cat ran away."]
    assert re.search(r'<div class="by">LoRA on OpenOrca · \d+\.\d s(, with loading)?</div>$', event[1][3]["content"])
    *_, again = events(conversations.retry("lora_openorca", *SETTINGS, ONE))
    assert texts(again)[:3] == texts(event)[:3]
    assert texts(again)[3] != texts(event)[3]
    assert conversations.clear(ONE)[1] == []
    assert "no reply yet" in events(conversations.retry("lora_openorca", *SETTINGS, ONE))[-1][3]


def test_pages_do_not_see_each_other_s_conversations(conversations: Conversations) -> None:
    events(conversations.send("I am sad today.", "full", *SETTINGS, ONE))
    *_, event = events(conversations.send("I am glad today.", "full", *SETTINGS, TWO))
    assert texts(event)[0] == "I am glad today."
    assert len(texts(event)) == 2
    conversations.close(ONE)
    *_, event = events(conversations.send("Hm.", "full", *SETTINGS, ONE))
    assert len(texts(event)) == 2
    assert len(conversations._conversations) == 2


def test_the_conversation_that_is_idle_for_longest_is_dropped_first(
    conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attune.chat.conversations.MAX_CONVERSATIONS", 2)
    for request in (ONE, TWO, ONE, THREE):
        conversations._conversation(request).exchanges.append(Exchange("Hm."))
    kept = {session: len(each.exchanges) for session, each in conversations._conversations.items()}
    assert kept == {"one": 2, "three": 1}


def test_a_growing_reply_is_dropped_once_something_else_happens(conversations: Conversations) -> None:
    """By Clear, Stop, Retry or another message."""

    async def interrupted(by: str) -> list[Any]:
        growing = conversations.send("I am sad today.", "full", *SETTINGS, ONE)
        for _ in range(2):
            await anext(growing)
        if by == "send":
            _ = [each async for each in conversations.send("Hm.", "full", *SETTINGS, ONE)]
        elif by == "retry":
            _ = [each async for each in conversations.retry("full", *SETTINGS, ONE)]
        else:
            getattr(conversations, by)(ONE)
        return [each async for each in growing]

    for by, left in (("clear", 0), ("stop", 1), ("retry", 1), ("send", 2)):
        conversations.clear(ONE)
        assert asyncio.run(interrupted(by)) == [UNCHANGED]  # the last update, which Gradio sends twice
        assert len(conversations._conversation(ONE).exchanges) == left


def test_a_refused_message_does_not_stop_the_reply_that_is_growing(conversations: Conversations) -> None:
    async def refused() -> list[Any]:
        growing = conversations.send("I am sad today.", "full", *SETTINGS, ONE)
        for _ in range(2):
            await anext(growing)
        await conversations.at_once(" ", "full", ONE)
        _ = [each async for each in conversations.send(" ", "full", *SETTINGS, ONE)]
        return [each async for each in growing]

    *_, undisturbed = events(conversations.send("I am sad today.", "full", *SETTINGS, TWO))
    *_, event = asyncio.run(refused())
    assert texts(event) == texts(undisturbed)


def test_the_same_message_is_answered_again_only_once_its_reply_is_there(conversations: Conversations) -> None:
    async def twice() -> list[Any]:
        growing = conversations.send("Hm.", "full", *SETTINGS, ONE)
        await anext(growing)
        second = [each async for each in conversations.send(" Hm. ", "full", *SETTINGS, ONE)]
        assert texts([each async for each in growing][-1])[::2] == ["Hm."]
        return second

    assert asyncio.run(twice()) == [UNCHANGED]
    *_, event = events(conversations.send("Hm.", "full", *SETTINGS, ONE))
    assert texts(event)[::2] == ["Hm.", "Hm."]


def test_a_message_without_a_reply_is_not_part_of_the_context(conversations: Conversations, engine: Engine) -> None:
    async def stopped() -> None:
        growing = conversations.send("Never mind.", "full", *SETTINGS, ONE)
        await anext(growing)
        conversations.stop(ONE)
        await growing.aclose()

    asyncio.run(stopped())
    assert conversations._conversation(ONE).exchanges == [Exchange("Never mind.")]
    *_, event = events(conversations.send("I am sad today.", "full", *SETTINGS, ONE))
    assert texts(event)[:2] == ["Never mind.", "I am sad today."]
    *_, alone = engine.reply("full", Question(["I am sad today."], (), SAMPLING))
    assert texts(event)[-1] == alone.text


def test_a_message_stopped_before_its_reply_can_be_retried(conversations: Conversations) -> None:
    asyncio.run(anext(conversations.send("Never mind.", "full", *SETTINGS, ONE)))
    conversations.stop(ONE)
    *_, event = events(conversations.retry("full", *SETTINGS, ONE))
    assert texts(event)[0] == "Never mind."
    assert len(texts(event)) == 2


def test_a_retry_with_another_system_gives_that_system_s_reply(conversations: Conversations) -> None:
    first = {}
    for name in ("full", "cobert"):
        conversations.clear(ONE)
        *_, event = events(conversations.send("I am sad today.", name, *SETTINGS, ONE))
        first[name] = texts(event)
    *_, again = events(conversations.retry("cobert", *SETTINGS, ONE))
    assert texts(again) != first["cobert"]
    *_, other = events(conversations.retry("full", *SETTINGS, ONE))
    assert texts(other) == first["full"]
    *_, back = events(conversations.retry("cobert", *SETTINGS, ONE))
    assert texts(back) == first["cobert"]


def test_a_retry_after_an_empty_reply_is_another_attempt(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(load(root / "params.yaml"), Artifacts(root))
    attempts = []

    def reply_async(_: str, question: Question) -> AsyncIterator[Answer]:
        attempts.append(question.attempt)
        return empty()

    async def empty() -> AsyncIterator[Answer]:
        yield Answer("", done=True)

    monkeypatch.setattr(engine, "reply_async", reply_async)
    conversations = Conversations(engine)
    events(conversations.send("I am sad today.", "full", *SETTINGS, ONE))
    for _ in range(2):
        events(conversations.retry("full", *SETTINGS, ONE))
    assert attempts == [0, 1, 2]


def test_a_message_that_was_refused_gets_the_first_reply_at_a_retry(conversations: Conversations) -> None:
    *_, event = events(conversations.send("I am sad today.", "cobert", *SETTINGS, ONE))
    events(conversations.send("I am sad today.", "cobert", "a" * 3000, *SETTINGS[1:], TWO))
    *_, again = events(conversations.retry("cobert", *SETTINGS, TWO))
    assert texts(again) == texts(event)


def test_a_retry_stopped_while_models_load_keeps_the_reply(root: Path) -> None:
    conversations = Conversations(Engine(load(root / "params.yaml"), Artifacts(root)))
    conversations._conversation(ONE).exchanges = [Exchange("Hm.", "Yes.")]

    async def second() -> tuple[Any, ...]:
        growing = conversations.retry("full", *SETTINGS, ONE)
        await anext(growing)
        return await anext(growing)

    assert "Full fine-tuning: loading the language model; this takes some seconds" in asyncio.run(second())[3]
    conversations.stop(ONE)
    assert conversations._conversation(ONE).exchanges == [Exchange("Hm.", "Yes.")]


def test_a_failed_reply_keeps_its_message_in_the_chat_and_the_draft_in_the_textbox(
    conversations: Conversations, engine: Engine
) -> None:
    async def broken(*_: Any) -> AsyncIterator[Answer]:
        yield Answer(loading=("the model",))
        raise RuntimeError("torn")

    conversations.engine = SimpleNamespace(reply_async=broken, decoding=engine.decoding, systems={})  # type: ignore[assignment]
    conversations._conversation(ONE).exchanges = [Exchange("Hm.", "Yes.")]
    seen = []

    async def sent() -> None:
        async for event in conversations.send("I am sad.", "full", *SETTINGS, ONE):
            seen.append(event)

    with pytest.raises(RuntimeError, match="torn"):
        asyncio.run(sent())
    assert seen[-1][0] == gr.update(submit_btn="Send", stop_btn=False)
    assert texts(seen[-1]) == ["Hm.", "Yes.", "I am sad."]
    assert seen[-1][3] == "full failed; the server's log says why."
    conversations.engine = engine
    *_, event = events(conversations.retry("full", *SETTINGS, ONE))
    assert texts(event)[:3] == ["Hm.", "Yes.", "I am sad."]
    assert len(texts(event)) == 4


def test_a_retry_that_fails_in_mid_reply_leaves_the_reply_that_was_there(
    conversations: Conversations, engine: Engine
) -> None:
    async def broken(*_: Any) -> AsyncIterator[Answer]:
        yield Answer("I thin")
        await asyncio.sleep(0)
        raise AttuneError("torn")

    conversations.engine = SimpleNamespace(reply_async=broken, decoding=engine.decoding, systems={})  # type: ignore[assignment]
    before = [Exchange("Hm.", "Yes.", system="full", answered=True)]
    conversations._conversation(ONE).exchanges = before
    seen = events(conversations.retry("full", *SETTINGS, ONE))
    assert any("I thin" in texts(event) for event in seen)
    assert (texts(seen[-1]), seen[-1][3]) == (["Hm.", "Yes."], "torn")
    assert conversations._conversation(ONE).exchanges == before


def test_the_crisis_message_is_shown_for_refused_messages_too(conversations: Conversations) -> None:
    long = "I want to kill myself " + "a" * 5000
    *kept, status, crisis = asyncio.run(conversations.at_once(long, "full", ONE))
    assert kept == [gr.skip()] * 3
    assert "A message may have" in status
    assert crisis["visible"]
    assert "findahelpline" in crisis["value"]


def test_a_message_that_speaks_of_harm_gets_the_crisis_message_and_no_reply(conversations: Conversations) -> None:
    sent = asyncio.run(conversations.at_once("I want to kill myself", "full", ONE))
    for left in ("I want to kill myself", ""):  # in the textbox when `send` is called
        assert events(conversations.send(left, "full", *SETTINGS, ONE)) == [(gr.skip(),) * 5]
    (again,) = events(conversations.retry("cobert", *SETTINGS, ONE))
    free: dict[str, Any] = {"submit_btn": "Send", "stop_btn": False}
    assert (sent[0], again[0]) == (gr.update(value="", **free), gr.update(**free))
    for event in (sent, again):
        assert texts(event) == ["I want to kill myself"]
        assert event[2:4] == ("", NO_REPLY)
        assert "findahelpline" in event[4]["value"]
    *_, event = events(conversations.send("Hm.", "full", *SETTINGS, ONE))
    *_, alone = events(conversations.send("Hm.", "full", *SETTINGS, TWO))
    assert texts(event) == ["I want to kill myself", *texts(alone)]  # the message was not read


def test_own_decoding_settings_change_the_reply(conversations: Conversations) -> None:
    replies = []
    for own, top_k in ((False, 30), (False, 1), (True, 1)):
        conversations.clear(ONE)
        *_, event = events(conversations.send("I am sad today.", "full", "", own, 0.9, top_k, 0.95, ONE))
        replies.append(texts(event)[-1])
    assert replies[0] == replies[1] != replies[2]
    *_, refused = events(conversations.send("Hm.", "full", "", True, 0, 1, 0.95, ONE))
    assert "temperature = 0" in refused[3]


def test_an_example_is_put_to_a_system_of_its_kind(conversations: Conversations) -> None:
    for text, chosen, wanted in (
        (OPENINGS[0], "cobert", "cobert"),
        (OPENINGS[1], "lora_openorca", "full"),
        (QUESTIONS[0], "full", "lora_openorca"),
        (QUESTIONS[0], "lora_openorca", "lora_openorca"),
    ):
        assert conversations.example(text, chosen) == (text, wanted, conversations.waiting(wanted))


def test_a_refused_message_leaves_the_conversation_unchanged(conversations: Conversations) -> None:
    *_, event = events(conversations.send("I am sad today.", "full", *SETTINGS, ONE))
    for message, reason in (("", "There is nothing in the message"), ("a" * 100_000, "this one has 100,000")):
        refused = asyncio.run(conversations.at_once(message, "full", ONE))
        assert refused[:3] == (gr.skip(),) * 3
        assert reason in refused[3]
        assert events(conversations.send(message, "full", *SETTINGS, ONE)) == [(gr.skip(),) * 5]
    *_, refused = events(conversations.retry("full", "a" * 3000, *SETTINGS[1:], ONE))
    assert refused[1] == event[1]
    *_, refused = events(conversations.send("Hm.", "full", "a" * 3000, *SETTINGS[1:], ONE))
    assert texts(refused) == [*texts(event), "Hm."]
    assert "A persona may have" in refused[3]


def test_a_missing_model_is_named_with_its_stage(root: Path, tmp_path: Path) -> None:
    conversations = Conversations(Engine(load(root / "params.yaml"), Artifacts(tmp_path)))
    *_, event = events(conversations.send("Hm.", "full", *SETTINGS, ONE))
    assert texts(event) == ["Hm."]
    assert "dvc repro base_models@smollm2" in event[3]
