"""The systems behind OpenAI's HTTP API, below /v1 of the page's server: chat completions and the list of models.

https://platform.openai.com/docs/api-reference/chat
"""

import asyncio
import hmac
import ipaddress
import json
import logging
import os
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from attune.chat.answers import Question
from attune.chat.artifacts import missing
from attune.chat.crisis import crisis_message
from attune.chat.engine import Engine
from attune.chat.openai_requests import ApiError, CompletionRequest, helpful
from attune.chat.streaming import Streamed
from attune.chat.systems import GeneratorSystem
from attune.core.errors import AttuneError

KEY = "ATTUNE_API_KEY"  # the environment variable
# Replies that may grow at the same time, and the largest body that is read; further requests wait or are refused.
MAX_CONCURRENT_COMPLETIONS, MAX_BODY = 16, 1_000_000
_CLIENT_LEFT = 499  # nginx's status for a request whose client has gone; nobody reads it
_LOG = logging.getLogger(__name__)


def api_key(host: str) -> str | None:
    """The key that requests must carry: that of the environment; on a host that others reach, a new one if it has none.

    None: no key is asked for.
    """
    return os.environ.get(KEY) or (None if _is_loopback(host) else secrets.token_urlsafe(24))


def key_notice(key: str | None) -> str:
    """What is printed about the key: the user's own is a secret, and what is printed may be kept."""
    if key is None:
        return ""
    return f", with the key of {KEY}" if os.environ.get(KEY) else f", with the key {key}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def mounted(engine: Engine, key: str | None) -> Mount:
    """The API's routes below /v1; with `key` each request must carry it as its bearer token."""
    return Mount("/v1", app=Api(engine, key).app())


class Api:
    """Answers requests with the engine's systems; nothing is remembered between two requests."""

    def __init__(self, engine: Engine, key: str | None) -> None:
        self.engine, self.key = engine, key
        self._places = asyncio.Semaphore(MAX_CONCURRENT_COMPLETIONS)

    def app(self) -> Starlette:
        routes = [
            Route("/chat/completions", self.complete, methods=["POST"]),
            Route("/models", self.models),
            Route("/models/{name:path}", self.model),
            Route("/{path:path}", self.unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]
        handlers: Any = {ApiError: _refusal, Exception: _failure}
        return Starlette(routes=routes, exception_handlers=handlers)

    async def models(self, request: Request) -> Response:
        """Every system, whether or not it is trained yet."""
        self._admit(request)
        return JSONResponse({"object": "list", "data": [self._model(name) for name in self.engine.systems]})

    async def model(self, request: Request) -> Response:
        self._admit(request)
        return JSONResponse(self._model(request.path_params["name"]))

    async def unknown(self, request: Request) -> Response:
        raise ApiError(404, f"{request.method} {request.url.path} is not served; there are /v1/chat/completions (POST) "
                            "and /v1/models (GET)")  # fmt: skip

    async def complete(self, request: Request) -> Response:
        self._admit(request)
        try:
            body = await _body(request)
        except ClientDisconnect:
            return Response(status_code=_CLIENT_LEFT)
        try:
            completion = self._completion(body)
        except ApiError as error:
            raise helpful(error, body) from None
        if completion.asked.stream:
            return StreamingResponse(self._events(completion), media_type="text/event-stream")
        async with self._place(completion), aclosing(completion.pieces()) as pieces:
            text = ""
            async for piece in pieces:
                text += piece
                if await request.is_disconnected():
                    return Response(status_code=_CLIENT_LEFT)
        return JSONResponse(completion.whole(text))

    def _completion(self, body: bytes) -> "_Completion":
        asked = CompletionRequest.parse(body)
        self._model(asked.model)
        return _Completion(self.engine, asked)

    def _place(self, completion: "_Completion") -> AbstractAsyncContextManager[Any]:
        """One of the places of replies that grow; the crisis message waits for none."""
        return nullcontext() if completion.crisis else self._places

    async def _events(self, completion: "_Completion") -> AsyncGenerator[str, None]:
        """Server-sent events; an error ends the stream with an event that clients raise."""
        try:
            async with self._place(completion), aclosing(completion.pieces()) as pieces:
                yield _event(completion.chunk({"role": "assistant", "content": ""}))
                async for piece in pieces:
                    yield _event(completion.chunk({"content": piece}))
            yield _event(completion.chunk({}, completion.finish))
            if completion.asked.stream_options and completion.asked.stream_options.include_usage:
                yield _event(completion.chunk(None) | {"usage": completion.usage()})
            yield "data: [DONE]\n\n"
        except ApiError as error:
            yield _event(error.body)
        except Exception:
            _LOG.exception("a completion failed")
            yield _event(_FAILED.body)

    def _admit(self, request: Request) -> None:
        if self.key is None:
            return
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        # The scheme's case says nothing (RFC 9110, section 11.1).
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self.key.encode()):
            raise ApiError(401, f"the key is missing or wrong; it is {KEY} where the page was started, "
                                "or what was printed there", code="invalid_api_key")  # fmt: skip

    def _model(self, name: str) -> dict[str, Any]:
        """The entry of a system; an ApiError names the systems where there is none."""
        try:
            system = self.engine.system(name)
        except AttuneError as error:
            raise ApiError(404, str(error), "model", "model_not_found") from None
        written = [each.path.stat().st_mtime for each in system.artifacts if each.path.exists()]
        return {"id": name, "object": "model", "created": int(max(written, default=0)), "owned_by": "attune"}


