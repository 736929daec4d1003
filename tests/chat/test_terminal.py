import os
import subprocess
import sys
from pathlib import Path

import pytest

from attune.chat.engine import Talker
from attune.chat.terminal import HELP, Terminal
from attune.chat.validation import decoding_of
from attune.core.errors import AttuneError
from tests.project import ROOT


@pytest.fixture
def terminal(talker: Talker) -> Terminal:
    return Terminal(talker, "tiny_full", decoding_of(0.9, 30, 0.95))


def hear(terminal: Terminal, line: str) -> str:
    return "".join(terminal.hear(line))


def test_a_conversation_is_remembered_until_it_is_cleared(terminal: Terminal) -> None:
    first = hear(terminal, "I am sad today.").splitlines()[0]
    assert terminal.turns == ["I am sad today.", first]
    again = hear(terminal, "/retry").splitlines()[0]
    assert again != first
    assert terminal.turns == ["I am sad today.", again]
    hear(terminal, "My cat ran away.")
    assert len(terminal.turns) == 4
    hear(terminal, "/clear")
    assert terminal.turns == []
    with pytest.raises(AttuneError, match="no reply yet"):
        hear(terminal, "/retry")


def test_the_system_and_the_persona_can_be_changed(terminal: Terminal) -> None:
    assert "CoBERT" in hear(terminal, "/system cobert")
    hear(terminal, "My cat ran away.")
    shown = hear(terminal, "/found").splitlines()
    assert len(shown) == 5
    assert repr(terminal.turns[-1]) in shown[0]
    assert hear(terminal, "/persona") == "no persona\n"
    assert hear(terminal, "/persona i love the sea .") == "- i love the sea .\n"
    hear(terminal, "/retry")
    assert hear(terminal, "/found").splitlines() != shown
    with pytest.raises(AttuneError, match="There is no system 'nobody'"):
        hear(terminal, "/system nobody")
    assert hear(terminal, "/what") == HELP + "\n"


def test_where_to_find_help_is_said_before_the_reply(terminal: Terminal) -> None:
    assert "findahelpline" in next(terminal.hear("I want to kill myself"))
    assert "findahelpline" not in hear(terminal, "I am glad today.")


def test_where_to_find_help_is_said_where_the_reply_fails(talker: Talker) -> None:
    broken = Terminal(talker, "nobody", decoding_of(0.9, 30, 0.95))
    pieces = broken.hear("I want to kill myself")
    assert "findahelpline" in next(pieces)
    with pytest.raises(AttuneError, match="nobody"):
        list(pieces)


def test_where_to_find_help_is_said_where_the_message_is_refused(terminal: Terminal) -> None:
    pieces = terminal.hear("I want to kill myself " + "a" * 5000)
    assert "findahelpline" in next(pieces)
    with pytest.raises(AttuneError, match="this one has 5,022"):
        list(pieces)


def test_a_message_whose_reply_is_ended_can_be_tried_again(terminal: Terminal) -> None:
    growing = terminal.hear("I am sad today.")
    next(growing)
    growing.close()
    assert terminal.turns[0] == "I am sad today."
    again = hear(terminal, "/retry").splitlines()[0]
    assert terminal.turns == ["I am sad today.", again]


def test_a_reply_that_fails_leaves_the_conversation_as_it_was(terminal: Terminal) -> None:
    terminal.turns, terminal.system = ["Hm.", "Yes."], "nobody"
    with pytest.raises(AttuneError, match="nobody"):
        hear(terminal, "I am sad today.")
    assert terminal.turns == ["Hm.", "Yes."]


def test_an_exchange_without_a_reply_is_none_for_the_system(talker: Talker) -> None:
    decoding = decoding_of(0.9, 30, 0.95)
    silent, fresh = (Terminal(talker, "tiny_full", decoding) for _ in range(2))
    silent.turns = ["Hello?", ""]
    assert hear(silent, "I am sad today.") == hear(fresh, "I am sad today.")
    assert silent.turns[:2] == ["Hello?", ""]


def test_the_command_talks_line_by_line(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "attune.chat", "--root", str(root), "--system", "tiny_full"],
        input="I am sad today.\n\n/quit\n", text=True, capture_output=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "no help line" in done.stdout
    assert done.stdout.count("> ") == 3
    assert "There is nothing in the message" in done.stdout
    assert done.stderr == ""


def test_the_command_refuses_what_is_not_there(root: Path, tmp_path: Path) -> None:
    for words, said in (
        (["--root", str(tmp_path)], "params.yaml is missing"),
        (["--root", str(root), "--system", "nobody"], "There is no system 'nobody'"),
        (["--root", str(root), "--top-p", "2"], "top_p = 2.0"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "attune.chat", *words], text=True, capture_output=True, cwd=ROOT, input=""
        )
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr
