import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import APIError, APIStatusError, BadRequestError, NotFoundError, OpenAI
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import Message

from attune.chat.answers import Answer, Question
from attune.chat.artifacts import Artifacts
from attune.chat.crisis import crisis_message
from attune.chat.engine import Engine
from attune.chat.openai_api import MAX_BODY, mounted
from attune.chat.openai_requests import ApiError, CompletionRequest, helpful
from attune.chat.streaming import Streamed, held_back
from attune.parameters import load
from attune.parameters.decoding import Decoding
from tests.chat.tiny_pipeline import SAMPLING, SYSTEMS

MESSAGE = "My cat ran away."
SAID = [{"role": "user", "content": "I am sad today."}, {"role": "assistant", "content": "Why?"}]


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{address}v1", api_key="unused", max_retries=0) as client:
        yield client


def complete(client: OpenAI, model: str = "full", message: Any = MESSAGE, **settings: Any) -> Any:
    messages: Any = [*SAID, {"role": "user", "content": message}]
    return client.chat.completions.create(model=model, messages=messages, **settings)


def written(engine: Engine, decoding: Decoding = SAMPLING, attempt: int = 0) -> list[str]:
    """The reply as it grows, token by token."""
    turns = [*(each["content"] for each in SAID), MESSAGE]
    answers = engine.reply("full", Question(turns, (), decoding, attempt))
    return [answer.text for answer in answers if not answer.done and not answer.loading]


def test_every_system_is_a_model(client: OpenAI) -> None:
    models = {model.id: model for model in client.models.list()}
    assert set(models) == set(SYSTEMS)
    assert models["full"].created > 0
    assert client.models.retrieve("rag+rag") == models["rag+rag"]
    with pytest.raises(NotFoundError, match="There is no system 'gpt'"):
        client.models.retrieve("gpt")


@pytest.mark.parametrize("model", SYSTEMS)
def test_a_streamed_reply_is_the_whole_reply(client: OpenAI, model: str) -> None:
    whole = complete(client, model)
    chunks = list(complete(client, model, stream=True, stream_options={"include_usage": True}))
    *parts, last = chunks
    assert "".join(each.choices[0].delta.content or "" for each in parts) == whole.choices[0].message.content != ""
    assert parts[-1].choices[0].finish_reason == whole.choices[0].finish_reason
    assert last.usage == whole.usage
    assert {each.id for each in chunks} == {last.id} != {whole.id}
    assert (whole.usage.prompt_tokens > 0) == (model != "cobert")


def test_the_reply_is_the_engines(client: OpenAI, engine: Engine) -> None:
    assert complete(client).choices[0].message.content == max(written(engine), key=len)
    assert complete(client, seed=5).choices[0].message.content == max(written(engine, attempt=5), key=len)


def test_settings_of_the_request_decide(client: OpenAI, engine: Engine) -> None:
    greedy = complete(client, temperature=0).choices[0].message.content
    assert greedy == max(written(engine, Decoding(method="greedy")), key=len)
    hot = Decoding(method="sampling", temperature=1.5)
    assert complete(client, temperature=1.5).choices[0].message.content == max(written(engine, hot), key=len) != greedy


def test_a_reply_ends_at_its_limit_and_before_a_stop(client: OpenAI, engine: Engine) -> None:
    grown = written(engine)
    short = complete(client, max_tokens=3)
    assert short.choices[0].message.content == grown[2]
    assert (short.choices[0].finish_reason, short.usage.completion_tokens) == ("length", 3)
    stop = grown[-2][4:7]
    for settings in ({}, {"stream": True}):
        answer = complete(client, stop=[stop, "never"], **settings)
        choices = [each.choices[0] for each in answer] if settings else answer.choices
        content = "".join(each.delta.content or "" for each in choices) if settings else choices[0].message.content
        assert content == grown[-2].partition(stop)[0]
        assert choices[-1].finish_reason == "stop"


def test_a_system_message_instructs_or_is_the_persona(client: OpenAI, engine: Engine) -> None:
    def reply(model: str, system: str) -> str:
        messages: Any = [{"role": "system", "content": system}, {"role": "user", "content": MESSAGE}]
        return client.chat.completions.create(model=model, messages=messages).choices[0].message.content or ""

    *_, told = engine.reply("persona", Question([MESSAGE], ["i am a baker .", "i sing ."], SAMPLING))
    assert reply("persona", "i am a baker .\ni sing .").startswith(told.text)
    generator = engine.models.generator("full")
    for given, read in (([], None), ([{"role": "system", "content": "Sing."}], "Sing.")):
        example = generator.example("chat/1", ["Hi."])
        prompt = generator.prompt(replace(example, system=example.system if read is None else read))
        asked: Any = [*given, {"role": "user", "content": "Hi."}]
        usage = client.chat.completions.create(model="full", messages=asked).usage
        assert usage is not None
        assert usage.prompt_tokens == len(prompt.ids)


