from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from attune.parameters import load
from attune.talk.page import Conversation, framed
from attune.talk.places import Places
from attune.talk.talker import Talker, decoding_of
from tests.talk.made import SYSTEMS

SETTINGS = ("i love apples .", 0.9, 30, 0.95)


def last(events: Iterator[Any]) -> Any:
    *_, found = events
    return found


@pytest.fixture
def own(talker: Talker) -> Conversation:
    return Conversation(talker)


def test_messages_and_replies_stand_in_turn(own: Conversation) -> None:
    _, _, turns, *_ = last(own.send("I am sad today.", [], "tiny_full", *SETTINGS))
    box, chat, turns, _, status, _ = last(own.send(" My cat ran away. ", turns, "tiny_lora", *SETTINGS))
    assert box == ""
    assert [each["role"] for each in chat] == ["user", "assistant"] * 2
    assert [each["content"] for each in chat[::2]] == ["I am sad today.", "My cat ran away."]
    assert status.startswith("tiny_lora")
    _, again, turns, *_ = last(own.retry(turns, "tiny_lora", *SETTINGS))
    assert again[:3] == chat[:3]
    assert again[3] != chat[3]
    assert len(turns) == 2


def test_what_is_refused_stays_in_the_box_and_the_conversation_as_it_was(own: Conversation) -> None:
    _, _, turns, *_ = last(own.send("I am sad today.", [], "tiny_full", *SETTINGS))
    for message, persona, said in (
        ("", "", "There is nothing in the message"),
        ("a" * 100_000, "", "this one has 100,000"),
        ("Hm.", "a" * 3000, "A persona may have"),
    ):
        box, chat, kept, _, status, _ = last(own.send(message, turns, "tiny_full", persona, *SETTINGS[1:]))
        assert (box, kept, len(chat)) == (message, turns, 2)
        assert said in status
    assert "no reply yet" in last(own.retry([], "tiny_full", *SETTINGS))[4]


def test_a_system_that_is_not_there_says_which_stage_to_run(root: Path, tmp_path: Path) -> None:
    own = Conversation(Talker(load(root / "params.yaml"), Places(tmp_path)))
    box, chat, *_, status, _ = last(own.send("Hm.", [], "tiny_full", *SETTINGS))
    assert (box, chat) == ("Hm.", [])
    assert "dvc repro base_models@gpt2" in status
    html, *_ = last(own.compare("Hm.", *SETTINGS))
    assert html.count("cannot answer yet") == len(SYSTEMS)
    assert "dvc repro report" in framed(Places(tmp_path).report)


def test_all_systems_are_compared_by_the_same_replies(own: Conversation, talker: Talker) -> None:
    html, status, care = last(own.compare("<b>I want to die</b>", *SETTINGS))
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


def test_several_people_are_answered_at_once_as_they_would_be_alone(address: str, talker: Talker) -> None:
    histories = [[f"I am {feeling} today.", "Why?"] for feeling in ("sad", "glad", "lost", "shy", "calm", "free")]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda history: ask(address, "My cat ran away.", history), histories))
    for history, each in zip(histories, found, strict=True):
        *_, alone = talker.reply("tiny_full", [*history, "My cat ran away."], (), decoding_of(0.9, 30, 0.95))
        assert each == {"reply": alone.text, "cut": alone.cut, "forgotten": 0, "retrieved": [], "care": None}


def test_the_endpoint_refuses_in_a_sentence_and_logs_nothing(address: str, capfd: pytest.CaptureFixture[str]) -> None:
    for message, said in ((" ", "nothing in the message"), ("secret" * 20_000, "this one has 120,000")):
        with pytest.raises(AppError, match=said):
            ask(address, message, [])
    assert "findahelpline" in ask(address, "secretly I want to die", [])["care"]
    with pytest.raises(AppError, match="this one has 5,000"):
        ask(address, "Hm.", ["a" * 5000])
    assert "secret" not in "".join(capfd.readouterr())
