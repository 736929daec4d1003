"""Requests of OpenAI's chat completions, checked, and errors in the shape that its clients read."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from attune.chat.crisis import crisis_message
from attune.chat.engine import Engine
from attune.chat.validation import checked_message, checked_turn, persona_sentences
from attune.core.errors import AttuneError
from attune.parameters.decoding import Decoding
from attune.parameters.types import NotNegative

MAX_STOPS = 4  # as OpenAI allows
# What would change a reply and is not built, with the values that change nothing.
_WITHOUT_EFFECT: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "logprobs": (False,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "tools": ([],),
    "functions": ([],),
    "response_format": ({"type": "text"},),
}


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


class _Text(BaseModel):
    type: Literal["text"]
    text: str


class Message(BaseModel):
    """A turn, or an instruction; `content` may be given in parts, all of them text."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[_Text]

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content)


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
            return cls.model_validate_json(body)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or None
            message = first["msg"].removeprefix("Value error, ")
            raise ApiError(400, f"{place}: {message}" if place else message, place) from None

    @field_validator("stop", mode="before")
    @classmethod
    def one_stop_is_a_list(cls, stop: Any) -> Any:
        return [] if stop is None else [stop] if isinstance(stop, str) else stop

    @field_validator("stream", "seed", mode="before")
    @classmethod
    def null_is_the_default(cls, value: Any, info: ValidationInfo) -> Any:
        return cls.model_fields[str(info.field_name)].default if value is None else value

    @model_validator(mode="after")
    def nothing_unknown_is_asked_for(self) -> "CompletionRequest":
        for key, value in (self.model_extra or {}).items():
            if key in _WITHOUT_EFFECT and value is not None and value not in _WITHOUT_EFFECT[key]:
                raise ValueError(f"{key} = {value!r} is not supported; leave it out")
        return self

    @property
    def limit(self) -> int | None:
        """The most tokens of the reply."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def instruction(self) -> str:
        """The text of the system and developer messages."""
        return "\n".join(each.text for each in self.messages if each.role in ("system", "developer"))

    def persona(self, default: list[str]) -> list[str]:
        """The sentences of the instruction; `default` where there is none."""
        return list(persona_sentences(self.instruction)) or default

    def turns(self) -> list[str]:
        """What was said, oldest first, ending with the user's message; messages of one side in a row are one turn.

        A crisis message that was put before an earlier reply is taken out again: the models did not write it.
        """
        spoken = [each for each in self.messages if each.role in ("user", "assistant")]
        if not spoken or spoken[-1].role != "user":
            raise ApiError(400, "messages: the last one must be the user's", "messages")
        turns: list[str] = []
        preface = ""  # what stands before the reply to the user's turn so far
        for at, each in enumerate(spoken):
            text = each.text.removeprefix(preface) if each.role == "assistant" else each.text
            if at and each.role == spoken[at - 1].role:
                turns[-1] += f"\n{text}"
            else:
                turns.append(text)
            if each.role == "user":
                preface = crisis_preface(turns[-1])
        try:
            return [*(checked_turn(turn) for turn in turns[:-1]), checked_message(turns[-1])]
        except AttuneError as error:
            raise ApiError(400, f"{preface}{error}", "messages") from None  # a client shows nothing else

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


def crisis_preface(message: str) -> str:
    """What stands before the reply to `message`: the crisis message where it is due, else nothing."""
    crisis = crisis_message(message)
    return f"{crisis}\n\n" if crisis else ""
