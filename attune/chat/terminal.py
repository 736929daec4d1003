"""Chat in a terminal: `python -m attune.chat [--system NAME] [--root FOLDER]`."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from attune.chat.about import about
from attune.chat.answers import Answer, Exchange, Question, answered_turns
from attune.chat.choices import decoding_note, persona_note, require_ready, starting_system
from attune.chat.crisis import crisis_message
from attune.chat.engine import Engine
from attune.chat.streaming import settled
from attune.chat.validation import checked_message, persona_sentences
from attune.core.environment import print_any_text
from attune.core.errors import AttuneError

HELP = """/system NAME   switch to another system         /systems   list the systems
/persona TEXT  add a sentence to the persona;   /retry     another reply to the last message
               without TEXT: remove them all    /clear     start a new conversation
/retrieved     show what was retrieved          /quit      leave"""


class Terminal:
    """A conversation, one entered line at a time."""

    def __init__(self, engine: Engine, system: str, sampling: Sequence[float | None]) -> None:
        """sampling: temperature, top_k and top_p, as `Engine.decoding` takes them; it may be empty."""
        self.engine, self.system, self.sampling = engine, system, sampling
        self.persona = list(engine.parameters.rag.persona)
        self.exchanges: list[Exchange] = []
        self.last = Answer()

    def handle(self, line: str) -> Iterator[str]:
        """The output for one line, in pieces as it is written.

        Raises
        ------
        AttuneError
            if the line is refused, which leaves the exchanges as they were, or if the system cannot answer; a
            message stays then, without a reply, for /retry.
        """
        command, _, argument = line.strip().partition(" ")
        argument = argument.strip()
        if command == "/retry":
            yield from self._retry()
        elif command == "/system":
            yield self._switch(argument)
        elif command == "/systems":
            yield "".join(f"{system.title}\n" for system in self.engine.systems.values())
        elif command == "/persona":
            self.persona = [*self.persona, *persona_sentences(argument)] if argument else []
            yield "".join(f"- {sentence}\n" for sentence in self.persona) or "no persona\n"
            yield self._unread_persona()
        elif command == "/retrieved":
            yield "".join(f"{each.score:8.3f}  {each.text!r}\n" for each in self.last.retrieved) or "nothing\n"
        elif command == "/clear":
            self.exchanges, self.last = [], Answer()
        elif command.startswith("/"):
            yield HELP + "\n"
        else:
            yield from self._send(line)

    def _send(self, message: str) -> Iterator[str]:
        if crisis := crisis_message(message):  # even if the message is too long for a reply
            self.exchanges = [*self.exchanges, Exchange(message, system=self.system)]  # so that /retry answers it too
            yield f"{crisis}\n"
            return
        history, exchange = self.exchanges, Exchange(checked_message(message), system=self.system)
        self.exchanges = [*history, exchange]  # so that a message whose reply is interrupted or fails can be retried
        yield from self._write(history, exchange)

    def _retry(self) -> Iterator[str]:
        if not self.exchanges:
            raise AttuneError("There is no reply yet that could be tried again.")
        *history, last = self.exchanges
        if crisis := crisis_message(last.message):
            yield f"{crisis}\n"
            return
        yield from self._write(history, last.again(self.system))

    def _switch(self, name: str) -> str:
        system = self.engine.system(name)
        self.system = name
        return f"{system.title}\n{decoding_note(self.engine, name, self.sampling)}\n{self._unread_persona()}"

    def _unread_persona(self) -> str:
        """Which systems do read the persona, where the chosen one does not and there is one."""
        unread = self.persona and not self.engine.reads_persona(self.system)
        return f"Persona: {persona_note(self.engine, self.system)}\n" if unread else ""

    def _write(self, history: list[Exchange], exchange: Exchange) -> Iterator[str]:
        turns, written = [*answered_turns(history), exchange.message], ""
        decoding = self.engine.decoding(self.system, *self.sampling)
        for answer in self.engine.reply(self.system, Question(turns, self.persona, decoding, exchange.attempt)):
            if answer.loading:
                yield f"({answer.loading_note} ...)\n"
            # So that nothing is shown and then cut. Once a reply is cut, less of it is settled than before.
            text = answer.text if answer.done else max(written, settled(answer.text), key=len)
            yield text[len(written) :]
            written, self.last = text, answer
        yield "\n"
        self.exchanges = [*history, replace(exchange, reply=written, answered=True)]
        yield from (f"({note})\n" for note in self.last.notes())


def main() -> None:
    print_any_text()
    parser = argparse.ArgumentParser(prog="python -m attune.chat", description="Chat with a system in this terminal.")
    parser.add_argument("--root", type=Path, default=Path(), help="the folder with params.yaml, models and data")
    parser.add_argument("--system", help="the system that answers; /systems lists all")
    instead = "in place of the value in params.yaml"
    parser.add_argument("--temperature", type=float, help=f"{instead}; without --top-k, every token may then be drawn")
    parser.add_argument("--top-k", type=int, help=instead)
    parser.add_argument("--top-p", type=float, help=f"{instead}; without --top-k, as with --temperature")
    arguments = parser.parse_args()
    try:
        engine = Engine.from_root(arguments.root)
        require_ready(engine)
        name = arguments.system or starting_system(engine)
        title, sampling = engine.system(name).title, (arguments.temperature, arguments.top_k, arguments.top_p)
        engine.decoding(name, *sampling)  # refuses what is out of range
    except (AttuneError, OSError) as error:
        sys.exit(f"error: {error}")
    engine.preload()
    print(f"{about(engine.parameters, engine.artifacts)}\n{title}\n{decoding_note(engine, name, sampling)}\n{HELP}")
    chat(Terminal(engine, name, sampling))


def chat(terminal: Terminal) -> None:
    """Handle lines until /quit or the end of the input."""
    while True:
        try:
            line = input("> ")
        except (EOFError, KeyboardInterrupt):
            break
        if line.strip() == "/quit":
            break
        try:
            for piece in terminal.handle(line):
                print(piece, end="", flush=True)
        except AttuneError as error:
            print(error)
        except KeyboardInterrupt:
            print(" (stopped)")
