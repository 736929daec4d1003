"""Clients that behave badly, over real sockets: others are answered all the same."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from threading import Event
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from attune.chat.answers import Answer
from attune.chat.engine import Engine
from attune.chat.openai_api import MAX_CONCURRENT_COMPLETIONS

BODY = {"model": "full", "messages": [{"role": "user", "content": "My cat ran away."}]}
MORE = MAX_CONCURRENT_COMPLETIONS + 4


def asking(address: str, stream: bool = True) -> socket.socket:
    """A connection that has asked for a reply, with as small a buffer as the system allows."""
    place, body = urlsplit(address), json.dumps(BODY | {"stream": stream})
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    connection.settimeout(60)
    connection.connect((place.hostname, place.port))
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall((head + body).encode())
    return connection


def reply(address: str) -> str:
    request = Request(f"{address}v1/chat/completions", json.dumps(BODY).encode())
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


@pytest.fixture
def wanted(address: str) -> Iterator[str]:
    text = reply(address)
    assert text
    yield text
    assert reply(address) == text


@pytest.mark.fault("clients that ask for replies and never read them", "others are answered")
def test_clients_that_never_read_hold_up_nobody(address: str, wanted: str) -> None:
    with ExitStack() as opened:
        for _ in range(MORE):
            opened.enter_context(asking(address))
        assert [reply(address) for _ in range(3)] == [wanted] * 3


@pytest.mark.fault("connections that are cut in mid-reply", "others are answered")
def test_connections_that_are_cut_give_their_places_back(address: str, wanted: str) -> None:
    for number in range(MORE):
        with asking(address) as connection:
            if number % 2:  # of the others, the reply has not begun
                assert connection.recv(1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
    assert reply(address) == wanted


@pytest.mark.fault("clients that leave before their reply is whole", "it is not written on")
def test_a_reply_that_nobody_waits_for_ends(address: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended, written = Event(), Event(), []

    async def growing(*_: Any, **__: Any) -> AsyncIterator[Answer]:
        try:
            for count in range(1, 1000):
                written.append(count)
                yield Answer("a" * count)
                begun.set()
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    monkeypatch.setattr(engine, "reply_async", growing)
    with asking(address, stream=False):
        assert begun.wait(60)
    assert ended.wait(60)
    assert len(written) < 999


@pytest.mark.fault("requests of which the half never comes", "others are answered")
def test_half_a_request_holds_up_nobody(address: str, wanted: str) -> None:
    with ExitStack() as opened:
        for _ in range(MORE):
            connection = opened.enter_context(socket.create_connection(urlsplit(address).netloc.split(":")))
            connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")
        assert reply(address) == wanted
