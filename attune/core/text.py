"""Sentences that occur in a text, compared token by token."""

import re

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
