import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from attune.chat.answers import Answer
from attune.chat.artifacts import Places
from attune.chat.conversations import Conversations, Turn
from attune.chat.engine import Talker
from attune.chat.page import framed
from attune.chat.validation import decoding_of
from attune.parameters import load
from tests.chat.made import SYSTEMS

SETTINGS = ("i love apples .", 0.9, 30, 0.95)
ONE, TWO = (SimpleNamespace(session_hash=name) for name in ("one", "two"))


def events(stream: AsyncIterator[Any]) -> list[Any]:
    async def gathered() -> list[Any]:
        return [each async for each in stream]

    return asyncio.run(gathered())


def texts(event: tuple[Any, ...]) -> list[str]:
    return [each["content"] for each in event[1]]


@pytest.fixture
def own(talker: Talker) -> Conversations:
    return Conversations(talker)


def test_messages_and_replies_stand_in_turn(own: Conversations) -> None:
    first, *_, told = events(own.send("I am sad today.", "tiny_full", *SETTINGS, ONE))
    assert first[0] == ""
    assert texts(told)[0] == "I am sad today."
    *_, told = events(own.send(" My cat ran away. ", "tiny_lora", *SETTINGS, ONE))
    assert [each["role"] for each in told[1]] == ["user", "assistant"] * 2
    assert texts(told)[::2] == ["I am sad today.", "My cat ran away."]
    assert told[3].startswith("tiny_lora")
    *_, again = events(own.retry("tiny_lora", *SETTINGS, ONE))
    assert texts(again)[:3] == texts(told)[:3]
    assert texts(again)[3] != texts(told)[3]
    assert own.clear(ONE)[0] == []
    assert "no reply yet" in events(own.retry("tiny_lora", *SETTINGS, ONE))[-1][3]


def test_pages_do_not_see_each_other_s_conversations(own: Conversations) -> None:
    events(own.send("I am sad today.", "tiny_full", *SETTINGS, ONE))
    *_, told = events(own.send("I am glad today.", "tiny_full", *SETTINGS, TWO))
    assert texts(told)[0] == "I am glad today."
    assert len(texts(told)) == 2
    own.forget(ONE)
    *_, told = events(own.send("Hm.", "tiny_full", *SETTINGS, ONE))
    assert len(texts(told)) == 2
    assert len(own._talks) == 2


def test_only_the_last_thing_that_was_asked_may_write(own: Conversations) -> None:
    """Clear, Stop, Retry or another message while a reply grows."""

    async def interrupted(by: str) -> list[Any]:
        growing = own.send("I am sad today.", "tiny_full", *SETTINGS, ONE)
        for _ in range(2):
            await anext(growing)
        if by == "send":
            _ = [each async for each in own.send("Hm.", "tiny_full", *SETTINGS, ONE)]
        elif by == "retry":
            _ = [each async for each in own.retry("tiny_full", *SETTINGS, ONE)]
        else:
            getattr(own, by)(ONE)
        return [each async for each in growing]

    for by, left in (("clear", 0), ("stop", 1), ("retry", 1), ("send", 2)):
        own.clear(ONE)
        assert asyncio.run(interrupted(by)) == []
        assert len(own._of(ONE).turns) == left


def test_a_turn_without_a_reply_is_not_told_to_a_system(own: Conversations, talker: Talker) -> None:
    async def stopped() -> None:
        growing = own.send("Never mind.", "tiny_full", *SETTINGS, ONE)
        await anext(growing)
        own.stop(ONE)
        await growing.aclose()

    asyncio.run(stopped())
    assert own._of(ONE).turns == [Turn("Never mind.")]
    *_, told = events(own.send("I am sad today.", "tiny_full", *SETTINGS, ONE))
    assert texts(told)[:2] == ["Never mind.", "I am sad today."]
    *_, alone = talker.reply("tiny_full", ["I am sad today."], (), decoding_of(*SETTINGS[1:]))
    assert texts(told)[-1] == alone.text


def test_what_was_stopped_before_it_was_answered_can_be_tried_again(own: Conversations) -> None:
    asyncio.run(anext(own.send("Never mind.", "tiny_full", *SETTINGS, ONE)))
    own.stop(ONE)
    *_, told = events(own.retry("tiny_full", *SETTINGS, ONE))
    assert texts(told)[0] == "Never mind."
    assert len(texts(told)) == 2


def test_a_retry_that_is_stopped_while_models_load_leaves_the_reply(root: Path) -> None:
    own = Conversations(Talker(load(root / "params.yaml"), Places(root)))
    own._of(ONE).turns = [Turn("Hm.", "Yes.")]
    event = asyncio.run(anext(own.retry("tiny_full", *SETTINGS, ONE)))
    assert "being loaded" in event[3]
    own.stop(ONE)
    assert own._of(ONE).turns == [Turn("Hm.", "Yes.")]


def test_an_error_that_nobody_expected_gives_the_message_back(own: Conversations) -> None:
    async def broken(*_: Any) -> AsyncIterator[Answer]:
        yield Answer(loading=True)
        raise RuntimeError("torn")

    own.talker = SimpleNamespace(reply_async=broken)  # type: ignore[assignment]
    own._of(ONE).turns = [Turn("Hm.", "Yes.")]
    seen = []

    async def sent() -> None:
        async for event in own.send("I am sad.", "tiny_full", *SETTINGS, ONE):
            seen.append(event)

    with pytest.raises(RuntimeError, match="torn"):
        asyncio.run(sent())
    assert seen[-1][0] == "I am sad."
    assert texts(seen[-1]) == ["Hm.", "Yes."]
    assert seen[-1][3] == "tiny_full failed; the server's log says why."
    assert own._of(ONE).turns == [Turn("Hm.", "Yes.")]


