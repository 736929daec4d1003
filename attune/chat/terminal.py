"""The page's conversation in a terminal: `python -m attune.chat [--system NAME] [--root FOLDER]`."""

import argparse
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from attune.chat.answers import Answer, answered
from attune.chat.crisis import care
from attune.chat.engine import Talker
from attune.chat.validation import START, checked, decoding_of, sentences
from attune.core.errors import AttuneError
from attune.parameters.generators import Decoding

HELP = """/system NAME   talk to another system      /systems   what there is
/persona TEXT  one sentence more about who replies; without TEXT: none
/found         what was retrieved              /retry     another answer to the last message
/clear         begin anew                      /quit      end"""
ABOUT = "Small research models answer; they understand nothing. Research, and no help line: https://findahelpline.com"


class Terminal:
    """A conversation, line by line."""

    def __init__(self, talker: Talker, system: str, decoding: Decoding) -> None:
        self.talker, self.system, self.decoding = talker, system, decoding
        self.persona = list(talker.settings.rag.persona)
        self.turns: list[str] = []
        self.attempt = 0
        self.last = Answer()

    def hear(self, line: str) -> Iterator[str]:
        """What to print for one line, piece by piece."""
        word, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        if word == "/retry":
            yield from self._retry()
        elif word == "/system":
            yield from self._switch(rest)
        elif word == "/systems":
            yield "".join(f"{each.title}\n" for each in self.talker.systems.values())
        elif word == "/persona":
            self.persona = [*self.persona, *sentences(rest)] if rest else []
            yield "".join(f"- {each}\n" for each in self.persona) or "no persona\n"
        elif word == "/found":
            yield "".join(f"{each.score:8.3f}  {each.text!r}\n" for each in self.last.found) or "nothing\n"
        elif word == "/clear":
            self.turns, self.last = [], Answer()
        elif word.startswith("/"):
            yield HELP + "\n"
        else:
            # Before the message is looked at, which may be refused, and before the reply, which may fail.
            if concern := care(line):
                yield f"{concern}\n\n"
            asked, before = checked(line), self.turns
            self.attempt, self.turns = 0, [*before, asked, ""]  # not lost where Ctrl+C ends the reply
            try:
                yield from self._answer(before, asked)
            except AttuneError:
                self.turns = before
                raise

    def _retry(self) -> Iterator[str]:
        if not self.turns:
            raise AttuneError("There is no reply yet that could be tried again.")
        self.attempt += 1
        yield from self._answer(self.turns[:-2], self.turns[-2])

    def _switch(self, name: str) -> Iterator[str]:
        system = self.talker.system(name)
        self.system = name
        yield system.title + "\n"

    def _answer(self, before: list[str], asked: str) -> Iterator[str]:
        given = answered(zip(before[::2], before[1::2], strict=True))
        written = ""
        for answer in self.talker.reply(self.system, [*given, asked], self.persona, self.decoding, self.attempt):
            yield answer.text[len(written) :]
            written, self.last = answer.text, answer
        yield "\n"
        self.turns = [*before, asked, written]
        yield from (f"({note})\n" for note in self.last.notes())


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m attune.chat", description="Talk to a system in this terminal.")
    words.add_argument("--root", type=Path, default=Path(), help="the folder with params.yaml, models and data")
    words.add_argument("--system", help="what answers; /systems lists all")
    words.add_argument("--temperature", type=float, default=START[0])
    words.add_argument("--top-k", type=int, default=START[1])
    words.add_argument("--top-p", type=float, default=START[2])
    given = words.parse_args()
    try:
        talker = Talker.of(given.root)
        decoding = decoding_of(given.temperature, given.top_k, given.top_p)
        terminal = Terminal(talker, next(iter(talker.systems)), decoding)
        if given.system:
            list(terminal.hear(f"/system {given.system}"))
    except AttuneError as error:
        sys.exit(f"error: {error}")
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    talker.prepare()
    print(f"{ABOUT}\n{talker.systems[terminal.system].title}\n{HELP}")
    talk(terminal)


def talk(terminal: Terminal) -> None:
    """Until /quit or the end of what is typed."""
    while True:
        try:
            line = input("> ")
        except (EOFError, KeyboardInterrupt):
            break
        if line.strip() == "/quit":
            break
        try:
            for piece in terminal.hear(line):
                print(piece, end="", flush=True)
        except AttuneError as error:
            print(error)
        except KeyboardInterrupt:
            print(" (stopped)")


if __name__ == "__main__":
    main()
