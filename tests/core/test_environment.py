import os
import subprocess
import sys

import pytest

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
