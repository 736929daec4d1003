"""A fixed message with crisis lines, which is the answer where a message speaks of harm: no model replies there."""

import re
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from attune.corpora.wording import STRAIGHT_QUOTES

# Messages that are too long for a reply are checked too, up to this many characters.
MAX_CHARACTERS = 100_000
# Beside quotes, hyphens and dashes: a phone or a word processor may write a longer one, or one at which no line breaks.
_PLAIN = STRAIGHT_QUOTES | str.maketrans("\u2010\u2011\u2012\u2013\u2014\u2212", "------")


@cache
def _rules() -> tuple[str, re.Pattern[str]]:
    """The fixed message and one pattern of all expressions in crisis.toml."""
    rules = tomllib.loads((Path(__file__).parent / "crisis.toml").read_text(encoding="utf-8"))
    expressions = [*rules["self_harm"], *rules["violence"]]
    return rules["message"].strip(), re.compile("|".join(f"(?:{each})" for each in expressions), re.IGNORECASE)


def crisis_message(text: str) -> str | None:
    """The fixed message of crisis.toml where one of its expressions occurs in `text`, else None."""
    message, pattern = _rules()
    normalised = re.sub(r"\s+", " ", text[:MAX_CHARACTERS].translate(_PLAIN))
    return message if pattern.search(normalised) else None


def without_crises(history: Sequence[str]) -> list[str]:
    """The earlier turns without each crisis message and the message that it answered, which no model is to read.

    history: messages and replies in turn, ending with a reply. A client may have shortened a crisis message, so that
    whatever answers a message that speaks of harm is left out with it.
    """
    fixed, _ = _rules()
    kept: list[str] = []
    harm = False  # whether the turn before was a message that speaks of harm
    for left, turn in zip(range(len(history), 0, -1), history, strict=True):
        answers, harm = harm, left % 2 == 0 and crisis_message(turn) is not None
        if turn.strip() == fixed and not answers:
            del kept[-1:]
        elif not harm and not answers:
            kept.append(turn)
    return kept
