"""A training that is interrupted, for tests of how it resumes."""

from types import ModuleType
from typing import Any

import pytest


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
