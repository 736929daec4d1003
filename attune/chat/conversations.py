"""The event handlers of the chat. Conversations are kept in the server's memory until their page is closed."""

import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from attune.chat.answers import Answer, Exchange, Question, answered_turns
from attune.chat.choices import answers_questions, question_system, starting_system
from attune.chat.engine import Engine
from attune.chat.rendering import NO_REPLY, byline, chat_messages, crisis_update, retrieved_table, status_line
from attune.chat.validation import checked_message, persona_sentences
from attune.core.errors import AttuneError
from attune.parameters.decoding import Decoding

# Seconds between two updates of a growing reply; a small model writes faster than a page can be drawn.
UPDATE_INTERVAL = 0.05
# Conversations kept at the same time; the one that has been idle for longest is dropped first.
MAX_CONVERSATIONS = 500
# Messages to click: those that begin a conversation, and one for instruction models.
OPENINGS = (
    "I had such a hard day at work today. Things keep piling up.",
    "I passed my driving test today! I can't stop smiling.",
    "My best friend is moving to another country next month.",
)
QUESTIONS = ("How to keep healthy?",)
# The buttons in the message box, while a reply is awaited and while none is.
BUSY: dict[str, Any] = {"submit_btn": False, "stop_btn": "Stop"}
IDLE: dict[str, Any] = {"submit_btn": "Send", "stop_btn": False}
UNCHANGED = (gr.skip(),) * 5


@dataclass(frozen=True)
class Settings:
    """The fields of the page that apply to every reply, as people left them."""

    persona: str
    own: bool  # whether the three below count; otherwise a generator decodes as params.yaml says
    temperature: float
    top_k: float
    top_p: float

    def checked(self, engine: Engine, system: str) -> tuple[tuple[str, ...], Decoding]:
        """The persona's sentences and the system's decoding; an AttuneError if one of the fields cannot be used."""
        values = (self.temperature, self.top_k, self.top_p) if self.own else ()
        return persona_sentences(self.persona), engine.decoding(system, *values)


@dataclass(frozen=True)
class ReplyTask:
    """A reply to be written: the exchanges before it and its own, and what is restored if it fails."""

    settings: Settings
    history: list[Exchange]
    exchange: Exchange
    restored: list[Exchange]


@dataclass
class Conversation:
    """One page's exchanges. Only `task`, the last one started, may still change them; None once it is over."""

    exchanges: list[Exchange] = field(default_factory=list)
    task: ReplyTask | None = None


async def throttle(answers: AsyncIterator[Answer]) -> AsyncIterator[Answer]:
    """At most one answer per UPDATE_INTERVAL, and always the last."""
    last = 0.0
    async for answer in answers:
        if answer.done or time.monotonic() - last >= UPDATE_INTERVAL:
            yield answer
            last = time.monotonic()


