import os
from pathlib import Path

import pytest

from attune.chat.answers import Answer, Exchange, Question
from attune.chat.artifacts import Artifacts
from attune.chat.choices import persona_note
from attune.chat.crisis import crisis_message
from attune.chat.engine import Engine
from attune.chat.streaming import settled
from attune.chat.terminal import HELP, Terminal
from attune.core.errors import AttuneError
from attune.corpora.wording import as_written
from attune.inference.sentences import whole_sentences
from attune.parameters import load
from tests import forked
from tests.chat.tiny_pipeline import SAMPLING
from tests.project import ROOT, changed


@pytest.fixture(autouse=True, scope="module")
def loaded(engine: Engine) -> None:
    """Otherwise the first output of a test that runs alone would be that the generator is loading."""
    list(engine.reply("full", Question(["Hm."], (), SAMPLING)))


@pytest.fixture
def terminal(engine: Engine) -> Terminal:
    return Terminal(engine, "full", ())


def output(terminal: Terminal, line: str) -> str:
    return "".join(terminal.handle(line))


def test_a_conversation_is_remembered_until_it_is_cleared(terminal: Terminal) -> None:
    first = output(terminal, "I am sad today.").splitlines()[0]
    assert terminal.exchanges == [Exchange("I am sad today.", first)]
    again = output(terminal, "/retry").splitlines()[0]
    assert again != first
    assert terminal.exchanges == [Exchange("I am sad today.", again, attempt=1)]
    output(terminal, "My cat ran away.")
    assert len(terminal.exchanges) == 2
    output(terminal, "/clear")
    assert terminal.exchanges == []
    with pytest.raises(AttuneError, match="no reply yet"):
        output(terminal, "/retry")


def test_the_system_and_the_persona_can_be_changed(terminal: Terminal) -> None:
    assert "CoBERT" in output(terminal, "/system cobert")
    output(terminal, "My cat ran away.")
    shown = output(terminal, "/retrieved").splitlines()
    assert len(shown) == 5
    assert repr(terminal.exchanges[-1].reply) in shown[0]
    output(terminal, "/persona i hate the sea .")
    assert len(terminal.persona) == 2
    assert "without TEXT: remove them all" in HELP
    assert output(terminal, "/persona") == "no persona\n"
    assert output(terminal, "/persona i love the sea .") == "- i love the sea .\n"
    output(terminal, "/retry")
    assert output(terminal, "/retrieved").splitlines() != shown
    with pytest.raises(AttuneError, match="There is no system 'nobody'"):
        output(terminal, "/system nobody")
    assert output(terminal, "/what") == HELP + "\n"


def test_a_persona_that_the_system_does_not_read_is_said_to_have_no_effect(engine: Engine, terminal: Terminal) -> None:
    note = f"Persona: {persona_note(engine, 'full')}\n"
    assert note.startswith("Persona: Not read by Full fine-tuning, but by CoBERT's retrieval, ")
    assert output(terminal, "/persona i hate the sea .").endswith(f"- i hate the sea .\n{note}")
    assert "Not read" not in output(terminal, "/system persona")
    assert output(terminal, "/persona i ski .").endswith("- i ski .\n")
    assert output(terminal, "/system full").endswith(note)
    assert output(terminal, "/persona") == "no persona\n"


def test_what_is_being_loaded_is_said_before_the_reply(root: Path) -> None:
    fresh = Terminal(Engine(load(root / "params.yaml"), Artifacts(root)), "rag+persona_rag", ())
    loading, *_ = output(fresh, "I am sad today.").splitlines()
    assert loading.startswith(
        "(loading CoBERT, the exchanges of EmpatheticDialogues and the language model; this takes"
    )
    assert "loading" not in output(fresh, "My cat ran away.")


def test_the_decoding_settings_that_are_given_count(engine: Engine, terminal: Terminal) -> None:
    likeliest = Terminal(engine, "full", (None, 1, None))
    wanted = [*engine.reply("full", Question(["I am sad today."], (), engine.decoding("full", top_k=1)))][-1].text
    assert output(likeliest, "I am sad today.").splitlines()[0] == wanted
    assert output(terminal, "I am sad today.").splitlines()[0] != wanted
    assert "decodes as you chose: sampling, temperature 0.9, top_k 1, " in output(likeliest, "/system full")


@pytest.mark.parametrize("end", ["", "a" * 5000])
def test_the_crisis_message_is_the_whole_answer(terminal: Terminal, end: str) -> None:
    output(terminal, "I am sad today.")
    silent = Terminal(terminal.engine, "full", ())
    silent.exchanges = terminal.exchanges
    message = f"I want to kill myself {end}"
    assert output(terminal, message) == f"{crisis_message(message)}\n"
    assert output(terminal, "/retry") == f"{crisis_message(message)}\n"
    output(terminal, "/system cobert")
    assert output(terminal, "/retry") == f"{crisis_message(message)}\n"
    output(terminal, "/system full")
    assert output(terminal, "I am glad today.") == output(silent, "I am glad today.")  # the message was not read


def test_a_message_whose_reply_was_interrupted_can_be_retried(terminal: Terminal) -> None:
    growing = terminal.handle("I am sad today.")
    next(growing)
    growing.close()
    assert terminal.exchanges == [Exchange("I am sad today.")]
    again = output(terminal, "/retry").splitlines()[0]
    assert terminal.exchanges == [Exchange("I am sad today.", again)]


