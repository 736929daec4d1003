"""A kind word and where to find help, where a message speaks of harm. A short list of expressions, no detection."""

import re
import tomllib
from functools import cache
from pathlib import Path

# Characters that are looked at: far more than a message may have, for also what is refused is.
_SEEN = 100_000


@cache
def _rules() -> tuple[str, re.Pattern[str]]:
    """The fixed message, and one expression out of all in care.toml."""
    rules = tomllib.loads((Path(__file__).parent / "crisis.toml").read_text(encoding="utf-8"))
    expressions = [*rules["self_harm"], *rules["others"]]
    return rules["message"].strip(), re.compile("|".join(f"(?:{each})" for each in expressions), re.IGNORECASE)


def care(message: str) -> str | None:
    """What to show beside the reply; None where no expression of care.toml stands in the message."""
    text, expression = _rules()
    return text if expression.search(re.sub(r"\s+", " ", message[:_SEEN].replace("’", "'"))) else None