def test_a_blank_system_message_is_as_if_it_were_left_out() -> None:
    for content, instruction in ((" \n ", None), (" Sing. ", "Sing.")):
        messages = [{"role": "system", "content": content}, {"role": "user", "content": MESSAGE}]
        request = CompletionRequest.parse(json.dumps({"model": "full", "messages": messages}).encode())
        assert request.instruction() == instruction


@pytest.mark.parametrize("stream", [False, True])
def test_a_system_message_that_has_no_room_is_refused(client: OpenAI, stream: bool) -> None:
    long = "i like to talk about the sea ." * 20
    for model, system, reason in (
        (
            "full",
            "Sing. " * 60,
            r"The system message has \d+ tokens, and does not fit beside the last message into the ",
        ),
        ("full", "a" * 5000, "system message: A message may have 4,000 characters; this one has 5,000"),
        ("persona", "a" * 3000, "system message: A persona may have 2,000 characters; this one has 3,000"),
        ("persona", long, "No sentence of the system message fits beside the last message"),
    ):
        messages: Any = [{"role": "system", "content": system}, {"role": "user", "content": MESSAGE}]
        with pytest.raises(APIError, match=reason) as raised:
            list(client.chat.completions.create(model=model, messages=messages, stream=stream))
        assert raised.value.param == "messages"
    fits: Any = [{"role": "system", "content": f"i sing .\n{long}"}, {"role": "user", "content": MESSAGE}]
    assert client.chat.completions.create(model="persona", messages=fits).choices[0].message.content


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"message": "I want to die " + "a" * 4999}, "this one has 5,013"),
        ({"n": 2}, "n = 2 is not supported"),
        ({"temperature": 3}, "temperature: "),
        ({"model": "none"}, "none"),
        ({"message": [{"type": "text", "text": "I want to die"}], "stop": [""]}, "stop"),
        ({"message": [{"type": "text", "text": "I want to die"}, {"type": "image_url"}]}, "must be text"),
    ],
)
def test_a_refused_request_is_no_reason_to_leave_out_the_crisis_message(
    client: OpenAI, changed: dict[str, Any], reason: str
) -> None:
    with pytest.raises(APIStatusError, match=rf"(?s)findahelpline.*\n\n.*{reason}"):
        complete(client, **{"message": "I want to die"} | changed)


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize(
    "key",
    ["n", "max_tokens", "max_completion_tokens", "seed", "temperature", "top_p", "top_k", "top_logprobs",
     "frequency_penalty", "presence_penalty"],
)  # fmt: skip
def test_neither_true_nor_false_is_a_number(client: OpenAI, key: str, value: bool) -> None:
    with pytest.raises(BadRequestError, match=f"{key}.* (must be a number, not|=) {json.dumps(value)}") as raised:
        complete(client, extra_body={key: value})
    assert (raised.value.param, raised.value.type) == (key, "invalid_request_error")


HARM = {"role": "user", "content": "I want to die"}
CALL: list[Any] = [
    {"role": "assistant", "content": None, "tool_calls": []},
    {"role": "tool", "content": "0", "tool_call_id": "a"},
]


@pytest.mark.parametrize(
    ("messages", "due"),
    [
        ([HARM, {"role": "assistant", "content": "I"}], True),
        ([HARM, *CALL], True),
        ([*CALL, HARM], True),
        ([HARM, {"role": "tool", "content": "0"}, {"role": "user", "content": 7}, 7, {"content": [7]}], True),
        ([HARM, *CALL, {"role": "user", "content": "Hm."}], False),
        ([{"role": "assistant", "content": "I want to die"}], False),
    ],
)
def test_what_the_user_said_last_decides_on_the_crisis_message_of_a_refusal(
    client: OpenAI, messages: list[Any], due: bool
) -> None:
    answer = httpx.post(f"{client.base_url}chat/completions", json={"model": "full", "n": 2, "messages": messages})
    assert answer.status_code == 400
    assert ("findahelpline" in answer.json()["error"]["message"]) == due


def test_a_number_of_many_digits_does_not_hide_what_the_user_said() -> None:
    body = json.dumps({"messages": [HARM], "seed": 0}).replace("0}", "9" * 5000 + "}").encode()
    assert "findahelpline" in str(helpful(ApiError(400, "seed"), body))