def test_where_to_find_help_is_said_of_refused_messages_too(own: Conversations, address: str) -> None:
    long = "I want to kill myself " + "a" * 5000
    for event in (events(own.send(long, "tiny_full", *SETTINGS, ONE))[-1], events(own.compare(long, *SETTINGS))[-1]):
        assert event[-1]["visible"]
        assert "findahelpline" in event[-1]["value"]
    with pytest.raises(AppError, match=r"(?s)this one has 5,022.*findahelpline"):
        ask(address, long, [])
    with pytest.raises(AppError, match=r"(?s)There is no system.*findahelpline"):
        Client(address, verbose=False).predict(long[:21], "nobody", [], [], api_name="/reply")


def test_what_is_refused_leaves_the_conversation_as_it_was(own: Conversations) -> None:
    *_, told = events(own.send("I am sad today.", "tiny_full", *SETTINGS, ONE))
    for message, persona, said in (
        ("", "", "There is nothing in the message"),
        ("a" * 100_000, "", "this one has 100,000"),
        ("Hm.", "a" * 3000, "A persona may have"),
    ):
        *_, refused = events(own.send(message, "tiny_full", persona, *SETTINGS[1:], ONE))
        assert refused[1] == told[1]
        assert said in refused[3]
    *_, refused = events(own.retry("tiny_full", "a" * 3000, *SETTINGS[1:], ONE))
    assert refused[1] == told[1]


def test_a_system_that_is_not_there_says_which_stage_to_run(root: Path, tmp_path: Path) -> None:
    own = Conversations(Talker(load(root / "params.yaml"), Places(tmp_path)))
    *_, told = events(own.send("Hm.", "tiny_full", *SETTINGS, ONE))
    assert told[:2] == ("Hm.", [])
    assert "dvc repro base_models@gpt2" in told[3]
    *_, (html, *_) = events(own.compare("Hm.", *SETTINGS))
    assert html.count("cannot answer yet") == len(SYSTEMS)
    assert "dvc repro report" in framed(Places(tmp_path).report)


def test_all_systems_are_compared_by_the_same_replies(own: Conversations, talker: Talker) -> None:
    *_, (html, status, care) = events(own.compare("<b>I want to die</b>", *SETTINGS))
    assert status == f"{len(SYSTEMS)} systems"
    assert care["visible"]
    for name in SYSTEMS:
        assert f"<td>{name}</td>" in html
    *_, alone = talker.reply("cobert", ["<b>I want to die</b>"], (SETTINGS[0],), decoding_of(*SETTINGS[1:]))
    assert alone.text in html


def test_a_page_inside_the_page_runs_nothing(tmp_path: Path) -> None:
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots/report.html").write_text('<p class="x">&amp;</p>')
    assert framed(Places(tmp_path).report) == (
        '<iframe sandbox="" title="report" srcdoc="&lt;p class=&quot;x&quot;&gt;&amp;amp;&lt;/p&gt;"></iframe>'
    )


def ask(address: str, message: str, history: list[str]) -> dict[str, Any]:
    return Client(address, verbose=False).predict(message, "tiny_full", history, ["i love apples ."], api_name="/reply")


def test_a_closed_page_leaves_nothing_in_the_server(served: tuple[gr.Blocks, str]) -> None:
    page, address = served
    sessions = page.state_holder.session_data
    with httpx.stream("GET", f"{address}gradio_api/heartbeat/somebody") as alive:
        next(alive.iter_lines())
        assert page.state_holder["somebody"] is sessions["somebody"]
    until = time.monotonic() + 10
    while "somebody" in sessions and time.monotonic() < until:
        time.sleep(0.05)
    assert "somebody" not in sessions


def test_several_people_are_answered_at_once_as_they_would_be_alone(address: str, talker: Talker) -> None:
    histories = [[f"I am {feeling} today.", "Why?"] for feeling in ("sad", "glad", "lost", "shy", "calm", "free")]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda history: ask(address, "My cat ran away.", history), histories))
    for history, each in zip(histories, found, strict=True):
        *_, alone = talker.reply("tiny_full", [*history, "My cat ran away."], (), decoding_of(0.9, 30, 0.95))
        about = {"reply": alone.text, "cut": alone.cut, "forgotten": 0, "shortened": False}
        assert each == about | {"retrieved": [], "care": None}


def test_the_endpoint_refuses_in_a_sentence_and_logs_nothing(address: str, capfd: pytest.CaptureFixture[str]) -> None:
    for message, said in ((" ", "nothing in the message"), ("secret" * 20_000, "this one has 120,000")):
        with pytest.raises(AppError, match=said):
            ask(address, message, [])
    assert "findahelpline" in ask(address, "secretly I want to die", [])["care"]
    with pytest.raises(AppError, match="this one has 5,000"):
        ask(address, "Hm.", ["a" * 5000])
    for history, persona, said in (("secret", [], "history: .*valid list"), ([], "secret", "persona: .*valid list")):
        with pytest.raises(AppError, match=said):
            Client(address, verbose=False).predict("Hm.", "tiny_full", history, persona, api_name="/reply")
    with pytest.raises(AppError, match="There is no system 'secret'"):
        Client(address, verbose=False).predict("Hm.", "secret", [], [], api_name="/reply")
    assert "secret" not in "".join(capfd.readouterr())