def test_a_retry_with_another_system_gives_that_system_s_reply(engine: Engine, terminal: Terminal) -> None:
    first = {name: output(Terminal(engine, name, ()), "I am sad today.") for name in ("full", "cobert")}
    assert output(terminal, "I am sad today.") == first["full"]
    output(terminal, "/system cobert")
    assert output(terminal, "/retry") == first["cobert"]
    growing = terminal.handle("/retry")
    next(growing)
    growing.close()
    assert terminal.exchanges == [Exchange("I am sad today.", first["cobert"].splitlines()[0])]
    assert output(terminal, "/retry") != first["cobert"]


def test_a_message_whose_reply_failed_can_be_retried(terminal: Terminal) -> None:
    terminal.exchanges, terminal.system = [Exchange("Hm.", "Yes.")], "nobody"
    with pytest.raises(AttuneError, match="nobody"):
        output(terminal, "I am sad today.")
    assert terminal.exchanges == [Exchange("Hm.", "Yes."), Exchange("I am sad today.")]
    output(terminal, "/system full")
    reply = output(terminal, "/retry").splitlines()[0]
    assert terminal.exchanges == [Exchange("Hm.", "Yes."), Exchange("I am sad today.", reply)]


def test_a_message_that_is_refused_leaves_the_conversation_unchanged(terminal: Terminal) -> None:
    terminal.exchanges = [Exchange("Hm.", "Yes.")]
    with pytest.raises(AttuneError, match="nothing in the message"):
        output(terminal, "  ")
    assert terminal.exchanges == [Exchange("Hm.", "Yes.")]


def test_a_message_without_a_reply_is_not_part_of_the_context(engine: Engine) -> None:
    silent, fresh = (Terminal(engine, "full", ()) for _ in range(2))
    silent.exchanges = [Exchange("Hello?")]
    assert output(silent, "I am sad today.") == output(fresh, "I am sad today.")
    assert silent.exchanges[0] == Exchange("Hello?")


def test_what_is_on_the_screen_is_the_reply_that_is_remembered(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reply is cut at the length limit, as the engine cuts it."""
    written = "1. Eat less sugar.\n2. Walk 3.5 miles (or more.) a day.\n7. Eat more whole"
    grown = [Answer(written[:end].strip(), truncated=True) for end in range(len(written) + 1)]
    kept = "1. Eat less sugar.\n2. Walk 3.5 miles (or more.) a day."
    answers = [*grown[:-1], Answer(kept, truncated=True), Answer(kept, done=True, truncated=True)]
    monkeypatch.setattr(terminal.engine, "reply", lambda *_: iter(answers))
    pieces = list(terminal.handle("How to keep healthy?"))
    assert "".join(pieces) == f"{kept}\n({terminal.last.notes()[0]})\n"
    assert len([piece for piece in pieces if piece]) > 3  # it grows
    assert terminal.exchanges == [Exchange("How to keep healthy?", kept)]


@pytest.mark.parametrize(
    "text",
    [
        'i am glad . ( so is he . ) " yes ! " he said . 7 . it',
        "it is 3.5 km . . no ... yes ?! :) ok u . s . a",
        "我很好。（真的。）他说「好！」2. 花了3.5元？ 是",
        "So do I. I saw Dr. Wu in the U.S. ( J. Smith, e.g. ) , and ( the U.S. ) you. A.I. is it . so i.",
    ],
)
def test_nothing_that_is_settled_is_cut_wherever_a_reply_ends(text: str) -> None:
    """Of PEC's text, which is cut before it is written as people write it, and of others."""
    for size in range(len(text) + 1):
        for end in range(size, len(text) + 1):
            assert whole_sentences(text[:end]).startswith(settled(text[:size]))
            shown = as_written(text[: text[:size].rfind(" ") + 1])
            assert as_written(whole_sentences(text[:end].strip())).startswith(settled(shown))
    assert (settled("He is glad. So"), settled("我很好。但")) == ("He is glad.", "我很好。")


@pytest.mark.parametrize("system", ["full", "persona"])
def test_the_command_answers_line_by_line(root: Path, system: str) -> None:
    words = ("-m", "attune.chat", "--root", root, "--system", system)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = forked.python("models", *words, cwd=root, env=environment, given="I am sad today.\n\n/quit\n")
    assert done.returncode == 0, done.stderr
    assert "not a crisis line" in done.stdout
    assert "Data: the " in done.stdout
    assert done.stdout.count("> ") == 3
    assert "There is nothing in the message" in done.stdout
    assert done.stderr == ""


def test_the_command_refuses_missing_files_and_wrong_options(root: Path, tmp_path: Path) -> None:
    (untrained := tmp_path / "untrained").mkdir()
    changed(untrained)
    (unreadable := tmp_path / "unreadable" / "params.yaml").mkdir(parents=True)
    for words, reason in (
        (["--root", str(tmp_path)], f"error: {tmp_path} has no params.yaml; name a project's folder with --root"),
        (["--root", str(tmp_path / "quick")], f"{tmp_path}/quick has no params.yaml; run `make quick` first"),
        (["--root", str(untrained)], "no system can answer yet: "),
        (["--root", str(unreadable.parent)], f"error: [Errno 21] Is a directory: '{unreadable}'"),
        (["--root", str(root), "--system", "nobody"], "There is no system 'nobody'"),
        (["--root", str(root), "--top-p", "2"], "top_p = 2.0"),
    ):
        done = forked.python("models", "-m", "attune.chat", *words, cwd=ROOT)
        assert done.returncode == 1
        assert reason in done.stderr
        assert "Traceback" not in done.stderr
