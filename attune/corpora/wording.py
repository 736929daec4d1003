"""PEC's wording: text that is lower-cased and tokenised, as its models read it, and the same as people write it."""

import re

# What writes an apostrophe or a quotation mark in another way, for `str.translate`.
STRAIGHT_QUOTES = str.maketrans("’‘`´“”", "''''\"\"")
# A face stays one token; so do runs such as "..." and "?!", and the points inside of numbers and times.
_FACE = r"(?<!\w)[:;=][-'^o]?[()\[\]dpo/\\|3*]+(?!\w)"
_PUNCTUATION = r"[.!?]+(?![\w.!?])|[.!?]{2,}|(?<!\d)[,:;]|[,:;](?!\d)|[()\"]"
# What any of them begins with comes first: elsewhere the search need not try them all.
_SPLIT = re.compile(rf"(?=[:;=.!?,()\"])(?:{_FACE}|{_PUNCTUATION})")
# In either the letters come before the look behind them, since the search is fast where a pattern begins with letters.
_NOT = re.compile(r"n't(?<=\wn't)\b")
_CONTRACTED = re.compile(r"'(?<=\w')(m|s|re|ve|ll|d)\b")
# What follows the token before it without a space: closing punctuation, and the second part of a contraction.
_CLOSING = re.compile(r"[.!?]+|[,:;)%]|n't|'(?:m|s|re|ve|ll|d)")
_SENTENCE_END = re.compile(r"[.!?]*[!?][.!?]*|\.")
_FIRST_PERSON = re.compile(r"^i(?='|$)")


def tokenised(text: str) -> str:
    """`text` lower-cased, with punctuation and contractions split off, as PEC's text has them."""
    text = _SPLIT.sub(lambda match: f" {match.group()} ", text.lower().translate(STRAIGHT_QUOTES))
    if "'" in text:
        text = _CONTRACTED.sub(r" '\1", _NOT.sub(" n't", text))
    return " ".join(text.split())


def as_written(text: str) -> str:
    """PEC's `text` as people write it: "i ca n't stay ." is "I can't stay.".

    For readers; models get PEC's own. `tokenised` turns the result into `text` again, where `text` is as that function
    writes it. Names stay lower-case. Tokens are joined from left to right, so that the text of a reply that is still
    being written grows with it, token by token.
    """
    written, glued, quoted, starts = "", True, False, True
    for token in text.split():
        closes = _CLOSING.fullmatch(token) is not None
        if token == '"':
            closes, quoted = quoted, not quoted
        shown = _FIRST_PERSON.sub("I", token)
        if starts and not closes:
            shown = shown[0].upper() + shown[1:]
        written += shown if glued or closes else f" {shown}"
        glued = token == "(" or (token == '"' and quoted)
        starts = _SENTENCE_END.fullmatch(token) is not None or (starts and glued)
    return written
