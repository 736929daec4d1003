"""People's text as token ids, in which the name of a special token stays text."""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from attune.core.text import IDEOGRAPHS

# Special tokens get names of one letter in a copy of a tokenizer: of Unicode's last private letters, which no
# normaliser makes of others, by lower case for instance, or by removing some. Where people write one, it is U+FFFD.
_FIRST_NAME = 0x100000
_NAMES = re.compile("[\U00100000-\U0010fffd]")
# The share of texts of unknown words above which they are too much alike to an encoder, and how many texts tell it.
_UNKNOWN, _LOOKED_AT = 0.1, 1000
# Chinese and Japanese have no spaces between words: each ideograph counts as a word. A kana does not, unlike in
# `metrics.words`: vocabularies of English have nearly each of them, but not the words that they make up.
_WORD = re.compile(rf"[{IDEOGRAPHS}]|[^\s{IDEOGRAPHS}]+")
_SHORTEST_NAME = 3  # letters; some tokenizers pad with "!", which is a mark of punctuation all the same


class Markup(str):
    """Text that a chat template wrote: special tokens are special in it."""

    __slots__ = ()


def token_ids(tokenizer: Any, *parts: str) -> list[int]:
    """The ids of the joined `parts`, as one text, without special tokens before or after it.

    Special tokens are read in parts that are `Markup` alone. In all others `<|endoftext|>` or `[SEP]` is tokenised as
    any text is; tokenizers that cannot do that, which are not of the library `tokenizers`, read `< |endoftext|>`.
    """
    if getattr(tokenizer, "backend_tokenizer", None) is None:
        names = special_pattern(tokenizer)
        text = "".join(part if isinstance(part, Markup) else escaped(names, part) for part in parts)
        return tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    reader = _reader(tokenizer)
    text = "".join(reader.named(part) if isinstance(part, Markup) else _NAMES.sub("\ufffd", part) for part in parts)
    return reader.copy.encode(text, add_special_tokens=False).ids


def unknown_share(tokenizer: Any, texts: Sequence[str]) -> float:
    """The share of the texts of whose words at least half are unknown to the tokenizer, 0 for one that reads bytes.

    Words are of letters: emoji and numbers tell nothing of a language. A word is unknown where at least half of its
    pieces are. Of many texts some are looked at.
    """
    unknown: Any = getattr(tokenizer, "unk_token_id", None)
    if unknown is None:
        return 0.0
    # Drawn by chance: of rows with equally many texts, even spaces would show the same place of each.
    some = texts if len(texts) <= _LOOKED_AT else Random(0).sample(texts, _LOOKED_AT)
    spaced = [text.split() for text in some]
    found = {
        part: [_is_unknown(token_ids(tokenizer, word), unknown) for word in _words(part)]
        for part in {*chain.from_iterable(spaced)}
    }
    by_text = [[each for part in parts for each in found[part]] for parts in spaced]
    return sum(2 * sum(words) >= len(words) > 0 for words in by_text) / max(1, len(by_text))


def _is_unknown(ids: Sequence[int], unknown: int) -> bool:
    return 2 * ids.count(unknown) >= len(ids)


def _words(text: str) -> list[str]:
    """The words of letters and their marks in a text."""
    marks = ("Mn", "Mc")
    kept = "".join(each if each.isalpha() or unicodedata.category(each) in marks else " " for each in text)
    return [word for word in _WORD.findall(kept) if any(map(str.isalpha, word))]


def too_many_unknown(tokenizer: Any, texts: Sequence[str], folder: Path, key: str) -> str:
    """What to say where an encoder does not know the texts' script; empty where it does.

    folder: the encoder's. key: where params.yaml names it.
    """
    share = unknown_share(tokenizer, texts)
    if share <= _UNKNOWN:
        return ""
    return (
        f"warning: {share:.0%} of the training texts consist mostly of words that {folder} does not know: texts that "
        f"differ are the same to it, and scores mean little; set `{key}` in params.yaml to an encoder of their language"
    )


