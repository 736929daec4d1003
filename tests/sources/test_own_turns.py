"""Turns of one's own data by others than a person and the responder."""

import json
from pathlib import Path
from typing import Any

import pytest

from attune.core.files import read_json
from attune.core.people import ASKS, REPLIES
from attune.corpora import raw_corpus
from attune.corpora.reading import BadRow, BadRows
from attune.sources.own_data import conversations
from attune.sources.own_turns import Turns, joined, read_turns
from stages.download import main
from tests.project import changed

CALL, RESULT = '{"name": "weather"}', '{"sky": "grey"}'
PARTS = [{"type": "text", "text": "It is grey."}, {"type": "text", "text": "Take a coat."}]
SAID = [(ASKS, "Do I need a coat?"), (REPLIES, "It is grey.\nTake a coat.")]
QUESTION = {"from": "human", "value": "Do I need a coat?"}
ANSWER = {"from": "gpt", "value": "It is grey.\nTake a coat."}
# One conversation as each way of calling tools writes it, and whose turns are not part of it.
SHAPES: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "ShareGPT": (
        [
            QUESTION,
            {"from": "function_call", "value": CALL},
            {"from": "observation", "value": RESULT},
            ANSWER,
        ],
        ["function_call", "observation"],
    ),
    "the call in the responder's turn": (
        [QUESTION, {"from": "gpt", "value": f"<tool_call>{CALL}"}, {"from": "Tool", "value": RESULT}, ANSWER],
        ["tool", "call of a tool"],
    ),
    "OpenAI": (
        [
            {"role": "user", "content": [{"type": "text", "text": "Do I need a coat?"}]},
            {"role": "assistant", "content": None, "tool_calls": [{"function": CALL}]},
            {"role": "tool", "content": RESULT, "tool_call_id": "1"},
            {"role": "tool", "content": {"any": "shape"}},
            {"role": "assistant", "content": PARTS, "tool_calls": []},
        ],
        ["call of a tool", "tool", "tool"],
    ),
    "as parquet fills it": (
        [
            {"from": None, "value": None, "role": "user", "content": "Do I need a coat?", "function_call": None},
            {"from": None, "value": None, "role": "assistant", "content": "Let me see.", "function_call": CALL},
            {"from": None, "value": None, "role": "function", "content": RESULT, "function_call": None},
            {"from": None, "value": None, "role": "assistant", "content": PARTS, "function_call": None},
        ],
        ["call of a tool", "function"],
    ),
    "as parquet fills it, where a call has fields": (
        [
            {"role": "user", "content": "Do I need a coat?", "function_call": {"name": None}, "tool_calls": "[]"},
            {"role": "assistant", "content": None, "function_call": {"name": "weather"}, "tool_calls": "[]"},
            {"role": "tool", "content": RESULT, "function_call": {"name": None}, "tool_calls": "[]"},
            {"role": "assistant", "content": PARTS, "function_call": {"name": None}, "tool_calls": [{"id": ""}]},
        ],
        ["call of a tool", "tool"],
    ),
    "somebody else": ([QUESTION, {"from": "narrator", "value": "It rains."}, ANSWER], ["narrator"]),
}


@pytest.mark.parametrize(("cells", "others"), SHAPES.values(), ids=SHAPES)
def test_tools_and_their_calls_are_left_out(cells: list[Any], others: list[str]) -> None:
    system = {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]}
    assert read_turns(1, [system, *cells]) == Turns(SAID, ("Be brief.",), tuple(others))


@pytest.mark.parametrize("name", ["function_call", "tool_call", "tool_calls"])
def test_a_reply_before_a_call_in_a_turn_of_its_own_is_kept(name: str) -> None:
    calls = [{"from": name, "value": CALL}, {"from": "tool", "value": RESULT}, {"from": "tool", "value": RESULT}]
    see = {"from": "gpt", "value": "Let me see."}
    told = [*SAID[:1], (REPLIES, "Let me see."), *SAID[1:]]
    assert read_turns(1, [QUESTION, see, *calls, ANSWER]) == Turns(told, (), (name, "tool", "tool"))