class Conversations:
    """The conversation of every open page.

    `send` and `retry` yield updates of (textbox, chat, retrieved texts, status, crisis message) while a reply grows. A
    draft in the textbox is kept, whatever happens meanwhile.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._conversations: OrderedDict[str, Conversation] = OrderedDict()

    def _conversation(self, request: gr.Request) -> Conversation:
        session = str(request.session_hash)
        conversation = self._conversations.setdefault(session, Conversation())
        self._conversations.move_to_end(session)
        if len(self._conversations) > MAX_CONVERSATIONS:
            self._conversations.popitem(last=False)
        return conversation

    def close(self, request: gr.Request) -> None:
        """Drop the conversation of a page that was closed."""
        if conversation := self._conversations.pop(str(request.session_hash), None):
            conversation.task = None

    # A coroutine, as `send` is: in a thread of its own it could change the exchanges while a reply is being added.
    async def at_once(self, message: str, system: str, request: gr.Request) -> tuple[Any, ...]:
        """Refuse a message, or answer one that speaks of harm; say of any other that it waits for `send`."""
        crisis = crisis_update(message)  # shown even if the message is refused
        try:
            exchange = Exchange(checked_message(message), system=system)
        except AttuneError as error:
            return gr.skip(), gr.skip(), gr.skip(), str(error), crisis
        if not crisis["visible"]:
            return gr.skip(), gr.skip(), gr.skip(), self.waiting(system), crisis
        conversation = self._conversation(request)
        conversation.task = None
        conversation.exchanges = [*conversation.exchanges, exchange]
        return gr.update(value="", **IDLE), chat_messages(conversation.exchanges), "", NO_REPLY, crisis

    async def send(
        self,
        message: str,
        system: str,
        persona: str,
        own: bool,
        temperature: float,
        top_k: float,
        top_p: float,
        request: gr.Request,
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Answer a message, unless `at_once` did, or refused it; one whose reply fails stays in the chat.

        It ends a reply that is still growing, except that to the same message: somebody pressed Enter twice. Gradio
        calls this once `at_once` is done, so that the textbox, and with it the message, may be empty by then.
        """
        try:
            exchange = Exchange(checked_message(message), system=system)
        except AttuneError:
            exchange = None
        conversation = self._conversation(request)
        again = exchange and conversation.task and conversation.task.exchange.message == exchange.message
        if exchange is None or again or crisis_update(message)["visible"]:
            yield UNCHANGED  # a reply may be growing meanwhile
            return
        conversation.task = None
        history = conversation.exchanges
        settings = Settings(persona, own, temperature, top_k, top_p)
        conversation.exchanges = [*history, exchange]
        task = ReplyTask(settings, history, exchange, restored=conversation.exchanges)
        async for update in self._reply(conversation, task, {"value": ""}):
            yield update

    async def retry(
        self, system: str, persona: str, own: bool, temperature: float, top_k: float, top_p: float, request: gr.Request
    ) -> AsyncIterator[tuple[Any, ...]]:
        """Replace the last reply with another one, or with the chosen system's."""
        conversation = self._conversation(request)
        conversation.task = None
        if not conversation.exchanges:
            yield gr.skip(), [], gr.skip(), "There is no reply yet that could be tried again.", gr.skip()
            return
        *history, last = conversation.exchanges
        crisis = crisis_update(last.message)
        if crisis["visible"]:
            yield gr.update(**IDLE), chat_messages(conversation.exchanges), "", NO_REPLY, crisis
            return
        settings = Settings(persona, own, temperature, top_k, top_p)
        task = ReplyTask(settings, history, last.again(system), restored=conversation.exchanges)
        async for update in self._reply(conversation, task, {}):
            yield update

    async def _reply(
        self, conversation: Conversation, task: ReplyTask, box: dict[str, Any]
    ) -> AsyncIterator[tuple[Any, ...]]:
        """The updates of `send` and `retry`; box: what becomes of the textbox beside its buttons."""
        shown = chat_messages(conversation.exchanges)
        conversation.task = task
        waiting = self.waiting(task.exchange.system)
        try:
            yield gr.update(**box, **BUSY), shown, "", waiting, gr.skip()  # a crisis message may be shown meanwhile
            async for updates in self._write(conversation, task):
                yield *updates, gr.skip()
            if conversation.task is not task:
                yield UNCHANGED  # at the end Gradio sends the last update again, over what is shown by then
        finally:
            if conversation.task is task:
                conversation.task = None

    async def _write(self, conversation: Conversation, task: ReplyTask) -> AsyncIterator[tuple[Any, ...]]:
        """(textbox, chat, retrieved texts, status) while the reply grows and the task is current."""
        label, started, loaded = self._label(task.exchange.system), time.monotonic(), False
        try:
            async with aclosing(self._answers(task)) as answers:
                async for answer in throttle(answers):
                    if conversation.task is not task:
                        return
                    loaded = loaded or bool(answer.loading)
                    if not answer.loading:
                        by = byline(label, time.monotonic() - started if answer.done else None, loaded)
                        answered = answer.done or bool(answer.text)
                        written = replace(task.exchange, reply=answer.text, answered=answered, byline=by)
                        conversation.exchanges = [*task.history, written]
                    box = gr.update(**IDLE) if answer.done else gr.skip()
                    yield (
                        box,
                        chat_messages(conversation.exchanges),
                        retrieved_table(answer),
                        status_line(label, answer),
                    )
        except Exception as error:
            refused = isinstance(error, AttuneError)
            if conversation.task is task:
                conversation.exchanges = task.restored
                status = str(error) if refused else f"{label} failed; the server's log says why."
                yield gr.update(**IDLE), chat_messages(task.restored), "", status
            if not refused:
                raise

    def _label(self, system: str) -> str:
        return self.engine.systems[system].label if system in self.engine.systems else system

    def _answers(self, task: ReplyTask) -> AsyncGenerator[Answer, None]:
        asked = task.exchange
        persona, decoding = task.settings.checked(self.engine, asked.system)
        turns = [*answered_turns(task.history), asked.message]
        return self.engine.reply_async(asked.system, Question(turns, persona, decoding, asked.attempt))

    def waiting(self, system: str) -> str:
        """The status until a reply begins, which in Gradio's queue or in the models' thread may take its time."""
        return f"{self._label(system)} is waiting for its turn ..."

    def example(self, text: str, system: str) -> tuple[str, str, str]:
        """The example's text, the system for it, which is the chosen one if that is of its kind, and the status."""
        is_question = text in QUESTIONS
        if is_question != answers_questions(self.engine, system):
            system = question_system(self.engine) if is_question else starting_system(self.engine)
        return text, system, self.waiting(system)

    def stop(self, request: gr.Request) -> tuple[Any, str]:
        """Stop the reply that is being written, keep what there is of it; updates the textbox and the status."""
        self._conversation(request).task = None
        return gr.update(**IDLE), "Stopped."

    def clear(self, request: gr.Request) -> tuple[Any, ...]:
        """Start a new conversation."""
        conversation = self._conversation(request)
        conversation.task = None
        conversation.exchanges = []
        return gr.update(**IDLE), [], "", "", gr.update(visible=False)