class _Completion:
    """One request, its reply as it grows, and both as OpenAI's API writes them."""

    def __init__(self, engine: Engine, asked: CompletionRequest) -> None:
        self.engine, self.asked = engine, asked
        self.turns, self.decoding = asked.turns(), asked.decoding(engine)
        self.system = engine.system(asked.model)
        self.crisis = crisis_message(self.turns[-1])
        if not self.crisis and (reason := missing(self.system.artifacts)):
            reason = engine.artifacts.relative(f"{asked.model} cannot answer yet: {reason}.")
            raise ApiError(404, reason, "model", "model_not_found")
        self.streamed = Streamed(asked.stop)
        self.id, self.created = f"chatcmpl-{uuid4().hex}", int(time.time())

    async def pieces(self) -> AsyncGenerator[str, None]:
        """The reply; the crisis message in its place, where it is due."""
        if self.crisis:
            yield self.crisis
            return
        default, generates = self.engine.parameters.rag.persona, isinstance(self.system, GeneratorSystem)
        try:
            told = self.engine.reads_persona(self.asked.model)
            persona = self.asked.persona(default) if told else default
            instruction = None if told else self.asked.instruction()
            attempt = self.asked.seed if generates else 0
            question = Question(
                self.turns, persona, self.decoding, attempt, instruction, varied=False, limit=self.asked.limit
            )
            answers = self.engine.reply_async(self.asked.model, question)
            async with aclosing(answers):
                async for piece in self.streamed.pieces(answers):
                    if told and persona is not default and self.streamed.last.dropped_sentences == len(persona):
                        raise AttuneError("No sentence of the system message fits beside the last message; shorten it.")
                    yield piece
        except AttuneError as error:
            raise ApiError(400, str(error), "messages") from None

    @property
    def finish(self) -> str:
        """As OpenAI's API has it: `content_filter` where the reply was withheld."""
        return "content_filter" if self.crisis else self.streamed.finish

    def usage(self) -> dict[str, int]:
        prompt, completion = self.streamed.last.prompt_tokens, self.streamed.last.tokens
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}

    def whole(self, text: str) -> dict[str, Any]:
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish}
        return self._head("chat.completion") | {"choices": [choice], "usage": self.usage()}

    def chunk(self, delta: dict[str, str] | None, finish: str | None = None) -> dict[str, Any]:
        """One event; None in place of what is new: an event without a choice."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return self._head("chat.completion.chunk") | {"choices": [] if delta is None else [choice]}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.asked.model}


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise ApiError(413, f"a request may have {MAX_BODY:,} bytes")
    return bytes(body)


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"  # in ASCII, as some clients take U+2028 and the like for the end of a line


_FAILED = ApiError(500, "the reply failed; the server's log says why")


async def _refusal(_request: Request, error: ApiError) -> Response:
    return JSONResponse(error.body, error.status)


async def _failure(_request: Request, _error: Exception) -> Response:
    return JSONResponse(_FAILED.body, _FAILED.status)
