"""The HTTP endpoint /reply, which `gradio_client` calls."""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import gradio as gr
from pydantic import BaseModel, ValidationError, field_validator

from attune.chat.answers import Answer, Question
from attune.chat.crisis import crisis_message
from attune.chat.engine import Engine
from attune.chat.events import MAX_CONCURRENT_REPLIES
from attune.chat.validation import checked_message, checked_turn, no_truth_is_a_number, persona_sentences
from attune.core.errors import AttuneError

# Turns of a history; all of them are read, in the models' only thread, for the replies that are not to be repeated.
MAX_HISTORY = 500


class ReplyRequest(BaseModel):
    """The arguments of /reply, checked for their types."""

    message: str
    system: str
    history: list[str]
    persona: list[str]
    temperature: float | None
    top_k: int | None
    top_p: float | None
    attempt: int

    numbers = field_validator("temperature", "top_k", "top_p", "attempt", mode="before")(no_truth_is_a_number)

    async def answer(self, engine: Engine) -> Answer:
        """The complete answer; an AttuneError if an argument is refused or the system cannot answer."""
        message, persona = checked_message(self.message), persona_sentences("\n".join(self.persona))
        if len(self.history) > MAX_HISTORY:
            raise AttuneError(f"history: at most {MAX_HISTORY} turns, the newest; these are {len(self.history):,}.")
        if len(self.history) % 2:
            raise AttuneError("history: an even number of turns is needed, a message and its reply in turn.")
        turns = [*(checked_turn(turn) for turn in self.history), message]
        decoding = engine.decoding(self.system, self.temperature, self.top_k, self.top_p)
        stream = engine.reply_async(self.system, Question(turns, persona, decoding, self.attempt))
        return [answer async for answer in stream][-1]


def reply_endpoint(engine: Engine) -> Callable[..., Any]:
    """The function behind /reply; Gradio reads its arguments, their defaults and its docstring.

    It counts the replies that grow itself: in Gradio's queue, the crisis message would wait for them.
    """
    places = asyncio.Semaphore(MAX_CONCURRENT_REPLIES)

    async def reply(
        message: str,
        system: str,
        history: list[str],
        persona: list[str],
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        attempt: int = 0,
    ) -> dict[str, Any]:
        """One reply; nothing is remembered for the next call.

        history: the turns before `message`, oldest first and at most 500, each message of the one who asks with its
        reply. Without `temperature`, `top_k` and `top_p`, a generator decodes as params.yaml says; with one of the
        others but without `top_k`, that is 0 (all tokens).
        """
        try:
            request = ReplyRequest(
                message=message, system=system, history=history, persona=persona, temperature=temperature,
                top_k=top_k, top_p=top_p, attempt=attempt,
            )  # fmt: skip
            async with nullcontext() if crisis_message(request.message) else places:
                answer = await request.answer(engine)
        except AttuneError as error:
            raise refusal(str(error), message) from None
        except ValidationError as error:
            first = error.errors()[0]
            reason = first["msg"].removeprefix("Value error, ").lower()
            raise refusal(f"{first['loc'][0]}: {reason}.", message) from None
        return _as_json(answer) | {"crisis": crisis_message(message)}

    return reply


def refusal(reason: str, message: object) -> gr.Error:
    """The reason and, where it is due, the crisis message; `message` is what was sent, of whatever type."""
    crisis = crisis_message(message) if isinstance(message, str) else None
    return gr.Error("\n\n".join(filter(None, (reason, crisis))), print_exception=False)


def _as_json(answer: Answer) -> dict[str, Any]:
    return {
        "reply": answer.text,
        "truncated": answer.truncated,
        "dropped_turns": answer.dropped_turns,
        "dropped_sentences": answer.dropped_sentences,
        "message_shortened": bool(answer.unread),
        "retrieved": [{"text": each.text, "score": each.score, "used": each.used} for each in answer.retrieved],
    }
