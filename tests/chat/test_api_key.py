"""The key of OpenAI's API: when it is asked for, how requests carry it, and what is printed of it."""

import io
from contextlib import redirect_stdout

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from attune.chat.engine import Engine
from attune.chat.openai_api import KEY, api_key, key_notice, mounted
from attune.chat.page import serve
from tests.chat.conftest import free_port


@pytest.fixture
def client(engine: Engine) -> TestClient:
    """Of an API whose key is `secret`."""
    return TestClient(Starlette(routes=[mounted(engine, "secret")]))


def test_a_key_is_asked_for_where_others_reach_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)
    assert [api_key(host) for host in ("127.0.0.1", "localhost", "::1")] == [None] * 3
    made = {api_key(host) for host in ("0.0.0.0", "::", "192.168.1.2", "example.org")}
    assert len(made) == 4
    assert None not in made
    monkeypatch.setenv(KEY, "secret")
    assert [api_key(host) for host in ("127.0.0.1", "0.0.0.0")] == ["secret"] * 2


@pytest.mark.parametrize(
    "carried", [None, "", "Bearer", "Bearer wrong", b"Bearer \xe9", "secret", "Basic secret", "Bearersecret"]
)
@pytest.mark.fault("a request without the key", "refused with 401")
def test_a_request_without_the_key_as_its_bearer_token_is_refused(client: TestClient, carried: str | None) -> None:
    headers = {} if carried is None else {"Authorization": carried}
    for answer in (client.get("/v1/models", headers=headers), client.post("/v1/chat/completions", headers=headers)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize("carried", ["Bearer secret", "bearer secret", "BEARER  secret"])
def test_the_scheme_may_be_written_in_any_case(client: TestClient, engine: Engine, carried: str) -> None:
    """As RFC 9110 has it, in section 11.1."""
    models = client.get("/v1/models", headers={"Authorization": carried}).json()
    assert [each["id"] for each in models["data"]] == list(engine.systems)


def test_a_key_that_was_made_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)
    assert [key_notice(key) for key in (None, "made")] == ["", ", with the key made"]


def test_one_s_own_key_is_not_printed(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    """Not with capsys, which also replaces stderr: absl, where TensorBoard has imported it, closes the stderr of its
    import when uvicorn sets its logging up, unless that is still `sys.stderr`; pytest cannot go on without it.
    """
    monkeypatch.setenv(KEY, "secret")
    with redirect_stdout(io.StringIO()) as stream:
        page, address = serve(engine, "127.0.0.1", free_port(), wait=False)
        page.close()
    printed = stream.getvalue()
    assert f"OpenAI's API is at {address}v1, with the key of ATTUNE_API_KEY\n" in printed
    assert "secret" not in printed
