"""A training that is interrupted, for tests of how it resumes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from attune.training import checkpoints
from tests.project import ROOT


class Stop(Exception):
    pass


class BreaksOff:
    """The trainings of `module` raise `Stop` at update `at` until `again` is called; `updates` lists those done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: ModuleType, at: int) -> None:
        self.updates: list[int] = []
        self.breaks = True
        watched = self

        class Breaking(module.MarkComplete):
            def on_step_end(self, _args: Any, state: Any, _control: Any, **_: Any) -> None:
                watched.updates.append(state.global_step)
                if state.global_step == at and watched.breaks:
                    raise Stop

        monkeypatch.setattr(module, "MarkComplete", Breaking)

    def again(self) -> None:
        """From here on nothing breaks, and the updates are counted anew."""
        self.breaks = False
        self.updates.clear()


def interrupted(*_: Any, **__: Any) -> None:
    """In the place of a training: an interruption before the first update."""
    raise KeyboardInterrupt


def unfinished() -> set[str]:
    """The keys of the trainings that were interrupted in the current folder."""
    return {path.name for path in Path(".checkpoints").iterdir() if path.is_dir()}


@contextmanager
def edited(file: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if `file`, of the project's code, had another content."""
    digest = checkpoints.sha256
    with monkeypatch.context() as patched:
        patched.setattr(checkpoints, "sha256", lambda path: "edited" if path == ROOT / file else digest(path))
        yield
