import json
import random
import re
from html import escape, unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import gradio as gr
import pytest

from attune.chat.answers import Question
from attune.chat.artifacts import Artifacts
from attune.chat.comparison import DOWN, UP, Card, Compared, Comparisons, as_json, download_link
from attune.chat.engine import Engine
from attune.chat.rendering import NO_REPLY
from attune.parameters import load
from tests.chat.conftest import events
from tests.chat.tiny_pipeline import SAMPLING, SYSTEMS

SETTINGS = ("I love apples.", False, 0.9, 30, 0.95)
FIRST = 5  # where the parts of the cards begin in an event


def cards(event: tuple[Any, ...]) -> list[str]:
    """The texts of the cards that are shown."""
    return [event[at + 1] for at in range(FIRST, len(event), 4) if event[at]["visible"]]


@pytest.fixture(scope="module")
def seen(engine: Engine) -> list[Any]:
    return events(Comparisons(engine).compare("I <b>am sad</b>", False, *SETTINGS))


def test_the_cards_show_the_replies_of_the_chat_one_after_the_other(seen: list[Any], engine: Engine) -> None:
    assert [len(cards(event)) for event in seen] == list(range(len(SYSTEMS) + 1))
    assert [event[1].split()[0] for event in seen] == [f"{at}/{len(SYSTEMS)}" for at in range(len(SYSTEMS) + 1)]
    compared, _, crisis, *_ = seen[-1]
    assert crisis == gr.skip()  # the event before it has hidden it, or shows that of a later message
    assert [card.system for card in compared.cards] == list(engine.systems)
    for card, shown in zip(compared.cards, cards(seen[-1]), strict=True):
        assert shown.startswith(f"<h3>{escape(engine.systems[card.system].label)}</h3>")
    *_, alone = engine.reply("cobert", Question([compared.message], compared.persona, SAMPLING))
    assert compared.cards[0].reply == alone.text


def test_the_message_stands_with_its_replies(seen: list[Any], engine: Engine) -> None:
    first, *others = [event[3] for event in seen]
    assert first == ""  # there is no reply yet
    assert [unescape(re.sub("<[^>]*>", "", each)) for each in others] == ["Replies to:I <b>am sad</b>"] * len(SYSTEMS)
    assert Comparisons(engine).judge(0, UP, False, seen[-1][0])[3] == others[-1]


def test_a_reply_is_shown_as_text(engine: Engine) -> None:
    answers = (Card("full", "<b>I</b> & you", 1.0), Card("cobert", None, 0.0, "<i>no model</i>"))
    event = Comparisons(engine).judge(0, UP, False, Compared("Hm.", cards=answers, complete=True))
    reply, reason = cards(event)
    assert "<p>&lt;b&gt;I&lt;/b&gt; &amp; you</p>" in reply
    assert "<p>&lt;i&gt;no model&lt;/i&gt;</p>" in reason


def test_neither_a_name_nor_a_time_tells_blind_replies_apart_before_they_are_judged(root: Path, tmp_path: Path) -> None:
    comparisons = Comparisons(Engine(load(root / "params.yaml"), Artifacts(tmp_path)))
    answers = (Card("full", "Yes.", 1.5), Card("cobert", "No.", 2.5))
    judged, other = cards(comparisons.judge(0, UP, True, Compared("Hm.", blind=True, cards=answers, complete=True)))
    label = escape(comparisons.engine.systems["full"].label)
    assert judged == f'<h3>{label}</h3><p>Yes.</p><p class="by">1.5 s</p>'
    assert other == "<h3>Reply 2</h3><p>No.</p>"
    assert json.loads(comparisons.engine.artifacts.judgements.read_text())["blind"] is True


def test_a_refused_message_clears_the_cards(engine: Engine) -> None:
    ((compared, status, _, asked, link, *_),) = events(Comparisons(engine).compare(" ", False, *SETTINGS))
    assert compared == Compared()
    assert asked == link == ""
    assert "nothing in the message" in status


def test_no_system_replies_to_a_message_that_speaks_of_harm(engine: Engine) -> None:
    ((compared, status, crisis, *_),) = events(Comparisons(engine).compare("I want to die", False, *SETTINGS))
    assert compared == Compared()
    assert status == NO_REPLY
    assert "findahelpline" in crisis["value"]


def test_a_system_that_cannot_answer_says_why(root: Path, tmp_path: Path) -> None:
    comparisons = Comparisons(Engine(load(root / "params.yaml"), Artifacts(tmp_path)))
    *_, event = events(comparisons.compare("Hm.", True, *SETTINGS))
    assert all("cannot answer yet: models/base/" in text for text in cards(event))
    assert not any(event[at]["visible"] for at in range(FIRST + 2, len(event), 4))  # there is nothing to judge
    assert re.fullmatch(r"No system can reply\. .* is missing; `dvc repro .*` writes it; `make repro` .*\.", event[1])