def shared_start(ids: Sequence[int], others: Sequence[int]) -> int:
    """How many ids both begin with."""
    pairs = enumerate(zip(ids, others, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(ids), len(others)))


def special_pattern(tokenizer: Any) -> re.Pattern[str]:
    """What matches the names of the tokenizer's special tokens."""
    return _pattern(_special_names(tokenizer, ()))


def escaped(names: re.Pattern[str], text: str) -> str:
    """`text` with a space after the first letter of each special token's name, which `names` matches.

    Letters that a normaliser may turn into such a name count as the name.
    """
    plain = unicodedata.normalize("NFKC", text)
    if not names.search(plain):
        return text
    while names.search(plain):
        plain = names.sub(lambda name: f"{name[0][0]} {name[0][1:]}", plain)
    return plain


class _Reader(NamedTuple):
    """A copy of a fast tokenizer in which special tokens have names that nobody writes; `made_for` is what it copies.

    Special tokens are renamed in the vocabulary too: Unigram finds `</s>` there by itself. `encode_special_tokens` of
    the library would not, and knows no markup beside text.
    """

    copy: Any
    names: Mapping[str, str]
    pattern: re.Pattern[str]
    made_for: tuple[int, str, tuple[str, ...]]

    def named(self, markup: str) -> str:
        """The markup with the copy's names."""
        return self.pattern.sub(lambda name: self.names[name[0]], markup)


_READERS: WeakKeyDictionary[Any, _Reader] = WeakKeyDictionary()


def _reader(tokenizer: Any) -> _Reader:
    made_for = (len(tokenizer), str(tokenizer.chat_template), tuple(tokenizer.all_special_tokens))
    if tokenizer not in _READERS or _READERS[tokenizer].made_for != made_for:
        from tokenizers import Tokenizer

        state = json.loads(tokenizer.backend_tokenizer.to_str())
        names = _rename(state, _special_names(tokenizer, state["added_tokens"]))
        copy = Tokenizer.from_str(json.dumps(state))
        copy.no_truncation()
        copy.no_padding()
        _READERS[tokenizer] = _Reader(copy, names, _pattern(names), made_for)
    return _READERS[tokenizer]


def _special_names(tokenizer: Any, added: Iterable[Mapping[str, Any]]) -> list[str]:
    """The special tokens, and those that are not called special but that the chat template writes."""
    template = str(tokenizer.chat_template or "")
    names = {*tokenizer.all_special_tokens, *(each["content"] for each in added if each["special"])}
    names |= {each.content for each in tokenizer.added_tokens_decoder.values() if each.special}
    names |= {each["content"] for each in added if each["content"] in template}
    return sorted(filter(stays_text, names))


def stays_text(name: str) -> bool:
    """Whether a special token's `name` stays text where people write it; others are what anybody may write."""
    return len(name.strip()) >= _SHORTEST_NAME and not name.isalnum()


def _rename(state: dict[str, Any], special: Iterable[str]) -> dict[str, str]:
    """Rename the `special` tokens in a tokenizer's state, in place; returns the names."""
    names = {name: chr(_FIRST_NAME + number) for number, name in enumerate(special)}
    for token in state["added_tokens"]:
        if token["content"] in names:
            token |= {"content": names[token["content"]], "normalized": False}
    model = state["model"]
    if isinstance(model["vocab"], dict):
        model["vocab"] = {names.get(token, token): place for token, place in model["vocab"].items()}
    else:
        model["vocab"] = [[names.get(token, token), score] for token, score in model["vocab"]]
    if model.get("unk_token") in names:
        model["unk_token"] = names[model["unk_token"]]
    if "merges" in model:
        pairs = ((each.split(" ") if isinstance(each, str) else each) for each in model["merges"])
        model["merges"] = [list(pair) for pair in pairs if not names.keys() & {*pair, "".join(pair)}]
    return names


def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Any of the names, the longest first."""
    return re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))) or r"(?!)")
