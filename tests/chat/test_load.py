"""Load test: ten people at once for a minute, through the page's HTTP endpoint."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from gradio_client import Client

from tests.chat.conftest import free_port
from tests.project import ROOT

PEOPLE, SECONDS = 10, 60


@pytest.fixture
def server(root: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    port = free_port()
    words = [sys.executable, str(ROOT / "app.py"), "--root", str(root), "--port", str(port)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            assert f"http://127.0.0.1:{port}" in process.stdout.readline()
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def memory(process: subprocess.Popen[str]) -> float:
    """The resident memory in MiB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
@pytest.mark.fault("ten people on the page for a minute", "right replies, flat memory")
def test_ten_people_at_once_for_a_minute(server: tuple[subprocess.Popen[str], str]) -> None:
    process, address = server
    systems = ("full", "lora_openorca", "rag+persona_rag", "cobert")

    def talk(person: int) -> int:
        """Hold new conversations, each twice with the same replies; returns how many."""
        held = 0
        while time.monotonic() < end:
            client, conversations = Client(address, verbose=False), []
            for _ in range(2):
                turns: list[str] = []
                for system in systems:
                    asked = f"I am person {person}, and this is story {held} of {end}."
                    answer = client.predict(asked, system, turns, [f"i am {person} ."], api_name="/reply")
                    turns = [*turns, asked, answer["reply"]]
                conversations.append(turns)
            assert conversations[0] == conversations[1]
            held += 1
        return held

    with ThreadPoolExecutor(PEOPLE) as pool:
        end = time.monotonic() + SECONDS / 4
        list(pool.map(talk, range(PEOPLE)))
        before = memory(process)
        end = time.monotonic() + SECONDS
        held = list(pool.map(talk, range(PEOPLE)))
    print(f"conversations held: {held}; memory {before:.0f} -> {memory(process):.0f} MiB")
    assert min(held) >= 1
    assert memory(process) < before + 40