def test_half_a_surrogate_is_a_question_mark() -> None:
    def content(escaped: str) -> str:
        body = f'{{"model": "full", "messages": [{{"role": "user", "content": "{escaped}"}}]}}'
        return CompletionRequest.parse(body.encode()).messages[0].content

    assert content(r"a \ud83d b \ude00 \ud83d\ude00 \ud83d\ud83d\ude00") == "a ? b ? \U0001f600 ?\U0001f600"
    assert content(r"\\ud83d \u00e9\n") == "\\ud83d é\n"


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b"[]", b'{"messages": [1]}', b'{"messages": 1}', b'{"messages": {"a": 1}}', b"\xff", b"{}"],
)
def test_a_body_of_any_kind_is_refused_by_what_is_wrong_with_it(client: OpenAI, body: bytes) -> None:
    answer = httpx.post(f"{client.base_url}chat/completions", content=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("model", ["full", "persona"])
def test_the_last_token_before_a_limit_is_sent(client: OpenAI, engine: Engine, model: str) -> None:
    turns = [*(each["content"] for each in SAID), MESSAGE]
    answers = engine.reply(model, Question(turns, engine.parameters.rag.persona, SAMPLING))
    *grown, last = [answer for answer in answers if not answer.loading]
    assert last.truncated
    for limit in (1, 2, len(grown)):
        choice = complete(client, model, max_tokens=limit).choices[0]
        assert (choice.message.content, choice.finish_reason) == (grown[limit - 1].uncut, "length")
        assert choice.message.content
    assert complete(client, model).choices[0].message.content == grown[-1].uncut


def test_a_limit_holds_and_tokens_are_counted_in_beam_search_too(engine: Engine) -> None:
    beam = Decoding(method="beam", beams=3, no_repeat_ngram=2)
    generation = engine.parameters.generation.model_copy(update={"decoding": {"default": beam}})
    beams = Engine(engine.parameters.model_copy(update={"generation": generation}), engine.artifacts)
    client, most = TestClient(Starlette(routes=[mounted(beams, None)])), generation.max_new_tokens
    texts = []
    for limit, tokens in ((3, 3), (most, most), (None, most), (most + 9, most)):
        body = {"model": "full", "max_tokens": limit, "messages": [{"role": "user", "content": MESSAGE}]}
        answer = client.post("/v1/chat/completions", json=body).json()
        assert answer["usage"]["completion_tokens"] == tokens
        assert answer["choices"][0]["finish_reason"] == "length"
        texts.append(answer["choices"][0]["message"]["content"])
    assert 0 < len(texts[0]) < len(texts[1])
    assert texts[1:] == [texts[1]] * 3


def test_what_follows_the_last_sentence_is_sent_up_to_a_stop() -> None:
    async def growing() -> AsyncIterator[Answer]:
        for text in ("I am.", "I am. You", "I am. You are"):
            yield Answer(text.rpartition(" ")[0], truncated=True, uncut=text)
        yield Answer("I am.", done=True, truncated=True, uncut="I am. You are")

    async def text(stops: list[str]) -> str:
        return "".join([piece async for piece in Streamed(stops).pieces(growing())])

    assert asyncio.run(text([])) == "I am. You are"
    assert asyncio.run(text(["are"])) == "I am. You "


@pytest.mark.parametrize("asked", [["I want to die"], ["I want to die", "Please answer."]])
def test_a_crisis_message_is_the_whole_content_and_no_model_reads_what_it_answered(
    client: OpenAI, asked: list[str]
) -> None:
    def completed(*said: tuple[str, str], **settings: Any) -> Any:
        messages: Any = [{"role": role, "content": text} for role, text in said]
        return client.chat.completions.create(model="full", messages=messages, **settings)

    said = [("user", text) for text in asked]
    crisis = crisis_message(asked[0])
    for settings in ({}, {"stop": "danger", "max_tokens": 1}):
        (choice,) = completed(*said, **settings).choices
        assert (choice.message.content, choice.finish_reason) == (crisis, "content_filter")
    chunks = [chunk.choices[0] for chunk in completed(*said, stream=True)]
    assert "".join(chunk.delta.content or "" for chunk in chunks) == crisis
    assert chunks[-1].finish_reason == "content_filter"
    last = ("user", MESSAGE)
    assert completed(*said, ("assistant", str(crisis)), last).choices == completed(last).choices


def test_null_and_what_changes_nothing_are_as_if_they_were_left_out(client: OpenAI) -> None:
    null: Any = dict.fromkeys(("stream", "seed", "stop", "temperature", "logit_bias", "n"))
    wanted = complete(client).choices
    assert complete(client, extra_body=null).choices == wanted
    assert complete(client, logit_bias={}).choices == wanted


@pytest.mark.parametrize(
    ("settings", "param", "reason"),
    [
        ({"temperature": 3}, "temperature", "less than or equal to 2"),
        ({"max_tokens": 0}, "max_tokens", "greater than or equal to 1"),
        ({"extra_body": {"top_k": 3_000_000_000}}, "top_k", "less than or equal to 2147483647"),
        ({"seed": 2**63}, "seed", "less than 9223372036854775808"),
        ({"n": 2}, "n", "n = 2 is not supported"),
        ({"top_logprobs": 2}, "top_logprobs", "top_logprobs = 2 is not supported"),
        ({"modalities": ["audio"]}, "modalities", "modalities = .* is not supported"),
        ({"tool_choice": "required"}, "tool_choice", "tool_choice = 'required' is not supported"),
        ({"function_call": {"name": "f"}}, "function_call", "is not supported"),
        ({"logit_bias": {"50": 100}}, "logit_bias", "logit_bias"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools", "tools"),
        ({"message": " "}, "messages", "nothing in the message"),
        ({"message": "a" * 5000}, "messages", "this one has 5,000"),
        ({"message": [{"type": "image_url", "image_url": {"url": "a"}}]}, "messages.2.content", "must be text"),
        ({"message": None}, "messages.2.content", "must be text"),
    ],
)
@pytest.mark.fault("wrong requests to the API", "an error of OpenAI's shape")
def test_what_cannot_be_done_is_an_error_of_openais_shape(
    client: OpenAI, settings: dict[str, Any], param: str, reason: str
) -> None:
    with pytest.raises(BadRequestError, match=reason) as raised:
        complete(client, **settings)
    assert raised.value.type == "invalid_request_error"
    assert str(raised.value.param).startswith(param)


@pytest.mark.parametrize(
    "asked",
    [{"extra_body": {"tools": [{"name": "f" * 5000}]}}, {"model": "f" * 5000}, {"extra_body": {"n": "f" * 5000}}],
)
def test_an_error_does_not_repeat_all_of_a_long_value(client: OpenAI, asked: dict[str, Any]) -> None:
    with pytest.raises(APIStatusError, match="fff") as raised:
        complete(client, **asked)
    assert len(raised.value.message) < 1000


def test_other_requests_are_refused(client: OpenAI) -> None:
    with pytest.raises(NotFoundError, match="There is no system") as raised:
        complete(client, "gpt")
    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")
    with pytest.raises(BadRequestError, match="the last one must be the user's"):
        client.chat.completions.create(model="full", messages=SAID)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError, match="POST /v1/embeddings is not served"):
        client.embeddings.create(model="full", input="a")
    with pytest.raises(APIStatusError, match="may have 1,000,000 bytes"):
        complete(client, message="a" * MAX_BODY)


@pytest.mark.fault("a client that leaves while it sends its request", "no error in the log")
def test_a_client_that_leaves_in_mid_request_is_no_error(engine: Engine) -> None:
    received: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return received.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    app = Starlette(routes=[mounted(engine, None)])
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "query_string": b"", "headers": []}
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 499