def test_a_reply_before_an_answer_that_calls_a_tool_is_kept() -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": CALL}]}
    turns = read_turns(1, [QUESTION, ANSWER, call, {"role": "tool", "content": RESULT}])
    assert turns == Turns(SAID, (), ("call of a tool", "tool"))


def test_a_conversation_that_breaks_off_at_a_tool_keeps_what_was_answered() -> None:
    more = [{"from": "human", "value": "And now?"}, {"from": "function_call", "value": CALL}]
    assert joined(1, read_turns(1, [QUESTION, ANSWER, *more])) == ([ASKS, REPLIES], [text for _, text in SAID])


def test_a_speaker_is_named_by_whichever_key_holds_one() -> None:
    """Parquet fills the key that a turn does not have with null."""
    turns = [{"from": None, "role": "user", "value": "Hi."}, {"from": "gpt", "role": None, "value": "Hi!"}]
    assert read_turns(1, turns).said == [(ASKS, "Hi."), (REPLIES, "Hi!")]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([QUESTION, {"from": "observation", "value": RESULT}], "turns by observation are left out"),
        ([{"from": "alice", "value": "Hi."}, {"from": "bob", "value": "Hi!"}], "turns by alice, bob are left out"),
        ([{"speaker": "user", "text": "Hi."}], r"a turn has neither `from` nor `role` \(it has speaker, text\)"),
        ([QUESTION, ANSWER, {"from": None, "role": "", "value": "Hi."}], r"neither `from` nor `role` \(it has value\)"),
        ([QUESTION, ANSWER, {}], r"neither `from` nor `role` \(it is empty\)"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], r"the part \"\{'type': 'image_url'\}\"; expected"),
        ([QUESTION, {"role": "assistant", "content": []}], "a turn is empty"),
        ([{"role": "user", "text": "Hi."}], r"a turn has neither `content` nor `value` \(it has role, text\)"),
    ],
)
@pytest.mark.fault("one's own conversations that no person and responder have", "line and speakers are named")
def test_a_conversation_without_two_sides_is_refused(cells: list[Any], message: str) -> None:
    with pytest.raises(BadRow, match=message):
        joined(1, read_turns(1, cells))


def test_what_is_left_out_is_counted_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"conversations": cells} for cells, _ in SHAPES.values()]
    (tmp_path / "chats.json").write_text(json.dumps([*rows, *rows[:1]]))
    changed(tmp_path, ("corpora.mine", {"path": str(tmp_path / "chats.json")}))
    monkeypatch.chdir(tmp_path)
    main(corpus="mine", target=Path("raw"))
    counted = {"call of a tool": 4, "tool": 4, "function_call": 2, "observation": 2, "function": 1, "narrator": 1}
    assert read_json(Path("raw/manifest.json"))["turns_left_out"] == counted
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith("mine: 14 turns left out (call of a tool 4, tool 4, ")


@pytest.mark.parametrize(
    ("name", "counted"), [("mine", {}), ("pec", {"system": 3}), ("empathetic_dialogues", {"system": 3})]
)
@pytest.mark.fault("system turns in a place that takes no instructions", "left out and counted")
def test_system_turns_are_counted_where_they_are_left_out(tmp_path: Path, name: str, counted: dict[str, int]) -> None:
    system = [{"from": role, "value": f"Be {role}."} for role in ("system", "developer")]
    rows = [{"conversations": [*system, QUESTION, ANSWER]}, {"conversations": [*system[:1], QUESTION, ANSWER]}]
    path = tmp_path / "chats.json"
    path.write_text(json.dumps([row | {"emotion": "sad"} for row in rows]))
    bad, place = BadRows("error"), raw_corpus(name, own=True).own
    assert place is not None
    read = list(conversations([path], None, bad, place))
    assert bad.turns_left_out == counted
    assert [each["system"] for each in read] == (["", ""] if counted else ["Be system.\nBe developer.", "Be system."])
