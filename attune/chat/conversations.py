"""What the page's events do. Conversations lie in the server's memory until their page is closed, and nowhere else."""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from html import escape
from typing import Any

import gradio as gr

from attune.chat.answers import Answer, answered
from attune.chat.crisis import care
from attune.chat.engine import Talker
from attune.chat.validation import checked, decoding_of, sentences
from attune.core.errors import AttuneError
from attune.report.html import table

# Seconds between two sights of a growing reply; a small model writes faster than a page can be drawn.
SIGHT = 0.05
# Conversations that are kept at once; the one that was silent for longest goes first.
KEPT = 500


@dataclass
class Turn:
    message: str
    reply: str = ""
    attempt: int = 0


@dataclass
class Talk:
    """One page's conversation. `run` counts what was asked of it: only the last may still write."""

    turns: list[Turn] = field(default_factory=list)
    run: int = 0

    def begin(self) -> int:
        self.run += 1
        return self.run


def shown(turns: list[Turn]) -> list[dict[str, str]]:
    """Turns as a Chatbot has them, which takes every text for HTML, whatever it is told."""
    return [
        {"role": role, "content": escape(text, quote=False)}
        for turn in turns
        for role, text in (("user", turn.message), ("assistant", turn.reply))
        if text
    ]


def found_table(answer: Answer) -> str:
    """What was retrieved, as HTML."""
    rows = [{"score": each.score, "read": "yes" if each.read else "no", "text": each.text} for each in answer.found]
    return table(rows) if rows else "<p>This system retrieves nothing.</p>"


def status_of(name: str, answer: Answer) -> str:
    """Who is at work or has answered, and the answer's notes."""
    if answer.loading:
        return f"{name}: the models are being loaded, once ..."
    return "; ".join([name if answer.done else f"{name} is writing ...", *answer.notes()])


def concern_of(message: str) -> Any:
    """The update of the place for `care`."""
    found = care(message)
    return gr.update(value=found or "", visible=found is not None)


async def seldom(answers: AsyncIterator[Answer]) -> AsyncIterator[Answer]:
    """The answers that come SIGHT after the one before, and the last."""
    seen = 0.0
    async for answer in answers:
        if answer.done or time.monotonic() - seen >= SIGHT:
            yield answer
            seen = time.monotonic()


class Conversations:
    """The chat of every open page, and the comparison.

    The chat's events give (textbox, chat, what was retrieved, status, care), again and again while a reply grows.
    """

    def __init__(self, talker: Talker) -> None:
        self.talker = talker
        self._talks: OrderedDict[str, Talk] = OrderedDict()

    def _of(self, request: gr.Request) -> Talk:
        name = str(request.session_hash)
        talk = self._talks.setdefault(name, Talk())
        self._talks.move_to_end(name)
        if len(self._talks) > KEPT:
            self._talks.popitem(last=False)
        return talk

    def forget(self, request: gr.Request) -> None:
        """The page was closed."""
        if talk := self._talks.pop(str(request.session_hash), None):
            talk.begin()

    async def send(
        self, message: str, name: str, persona: str, temperature: float, top_k: float, top_p: float, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        talk = self._of(request)
        run = talk.begin()
        concern = concern_of(message)  # whatever becomes of the message
        try:
            asked = checked(message)
        except AttuneError as error:
            yield gr.skip(), shown(talk.turns), gr.skip(), str(error), concern
            return
        before = talk.turns
        talk.turns = [*before, Turn(asked)]
        yield "", shown(talk.turns), "", f"{name}: waiting for its turn ...", concern
        async for chat, found, status, failed in self._grow(
            talk, run, before, Turn(asked), name, persona, (temperature, top_k, top_p), kept=before
        ):
            # What was asked goes back to where it can be sent again.
            yield asked if failed else gr.skip(), chat, found, status, gr.skip()

    async def retry(
        self, name: str, persona: str, temperature: float, top_k: float, top_p: float, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        """As `send`, with another answer in the place of the last."""
        talk = self._of(request)
        run = talk.begin()
        if not talk.turns:
            yield gr.skip(), [], gr.skip(), "There is no reply yet that could be tried again.", gr.skip()
            return
        *before, last = talk.turns
        again = Turn(last.message, attempt=last.attempt + 1)
        async for chat, found, status, _ in self._grow(
            talk, run, before, again, name, persona, (temperature, top_k, top_p), kept=talk.turns
        ):
            yield gr.skip(), chat, found, status, gr.skip()

    async def _grow(
        self,
        talk: Talk,
        run: int,
        before: list[Turn],
        turn: Turn,
        name: str,
        persona: str,
        sliders: tuple[Any, ...],
        kept: list[Turn],
    ) -> AsyncIterator[tuple[Any, ...]]:
        """(chat, what was retrieved, status, whether it failed), until something else is asked of the conversation.

        `kept`: the turns that are left where it fails.
        """
        try:
            given = (
                [*answered((each.message, each.reply) for each in before), turn.message],
                sentences(persona),
                decoding_of(*sliders),
                turn.attempt,
            )
            async with aclosing(self.talker.reply_async(name, *given)) as answers:
                async for answer in seldom(answers):
                    if talk.run != run:
                        return
                    if not answer.loading:
                        talk.turns = [*before, Turn(turn.message, answer.text, turn.attempt)]
                    yield shown(talk.turns), found_table(answer), status_of(name, answer), False
        except Exception as error:
            expected = isinstance(error, AttuneError)
            if talk.run == run:
                talk.turns = kept
                yield shown(kept), "", str(error) if expected else f"{name} failed; the server's log says why.", True
            if not expected:
                raise

    def stop(self, request: gr.Request) -> str:
        self._of(request).begin()
        return "stopped"

    def clear(self, request: gr.Request) -> tuple[Any, ...]:
        """As the other events, but for the textbox, where what is being written stays."""
        talk = self._of(request)
        talk.begin()
        talk.turns = []
        return [], "", "", gr.update(visible=False)

    async def compare(
        self, message: str, persona: str, temperature: float, top_k: float, top_p: float
    ) -> AsyncIterator[tuple[str, str, Any]]:
        """(table of all systems' replies, status, care), after each system."""
        rows: list[dict[str, Any]] = []
        concern = concern_of(message)
        try:
            asked, who, decoding = checked(message), sentences(persona), decoding_of(temperature, top_k, top_p)
        except AttuneError as error:
            yield "", str(error), concern
            return
        for name in self.talker.systems:
            yield table(rows) if rows else "", f"{name} is writing ...", concern
            reply = ""
            try:
                async for answer in self.talker.reply_async(name, [asked], who, decoding):
                    reply = answer.text
            except AttuneError as error:
                reply = f"({error})"
            rows.append({"system": name, "reply": reply})
        yield table(rows), f"{len(rows)} systems", concern
