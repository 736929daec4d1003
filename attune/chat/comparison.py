"""The event handlers of the comparison: every system answers one message, and people judge the replies."""

import json
import logging
import random
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import quote

import gradio as gr

from attune.chat.answers import Question
from attune.chat.conversations import Settings
from attune.chat.engine import Engine
from attune.chat.rendering import NO_REPLY, crisis_update
from attune.chat.validation import checked_message, persona_sentences
from attune.core.errors import AttuneError

UP, DOWN = "up", "down"
BUTTONS = {UP: "Good", DOWN: "Bad"}
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Card:
    """A system's reply, or None and the reason where it cannot answer; verdict: UP, DOWN or none yet."""

    system: str
    reply: str | None
    seconds: float
    reason: str = ""
    verdict: str = ""


@dataclass(frozen=True)
class Compared:
    """A message with its replies, in the order in which they are shown; blind: a name shows once it is judged.

    complete: all systems have replied. Before, nothing can be judged: `compare` would not know of the verdict.
    """

    message: str = ""
    persona: tuple[str, ...] = ()
    blind: bool = False
    cards: tuple[Card, ...] = ()
    complete: bool = False

    def named(self, card: Card) -> bool:
        """Whether people may see which system replied."""
        return not self.blind or bool(card.verdict) or card.reply is None

    def judged(self, at: int, verdict: str) -> "Compared":
        cards = list(self.cards)
        cards[at] = replace(cards[at], verdict=verdict)
        return replace(self, cards=tuple(cards))


class Comparisons:
    """`compare` and `judge` update (the Compared, status, crisis message, its message, download link, cards' parts).

    A card's four parts are its frame, its text and the buttons UP and DOWN.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def compare(self, message: str, blind: bool, *fields: Any) -> AsyncIterator[tuple[Any, ...]]:
        """Let each system in turn answer one message; fields: those of Settings. Blind, the order is drawn."""
        crisis, settings = crisis_update(message), Settings(*fields)
        try:
            compared = Compared(checked_message(message), persona_sentences(settings.persona), blind)
        except AttuneError as error:
            yield self._updates(Compared(), str(error), crisis)
            return
        if crisis["visible"]:
            yield self._updates(Compared(), NO_REPLY, crisis)
            return
        names = list(self.engine.systems)
        if blind:
            random.SystemRandom().shuffle(names)  # the models' thread seeds Python's own generator
        for at, name in enumerate(names):
            progress = f"{at}/{len(names)} replies; writing the next one ..."
            # What a crisis message that was sent meanwhile shows, stays.
            yield self._updates(compared, progress, gr.skip())
            card = await self._card(name, compared.message, settings)
            compared = replace(compared, cards=(*compared.cards, card))
        status = f"{len(names)}/{len(names)} replies"
        if all(card.reply is None for card in compared.cards):
            status = f"No system can reply. {compared.cards[0].reason}"
        yield self._updates(replace(compared, complete=True), status, gr.skip())

    async def _card(self, name: str, message: str, settings: Settings) -> Card:
        started, reply = time.monotonic(), ""
        try:
            question = Question([message], *settings.checked(self.engine, name))
            async for answer in self.engine.reply_async(name, question):
                reply = answer.text
        except AttuneError as error:
            return Card(name, None, 0.0, str(error))
        except Exception:
            _LOG.exception("the reply of %s failed", name)
            return Card(name, None, 0.0, "The reply failed; the server's log says why.")
        return Card(name, reply, time.monotonic() - started)

    def judge(self, at: int, verdict: str, keep: bool, compared: Compared) -> Any:
        """The verdict on the card at that place; where people want it kept, a line is added to the file.

        A click that arrives after the next comparison has begun, or after a verdict on the card, changes nothing.
        """
        if not compared.complete or compared.cards[at].verdict:
            return gr.skip()
        after = compared.judged(at, verdict)
        status = f"{sum(bool(card.verdict) for card in after.cards)}/{len(after.cards)} judged"
        if keep:
            try:
                self._keep(after, after.cards[at])
            except OSError as error:
                status = f"The verdict was not saved: {self.engine.artifacts.judgements.name}: {error.strerror}."
        return self._updates(after, status, gr.skip())

    def _keep(self, compared: Compared, card: Card) -> None:
        line = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "context": [compared.message],
            "persona": compared.persona,
            "system": card.system,
            "reply": card.reply,
            "verdict": card.verdict,
            "blind": compared.blind,
        }
        with self.engine.artifacts.judgements.open("a", encoding="utf-8") as stream:
            # In ASCII, since some readers take characters such as U+2028 for the end of a line.
            stream.write(json.dumps(line) + "\n")

    def _updates(self, compared: Compared, status: str, crisis: Any) -> tuple[Any, ...]:
        cards = [
            part
            for at in range(len(self.engine.systems))
            for part in (self._shown(compared, at) if at < len(compared.cards) else _HIDDEN)
        ]
        return compared, status, crisis, asked(compared), download_link(compared), *cards

    def _shown(self, compared: Compared, at: int) -> tuple[Any, ...]:
        card = compared.cards[at]
        named = compared.named(card)
        label = self.engine.systems[card.system].label if named else f"Reply {at + 1}"
        text = f"<p>{escape(card.reply if card.reply is not None else card.reason)}</p>"
        by = f'<p class="by">{card.seconds:.1f} s</p>' if named and card.reply is not None else ""
        buttons = (
            gr.update(
                visible=card.reply is not None,
                interactive=compared.complete and not card.verdict,
                variant="primary" if card.verdict == verdict else "secondary",
            )
            for verdict in BUTTONS
        )
        return gr.update(visible=True), f"<h3>{escape(label)}</h3>{text}{by}", *buttons


_HIDDEN = (gr.update(visible=False), "", gr.skip(), gr.skip())


def as_json(compared: Compared) -> dict[str, Any]:
    """What the download holds; the system is null where its name must not be seen yet."""

    def entry(card: Card) -> Mapping[str, Any]:
        named = compared.named(card)
        return {
            "system": card.system if named else None,
            "reply": card.reply,
            "seconds": round(card.seconds, 2) if named else None,
            "verdict": card.verdict or None,
        }

    return {
        "message": compared.message,
        "persona": compared.persona,
        "blind": compared.blind,
        "replies": [entry(card) for card in compared.cards],
    }


def asked(compared: Compared) -> str:
    """HTML of the message that the shown replies answer: the message box may hold another one by then."""
    return f'<p class="by">Replies to:</p><p>{escape(compared.message)}</p>' if compared.cards else ""


def download_link(compared: Compared) -> str:
    """HTML of a link that holds the comparison itself, so that nothing is written on the server."""
    if not compared.cards:
        return ""
    data = quote(json.dumps(as_json(compared), ensure_ascii=False, indent=2))
    return f'<a download="comparison.json" href="data:application/json;charset=utf-8,{data}">Download as JSON</a>'
