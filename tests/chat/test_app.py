"""The command that serves the page, before it does."""

import argparse
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import port_number, require_free
from attune.core.errors import AttuneError
from tests.chat.conftest import free_port
from tests.forked import python
from tests.project import ROOT


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of 127.0.0.1 that somebody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.mark.fault("a port that another program listens on", "one sentence with the reason and the options to change")
def test_a_port_in_use_is_refused_with_the_reason(taken: int) -> None:
    with pytest.raises(AttuneError, match=rf"host '127\.0\.0\.1', port {taken}: Address already in use; choose others"):
        require_free("127.0.0.1", taken)


@pytest.mark.parametrize(
    ("host", "reason"), [("203.0.113.1", os.strerror(errno.EADDRNOTAVAIL)), ("two..dots", "not a host name")]
)
@pytest.mark.fault("a host that is not this machine, or no host at all", "one sentence with the reason")
def test_a_host_on_which_no_server_can_listen_is_refused(host: str, reason: str) -> None:
    with pytest.raises(AttuneError, match=f"host '{host}', port 7861: {reason}"):
        require_free(host, 7861)


def test_a_free_port_of_this_machine_is_accepted_in_every_notation() -> None:
    with socket.socket() as another:
        another.bind(("127.0.0.1", 0))
        free = another.getsockname()[1]
    for host in ("127.0.0.1", "localhost", "0.0.0.0", ""):
        require_free(host, free)


@pytest.mark.fault("a params.yaml that cannot be read", "one sentence that names it")
def test_a_file_that_cannot_be_read_is_not_taken_for_the_port(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").mkdir()
    done = python("models", "-m", "app", "--root", tmp_path, "--port", str(free_port()), cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr == f"error: [Errno 21] Is a directory: '{tmp_path}/params.yaml'\n"


@pytest.mark.parametrize("text", ["0", "65536", "-1", "80x", ""])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a number from 1 to 65535"):
        port_number(text)
