from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from attune.chat.answers import Question
from attune.chat.engine import Engine
from tests.chat.tiny_pipeline import SAMPLING


def ask(address: str, message: str, history: list[str]) -> dict[str, Any]:
    return Client(address, verbose=False).predict(message, "full", history, ["i love apples ."], api_name="/reply")


def post(address: str, *values: Any) -> str:
    """The events of a call that no client of Gradio's has completed with default values."""
    call = httpx.post(f"{address}gradio_api/call/reply", json={"data": values}, timeout=100).json()
    return httpx.get(f"{address}gradio_api/call/reply/{call['event_id']}", timeout=100).text


def test_concurrent_requests_get_the_same_replies_as_single_ones(address: str, engine: Engine) -> None:
    histories = [[f"I am {feeling} today.", "Why?"] for feeling in ("sad", "glad", "lost", "shy", "calm", "free")]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda history: ask(address, "My cat ran away.", history), histories))
    for history, each in zip(histories, answers, strict=True):
        *_, alone = engine.reply("full", Question([*history, "My cat ran away."], (), SAMPLING))
        about = {"reply": alone.text, "truncated": alone.truncated, "dropped_turns": 0, "message_shortened": False}
        assert each == about | {"dropped_sentences": 0, "retrieved": [], "crisis": None}


def test_the_endpoint_refuses_with_a_sentence_and_logs_nothing(address: str, capfd: pytest.CaptureFixture[str]) -> None:
    for message, reason in ((" ", "nothing in the message"), ("secret" * 20_000, "this one has 120,000")):
        with pytest.raises(AppError, match=reason):
            ask(address, message, [])
    answer = ask(address, "secretly I want to die", [])
    assert "findahelpline" in answer["reply"]
    assert answer["reply"] == answer["crisis"]
    with pytest.raises(AppError, match="history: an even number"):
        ask(address, "Hm.", ["Hm."])
    with pytest.raises(AppError, match="this one has 5,000"):
        ask(address, "Hm.", ["a" * 5000, "Hm."])
    with pytest.raises(AppError, match="history: at most 500 turns, the newest; these are 10,000"):
        ask(address, "Hm.", ["Hm."] * 10_000)
    for history, persona, reason in (("secret", [], "history: .*valid list"), ([], "secret", "persona: .*valid list")):
        with pytest.raises(AppError, match=reason):
            Client(address, verbose=False).predict("Hm.", "full", history, persona, api_name="/reply")
    with pytest.raises(AppError, match="There is no system 'secret'"):
        Client(address, verbose=False).predict("Hm.", "secret", [], [], api_name="/reply")
    assert "secret" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("key", ["temperature", "top_k", "top_p", "attempt"])
@pytest.mark.parametrize("value", [True, False])
def test_a_truth_value_is_no_number(address: str, key: str, value: bool) -> None:
    with pytest.raises(AppError, match=f"{key}: must be a number, not {str(value).lower()}"):
        Client(address, verbose=False).predict("Hm.", "full", [], [], **{key: value}, api_name="/reply")


def test_too_few_values_are_refused_without_writing_them_to_the_log(served: tuple[gr.Blocks, str]) -> None:
    page, address = served
    reason = "8 values are needed (message, system, history, persona, temperature, top_k, top_p, attempt); these are 4."
    assert reason in post(address, "a secret", "full", [], [])
    for function in (each for each in page.fns.values() if each.inputs):
        with pytest.raises(gr.Error) as raised:
            page.validate_inputs(function, [])
        assert not raised.value.print_exception


def test_the_crisis_message_is_part_of_a_refusal(address: str) -> None:
    long = "I want to kill myself " + "a" * 5000
    with pytest.raises(AppError, match=r"(?s)this one has 5,022.*findahelpline"):
        ask(address, long, [])
    with pytest.raises(AppError, match=r"(?s)There is no system.*findahelpline"):
        Client(address, verbose=False).predict(long[:21], "nobody", [], [], api_name="/reply")
    with pytest.raises(AppError, match=r"(?s)history: .*valid list.*findahelpline"):
        Client(address, verbose=False).predict(long[:21], "full", "secret", [], api_name="/reply")
    with pytest.raises(AppError, match=r"message: .*valid string"):
        Client(address, verbose=False).predict(7, "full", [], [], api_name="/reply")
    assert "findahelpline" in post(address, long[:21], "full")
