"""Texts compared by their words, and tokenised text as people write it."""

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


# How a treebank tokeniser leaves text, and how people write it, in the order in which they are applied.
_AS_WRITTEN = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"``\s*|\s*''(?!\w)", '"'),
        (r"\b(ca|wo|do|does|did|is|are|was|were|have|has|had|could|would|should|must|might|need|ai)\s+n't\b", r"\1n't"),
        (r"(?<=\w)\s+'(s|m|d|re|ve|ll)\b", r"'\1"),
        (r"\b(gon|wan)\s+na\b", r"\1na"),
        (r"\b(got)\s+ta\b", r"\1ta"),
        (r"\b(can)\s+not\b", r"\1not"),
        (r"(?<=\d)\s+:\s+(?=\d)", ":"),
        (r"\s+([.,!?%]+)(?=[\s)\]\"']|$)", r"\1"),
        (r"(?<=\w)\s+([;:])(?=\s)", r"\1"),
        (r"([(\[])\s+(?=\w)", r"\1"),
        (r"(?<=[\w.!?])\s+([)\]])", r"\1"),
        (r"\bi(?=['\s,!?]|\.(?!\w)|$)", "I"),
    )
)


def readable(text: str) -> str:
    """Tokenised text as people write it: "i could n't , sorry ." becomes "I couldn't, sorry."; other text stays."""
    for pattern, replacement in _AS_WRITTEN:
        text = pattern.sub(replacement, text)
    return text


def words_of(text: str) -> str:
    """What two texts share that differ in case, spaces and punctuation alone; of a text without words, the text."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", plain)) or plain.strip()
