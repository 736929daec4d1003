"""Texts compared by their words, and the characters that make up words and end sentences."""

import hashlib
import re
import unicodedata

# As ranges within a pattern's brackets: ideographs of Chinese and Japanese, which have no spaces between words, with
# those of the supplementary planes; and Japanese kana.
IDEOGRAPHS = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
KANA = "\u3040-\u30ff"
# What ends a sentence, as characters of a pattern's brackets; no space need follow the full-width marks of Chinese and
# Japanese.
SENTENCE_MARKS, FULL_WIDTH_MARKS = ".!?", "\u3002\uff01\uff1f"
# Their full stops end no sentence.
TITLES = ("Mr", "Mrs", "Ms", "Dr", "St")
_MARK = re.compile(r"[^\w\s]")
_GENERAL = re.compile("COMBINING|VARIATION SELECTOR")  # marks of no script, by Unicode's names
_ASCII_MARKS = {code: " " for code in range(128) if _MARK.match(chr(code))}
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
    # The same for both, but twice as fast where no mark belongs to a script.
    divided = plain.translate(_ASCII_MARKS) if plain.isascii() else _MARK.sub(_spelt, plain)
    return " ".join(divided.split()) or plain.strip()


def words_hash(text: str) -> str:
    """16 hex digits that stand for a text, whatever its case, spaces and punctuation (`words_of`)."""
    return hashlib.sha256(words_of(text).encode()).hexdigest()[:16]


def _spelt(mark: re.Match[str]) -> str:
    """A vowel sign or tone, without which words of Hindi or Thai would be others; a space for what divides words.

    Accents that no letter is composed with, and what chooses the look of an emoji, divide words as punctuation does.
    """
    of_a_script = unicodedata.category(mark[0]) in ("Mn", "Mc") and not _GENERAL.match(unicodedata.name(mark[0]))
    return mark[0] if of_a_script else " "
