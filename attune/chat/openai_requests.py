"""Requests of OpenAI's chat completions, checked, and errors in the shape that its clients read."""

import json
import re
from collections.abc import Callable
from itertools import dropwhile, groupby, takewhile
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, ValidationInfo, field_validator

from attune.chat.crisis import crisis_message
from attune.chat.engine import Engine
from attune.chat.validation import checked_message, checked_turn, no_truth_is_a_number, persona_sentences
from attune.core.errors import AttuneError, quoted
from attune.parameters.decoding import Decoding
from attune.parameters.types import NotNegative

_Checked = TypeVar("_Checked")
MAX_STOPS = 4  # as OpenAI allows
# An escape of JSON: group 1, or a surrogate without its other half, which JSON allows and UTF-8 does not.
_HEX = rb"[0-9a-fA-F]{2}"
_ESCAPE = re.compile(
    rb"(\\u[dD][89abAB]%b\\u[dD][c-fC-F]%b|\\[^u]|\\u(?![dD][89a-fA-F]))|\\u[dD][89a-fA-F]%b" % (_HEX, _HEX, _HEX)
)
# What would change a reply and is not built, with the values that change nothing.
_WITHOUT_EFFECT: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
    "response_format": ({"type": "text"},),
}


def _changes_nothing(key: str, value: Any) -> bool:
    return any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in _WITHOUT_EFFECT[key])


class ApiError(Exception):
    """What a client is told: an HTTP status, a sentence, the parameter at fault and OpenAI's code for the error."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.param, self.code = status, param, code

    @property
    def body(self) -> dict[str, Any]:
        """The error as OpenAI's API writes it."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}}


def helpful(refusal: ApiError, body: bytes) -> ApiError:
    """The refusal of a request, below the crisis message where the user speaks of harm: a client shows nothing else."""
    crisis = crisis_message(_said_last(body))
    return ApiError(refusal.status, f"{crisis}\n\n{refusal}", refusal.param, refusal.code) if crisis else refusal


def _said_last(body: bytes) -> str:
    """What the user said last, in one message or several, in a body that may be wrong in any way; empty where nothing.

    What answers it is passed over: an assistant's beginning of a reply, calls of tools and their results.
    """
    try:
        messages = json.loads(body, parse_int=float)["messages"]  # an integer may have too many digits for Python
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""
    objects = [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []
    back = dropwhile(lambda each: each.get("role") != "user", reversed(objects))
    turn = takewhile(lambda each: each.get("role") != "assistant", back)
    mine = [_readable(each.get("content")) for each in turn if each.get("role") == "user"]
    return "\n".join(reversed(mine))


def _readable(content: Any) -> str:
    """The text of a content of any form: all of it, or that of its parts of text beside images and the like."""
    parts = content if isinstance(content, list) else [content]
    texts = [each.get("text") if isinstance(each, dict) else each for each in parts]
    return "\n".join(each for each in texts if isinstance(each, str))


class _Text(BaseModel):
    type: Literal["text"]
    text: str


class Message(BaseModel):
    """A turn, or an instruction; `content` may be given in parts, all of them text."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str

    @field_validator("content", mode="before")
    @classmethod
    def parts_are_lines(cls, content: Any) -> Any:
        if isinstance(content, str):
            return content
        try:
            return "\n".join(part.text for part in TypeAdapter(list[_Text]).validate_python(content))
        except ValidationError:
            raise ValueError("must be text: a string, or a list of parts of type text") from None


class _StreamOptions(BaseModel):
    include_usage: bool = False


class CompletionRequest(BaseModel):
    """The body of /v1/chat/completions. `top_k` is an addition to OpenAI's; keys that change no reply are ignored."""

    model_config = ConfigDict(extra="allow")

    model: str
    messages: Annotated[list[Message], Field(min_length=1)]
    stream: bool = False
    stream_options: _StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: NotNegative | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=MAX_STOPS)] = []
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] = 0  # as OpenAI allows

    @classmethod
    def parse(cls, body: bytes) -> "CompletionRequest":
        """The request in `body`; an ApiError names the first key that cannot be used."""
        try:
            # A question mark in place of each lone surrogate, as in `validation`.
            request = cls.model_validate_json(_ESCAPE.sub(lambda escape: escape[1] or b"?", body))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or None
            message = first["msg"].removeprefix("Value error, ")
            raise ApiError(400, f"{place}: {message}" if place else message, place) from None
        for key, value in (request.model_extra or {}).items():
            if key in _WITHOUT_EFFECT and value is not None and not _changes_nothing(key, value):
                written = json.dumps(value) if isinstance(value, bool) else quoted(value)
                raise ApiError(400, f"{key} = {written} is not supported; leave it out", key)
        return request

    numbers = field_validator(
        "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "seed", mode="before"
    )(no_truth_is_a_number)

    @field_validator("stop", mode="before")
    @classmethod
    def one_stop_is_a_list(cls, stop: Any) -> Any:
        return [] if stop is None else [stop] if isinstance(stop, str) else stop

    @field_validator("stream", "seed", mode="before")
    @classmethod
    def null_is_the_default(cls, value: Any, info: ValidationInfo) -> Any:
        return cls.model_fields[str(info.field_name)].default if value is None else value

    @property
    def limit(self) -> int | None:
        """The most tokens of the reply."""
        return self.max_completion_tokens or self.max_tokens

    def instruction(self) -> str | None:
        """The text of the system and developer messages; None where they say nothing."""
        return self._told(checked_turn).strip() or None

    def persona(self, default: list[str]) -> list[str]:
        """The sentences of the system and developer messages; `default` where there are none."""
        return list(self._told(persona_sentences)) or default

    def _told(self, checked: Callable[[str], _Checked]) -> _Checked:
        try:
            return checked("\n".join(each.content for each in self.messages if each.role in ("system", "developer")))
        except AttuneError as error:
            raise ApiError(400, f"system message: {error}", "messages") from None

    def turns(self) -> list[str]:
        """What was said, oldest first, ending with the user's message; messages of one side in a row are one turn."""
        spoken = [each for each in self.messages if each.role in ("user", "assistant")]
        if not spoken or spoken[-1].role != "user":
            raise ApiError(400, "messages: the last one must be the user's", "messages")
        turns = ["\n".join(each.content for each in side) for _, side in groupby(spoken, key=lambda each: each.role)]
        try:
            return [*(checked_turn(turn) for turn in turns[:-1]), checked_message(turns[-1])]
        except AttuneError as error:
            raise ApiError(400, str(error), "messages") from None

    def decoding(self, engine: Engine) -> Decoding:
        """As params.yaml says, unless the request names a setting; the others are then OpenAI's defaults."""
        own = engine.decoding(self.model)
        if self.temperature is None and self.top_p is None and self.top_k is None:
            return own
        if self.temperature == 0:
            kept: Any = {"repetition_penalty": own.repetition_penalty, "no_repeat_ngram": own.no_repeat_ngram}
            return Decoding(method="greedy", **kept)
        temperature = 1.0 if self.temperature is None else self.temperature
        return own.sampling(temperature=temperature, top_p=self.top_p or 1.0, top_k=self.top_k or 0)
