"""A fixed message with crisis lines, which is the answer where a message speaks of harm: no model replies there."""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from attune.corpora.wording import STRAIGHT_QUOTES

# Messages that are too long for a reply are checked too, up to this many characters.
MAX_CHARACTERS = 100_000


@cache
def _rules() -> tuple[str, re.Pattern[str]]:
    """The fixed message and one pattern of all expressions in crisis.toml."""
    rules = tomllib.loads((Path(__file__).parent / "crisis.toml").read_text(encoding="utf-8"))
    expressions = [*rules["self_harm"], *rules["violence"]]
    return rules["message"].strip(), re.compile("|".join(f"(?:{each})" for each in expressions), re.IGNORECASE)


def crisis_message(text: str) -> str | None:
    """The fixed message of crisis.toml where one of its expressions occurs in `text`, else None."""
    message, pattern = _rules()
    normalised = re.sub(r"\s+", " ", text[:MAX_CHARACTERS].translate(STRAIGHT_QUOTES))
    return message if pattern.search(normalised) else None


def without_crises(history: Iterable[str]) -> list[str]:
    """The earlier turns without each crisis message and the message that it answered, which no model is to read."""
    fixed, _ = _rules()
    kept: list[str] = []
    for turn in history:
        if turn.strip() == fixed:
            del kept[-1:]
        else:
            kept.append(turn)
    return kept