def test_a_model_that_is_not_trained_says_what_trains_it(root: Path, tmp_path: Path) -> None:
    app = Starlette(routes=[mounted(Engine(load(root / "params.yaml"), Artifacts(tmp_path)), None)])
    body = {"model": "full", "messages": [{"role": "user", "content": "Hi."}]}
    answer = TestClient(app).post("/v1/chat/completions", json=body)
    assert answer.status_code == 404
    assert "full cannot answer yet: models/base/smollm2 is missing; `dvc repro" in answer.json()["error"]["message"]


def test_what_may_begin_a_stop_waits_and_nothing_is_taken_back() -> None:
    async def growing() -> AsyncIterator[Answer]:
        for text in ("a", "a #", "a ##", "a ## b", "a ## b #", "a ## b ##", "a ## b ###x"):
            yield Answer(text, truncated=True)
        yield Answer("a.", done=True, truncated=True)

    async def pieces(stops: list[str]) -> tuple[list[str], str]:
        streamed = Streamed(stops)
        return [piece async for piece in streamed.pieces(growing())], streamed.finish

    assert asyncio.run(pieces(["###"])) == (["a", " ", "## b", " "], "stop")
    assert asyncio.run(pieces(["####"])) == (["a", " ", "## b", " ", "###x"], "length")


def test_an_event_is_one_line_for_every_reader(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "a\u2028b\u0085c"

    async def reply(*_: Any, **__: Any) -> AsyncIterator[Answer]:
        yield Answer(said, done=True)

    monkeypatch.setattr(engine, "reply_async", reply)
    body = {"model": "full", "stream": True, "messages": [{"role": "user", "content": "Hi."}]}
    answer = TestClient(Starlette(routes=[mounted(engine, None)])).post("/v1/chat/completions", json=body)
    *events, end = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    deltas = [json.loads(each)["choices"][0]["delta"].get("content", "") for each in events]
    assert ("".join(deltas), end) == (said, "[DONE]")


@pytest.mark.timeout(20)
@pytest.mark.fault("a stop of millions of letters", "it takes no longer than the reply is long")
def test_a_stop_longer_than_the_reply_takes_no_time() -> None:
    assert held_back("a #", ["# " + "b" * 5_000_000]) == 1