def test_a_blind_order_cannot_be_told_from_a_seed(root: Path, tmp_path: Path) -> None:
    """The models' thread seeds Python's own generator when it starts."""
    comparisons, drawn = Comparisons(Engine(load(root / "params.yaml"), Artifacts(tmp_path))), set()
    for _ in range(5):
        random.seed(13)
        compared, *_ = events(comparisons.compare("Hm.", True, *SETTINGS))[-1]
        drawn.add(tuple(card.system for card in compared.cards))
    assert len(drawn) > 1
    assert {frozenset(each) for each in drawn} == {frozenset(SYSTEMS)}


@pytest.mark.fault("memory that runs out in a comparison", "the other systems' replies")
def test_a_reply_that_fails_ends_no_comparison(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def load_nothing(_system: str) -> None:
        raise MemoryError("no room for the model")

    monkeypatch.setattr(engine.models, "retriever", load_nothing)
    compared, *_ = events(Comparisons(engine).compare("Hm.", False, *SETTINGS))[-1]
    (failed,) = (card for card in compared.cards if card.reply is None)
    assert (failed.system, failed.reason) == ("cobert", "The reply failed; the server's log says why.")
    assert len(compared.cards) == len(SYSTEMS)
    assert "no room for the model" in caplog.text


def test_names_are_hidden_until_a_reply_is_judged(seen: list[Any], engine: Engine) -> None:
    blind = Compared("Hm.", (), True, seen[-1][0].cards, complete=True)
    event = Comparisons(engine).judge(1, DOWN, False, blind)
    labels = [text.split("</h3>")[0].removeprefix("<h3>") for text in cards(event)]
    assert labels[1] == engine.systems[blind.cards[1].system].label
    assert labels[:1] + labels[2:] == ["Reply 1", *(f"Reply {at}" for at in range(3, len(SYSTEMS) + 1))]
    named = [each["system"] for each in as_json(event[0])["replies"]]
    assert named == [None, blind.cards[1].system, *[None] * (len(SYSTEMS) - 2)]
    assert event[1] == f"1/{len(SYSTEMS)} judged"
    assert event[FIRST + 4 + 3]["variant"] == "primary"
    assert not event[FIRST + 4 + 3]["interactive"]


def test_verdicts_are_kept_only_where_people_want_it(seen: list[Any], root: Path, tmp_path: Path) -> None:
    comparisons, compared = Comparisons(Engine(load(root / "params.yaml"), Artifacts(tmp_path))), seen[-1][0]
    comparisons.judge(0, UP, False, compared)
    assert not comparisons.engine.artifacts.judgements.exists()
    for at, verdict in ((0, UP), (1, DOWN)):
        comparisons.judge(at, verdict, True, compared)
    lines = [json.loads(line) for line in (tmp_path / "judgements.jsonl").read_text("utf-8").splitlines()]
    assert [(each["system"], each["verdict"]) for each in lines] == [
        (compared.cards[0].system, "up"),
        (compared.cards[1].system, "down"),
    ]
    assert lines[0]["context"] == ["I <b>am sad</b>"]
    assert lines[0]["time"].endswith("+00:00")


def test_a_verdict_that_cannot_be_saved_is_said_without_where_the_server_keeps_its_files(
    seen: list[Any], root: Path, tmp_path: Path
) -> None:
    comparisons = Comparisons(Engine(load(root / "params.yaml"), Artifacts(tmp_path)))
    (tmp_path / "judgements.jsonl").mkdir()
    _, status, *_ = comparisons.judge(0, UP, True, seen[-1][0])
    assert status == "The verdict was not saved: judgements.jsonl: Is a directory."


def test_replies_can_be_judged_once_the_last_one_is_there(seen: list[Any], root: Path, tmp_path: Path) -> None:
    comparisons = Comparisons(Engine(load(root / "params.yaml"), Artifacts(tmp_path)))
    for event in seen:
        count = len(event[0].cards)
        buttons = [event[at + of] for at in range(FIRST, FIRST + 4 * count, 4) for of in (2, 3)]
        assert [each["interactive"] for each in buttons] == [event is seen[-1]] * (2 * count)
        late = comparisons.judge(0, UP, True, event[0])
        assert (late == gr.skip()) == (event is not seen[-1])
    judged = late[0]
    assert judged.cards[0].verdict == UP
    assert comparisons.judge(0, DOWN, True, judged) == gr.skip()
    (line,) = (tmp_path / "judgements.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["verdict"] == "up"


def test_a_verdict_is_one_line_for_every_reader(root: Path, tmp_path: Path) -> None:
    said = "a\u2028b\u2029c\u0085d"
    compared = Compared(said, (said,), False, (Card("cobert", said, 1.0),), complete=True)
    Comparisons(Engine(load(root / "params.yaml"), Artifacts(tmp_path))).judge(0, UP, True, compared)
    (line,) = (tmp_path / "judgements.jsonl").read_text("utf-8").splitlines()
    kept = json.loads(line)
    assert (kept["context"], kept["persona"], kept["reply"]) == ([said], [said], said)


def test_the_download_holds_the_comparison(seen: list[Any]) -> None:
    data = unquote(download_link(seen[-1][0]).split("utf-8,")[1].split('"')[0])
    assert json.loads(data) == json.loads(json.dumps(as_json(seen[-1][0])))
    assert len(json.loads(data)["replies"]) == len(SYSTEMS)
