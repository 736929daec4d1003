"""Texts compared by their words."""

import re
import unicodedata

_TOKEN = re.compile(r"\w+|[^\w\s]")


def _tokens(text: str) -> list[str]:
    tokens = _TOKEN.findall(text.lower())
    while tokens and not tokens[-1][0].isalnum():
        tokens.pop()
    return tokens


def repeated(persona: str, response: str) -> bool:
    """Whether `response` contains the whole persona sentence, token by token, final punctuation aside.

    By tokens, not letters: "i saw the cat ." does not occur in "i saw the cathedral ." (the original matches it).
    """
    wanted, tokens = _tokens(persona), _tokens(response)
    size = len(wanted)
    return size > 0 and any(tokens[i : i + size] == wanted for i in range(len(tokens) - size + 1))


def words_of(text: str) -> str:
    """What two texts share that differ in case, spaces and punctuation alone; of a text without words, the text."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", plain)) or plain.strip()
