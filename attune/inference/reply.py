"""A written reply: the text that token ids are, and whether it came to an end."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from attune.inference.sentences import whole_sentences


@dataclass(frozen=True)
class Reply:
    """A reply without its prompt.

    truncated: it reached the length limit before it ended; its text then stops after the last whole sentence, if it has
    one. uncut: all that was written. tokens: how many were written, with that which ended it.
    """

    text: str
    truncated: bool
    uncut: str = ""
    tokens: int = 0


def reply_of(tokenizer: Any, ids: list[int], stop_token_ids: Collection[int], finished: bool = True) -> Reply:
    """The reply that the token `ids` are, up to its stop token if it has ended.

    finished: no more tokens will come, so that a reply without an end is cut after its last whole sentence.
    """
    ended = bool(ids) and ids[-1] in stop_token_ids
    text = _text(tokenizer, ids, ended)
    if ended:
        return Reply(text, truncated=False, uncut=text, tokens=len(ids))
    # A token may hold only the first bytes of a character, which are decoded as U+FFFD.
    text = text.rstrip("\ufffd")
    return Reply(whole_sentences(text) if finished else text, truncated=True, uncut=text, tokens=len(ids))


def _text(tokenizer: Any, ids: list[int], ended: bool) -> str:
    """The reply without its stop token, but with the punctuation that a token such as `.\\n` begins with."""
    text = tokenizer.decode(ids[:-1] if ended else ids, skip_special_tokens=True)
    last = tokenizer.decode(ids[-1:], skip_special_tokens=True) if ended else ""
    before, line_break, _ = last.partition("\n")
    # Without one it is a mark, which a tokenizer need not call special.
    return (text + before * bool(line_break)).strip()


def up_to_stop(ids: list[int], stops: Collection[int]) -> list[int]:
    """`ids` up to and including the first of `stops`."""
    return next((ids[: at + 1] for at, token in enumerate(ids) if token in stops), ids)
