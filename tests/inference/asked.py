"""What generators are asked to reply to."""

from typing import Any

import pytest

from attune.generators.prompts import Example
from attune.inference.generator import Generator
from attune.parameters.decoding import Decoding


def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[Example], Decoding]]:
    """What each generator is to reply to, and how, in the order in which they write."""
    found: list[tuple[list[Example], Decoding]] = []
    replies = Generator.replies

    def noted(self: Generator, prompts: Any, decoding: Any, *others: Any) -> Any:
        found.append((prompts, decoding))
        return replies(self, prompts, decoding, *others)

    monkeypatch.setattr(Generator, "replies", noted)
    return found
