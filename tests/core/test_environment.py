import os
import re
import subprocess
import sys

import pytest

from attune.core.environment import lives, require_environment
from tests.project import ROOT

CODE = "from attune.core.environment import print_any_text; print_any_text(); print('kind \U0001f600 caf\xe9')"


@pytest.mark.parametrize(
    ("name", "value", "printed"),
    [("PYTHONIOENCODING", "latin-1", b"kind ? caf\xe9\n"), ("PYTHONIOENCODING", "ascii", b"kind ? caf?\n")],
)
@pytest.mark.fault("an emoji on a Latin-1 terminal", "a question mark in its place")
def test_a_letter_that_the_terminal_lacks_is_replaced(name: str, value: str, printed: bytes) -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, env=os.environ | {name: value}, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, printed, b"")


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("HF_HUB_DOWNLOAD_TIMEOUT", "soon", "a whole number of seconds"),
        ("HF_HUB_ETAG_TIMEOUT", "", "a whole number of seconds"),
        ("HF_ENDPOINT", "hub.example", "an address such as https://host"),
        ("HF_ENDPOINT", "http://[::1", "an address such as https://host"),
        ("HF_ENDPOINT", "https://host:port", "an address such as https://host"),
    ],
)
@pytest.mark.fault("{name} = '{value}'", "one sentence, before anything is imported")
def test_a_variable_that_the_hub_s_client_cannot_read_is_named(
    name: str, value: str, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=f"the environment's {name} is {re.escape(repr(value))}; it must be {right}"):
        require_environment()


@pytest.mark.parametrize(
    ("address", "printed"),
    [("https://me:secret@host:port", "https://host:port"), ("me:p@ss@host/hub?key=secret", "host/hub")],
)
def test_a_password_in_an_address_is_not_printed(monkeypatch: pytest.MonkeyPatch, address: str, printed: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    with pytest.raises(SystemExit, match=f"HF_ENDPOINT is '{printed}'; it must be"):
        require_environment()


def test_right_variables_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HF_HUB_ETAG_TIMEOUT": "3", "HF_ENDPOINT": "http://[::1]:80/sub"}.items():
        monkeypatch.setenv(name, value)
    require_environment()


def test_every_command_prints_any_text() -> None:
    """Also where a module that it imports does the printing: names of folders are people's text, too."""
    commands = [
        path.relative_to(ROOT)
        for folder in ("attune", "stages", "studies")
        for path in (ROOT / folder).rglob("*.py")
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    ]
    assert len(commands) > 20
    texts = {path: (ROOT / path).read_text(encoding="utf-8") for path in commands}
    assert [path for path, text in texts.items() if not ("print_any_text()" in text or "start(main)" in text)] == []


def test_another_user_s_process_lives_too() -> None:
    if os.getuid():
        assert lives(1)
        return
    child = os.fork()
    if not child:
        os.setuid(65534)  # who may not send this process a signal
        os._exit(0 if lives(os.getppid()) else 1)
    assert os.waitpid(child, 0)[1] == 0
