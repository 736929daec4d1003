"""A conversation by a tokenizer's chat template, from which nothing may be missing.

Templates differ in what they know: some refuse a system text or a conversation that the assistant begins, and some
leave out, without a word, what they have no place for. So each is shown placeholders first, and what it makes of them
decides where the texts go. The texts themselves it never sees: none can change what it does, or become a special token.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from attune.core.errors import AttuneError, one_line
from attune.core.tokens import Markup
from attune.generators.roles import CHAT, TURN, Roles

Messages = list[dict[str, str]]

_PLACE = "attuneplace{}x"  # no template writes this
_PLACES = re.compile(r"attuneplace(\d+)x")
# What templates are told is today: the date that Llama 3's gives where it knows none.
_TODAY = date(2024, 7, 26)
_ASKS_DATE = re.compile(r"""strftime_now\(\s*(["'])([^"'\\]*)\1\s*\)""")
_OTHERWISE = re.compile(r"\bstrftime_now\b(?!\s+is\s)")  # that it is defined may be asked
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_PREAMBLE = 0  # the number of its place; the turns' follow
# For each tokenizer, what its template makes of each kind of conversation, and the token that ends the assistant's
# turn; rendering takes longer than tokenising.
_ARRANGED: WeakKeyDictionary[Any, dict[Any, "_Arranged"]] = WeakKeyDictionary()
_ENDS: WeakKeyDictionary[Any, tuple[str, int]] = WeakKeyDictionary()


class _Arranged(NamedTuple):
    """Messages of placeholders, what the template makes of them, and how many turns are in it.

    parts: template text and the numbers of places in turn.
    """

    messages: Messages
    parts: list[str]
    read: int


class _Refusal(Exception):
    """What a template raises, such as the reason that it gives by raise_exception."""


def pin_date(tokenizer: Any) -> None:
    """Put one date in the place of the current one in a tokenizer's chat template.

    A prompt would otherwise depend on the day: a training would not give the same weights, and a chat would not have
    the prompts of the training. Tokenizers are saved with the template so changed.

    Raises
    ------
    AttuneError
        if the template asks for the date otherwise than by `strftime_now` with a format.
    """
    template = tokenizer.chat_template
    if isinstance(template, Mapping):  # several, by name
        tokenizer.chat_template = {name: _dated(each, tokenizer) for name, each in template.items()}
    elif template:
        tokenizer.chat_template = _dated(template, tokenizer)


def _dated(template: str, tokenizer: Any) -> str:
    fixed = _ASKS_DATE.sub(lambda call: f"{call[1]}{_TODAY.strftime(call[2])}{call[1]}", template)
    if _OTHERWISE.search(_COMMENT.sub("", fixed)):
        raise AttuneError(
            f"the chat template of {_name(tokenizer)} makes prompts that depend on the day; write a date in the place "
            "of strftime_now"
        )
    return fixed


def templated(
    tokenizer: Any, preamble: str, turns: Sequence[tuple[bool, str]], roles: Roles
) -> tuple[tuple[str, ...], int]:
    """The parts of a prompt, and how many of the `turns` are in it, the last ones.

    preamble: what precedes the conversation, may be empty. turns: whether it is the responder's, and its text.

    The preamble is the system's message, or stands before the first turn. A conversation that the assistant begins
    loses its beginning where the template insists. If turns are missing all the same, they make one message of the
    user's, each with its role.

    Raises
    ------
    AttuneError
        if the template has no place for one user's message.
    """
    texts = [preamble, *(text for _, text in turns)]
    _, parts, read = _arranged(tokenizer, bool(preamble), tuple(own for own, _ in turns), roles)
    filled = (Markup(part) if not at % 2 else texts[int(part)] for at, part in enumerate(parts))
    return tuple(filled), read


def end_of_reply(tokenizer: Any) -> int:
    """The token that ends a reply: the one that the chat template writes after what the assistant says.

    Gemma's and Phi-3's is not the end-of-text token. Where the template writes no special token there, or there is no
    template, it is.
    """
    template = str(tokenizer.chat_template or "")
    if tokenizer not in _ENDS or _ENDS[tokenizer][0] != template:
        _ENDS[tokenizer] = template, _written_after_replies(tokenizer) if template else tokenizer.eos_token_id
    return _ENDS[tokenizer][1]


def _written_after_replies(tokenizer: Any) -> int:
    asked, told = (_PLACE.format(at) for at in (1, 2))
    exchange = [{"role": CHAT.asks, "content": asked}, {"role": CHAT.replies, "content": told}]
    try:
        _, *parts = _rendered(tokenizer, [*exchange, exchange[0]])
    except _Refusal:
        return tokenizer.eos_token_id
    after = parts[3] if parts[::2] == ["1", "2", "1"] else ""
    special = {each.content: id for id, each in tokenizer.added_tokens_decoder.items()}
    named = [name for name in special if after.lstrip().startswith(name)]
    return special[max(named, key=len)] if named else tokenizer.eos_token_id


def messages_of(tokenizer: Any, preamble: str, turns: Sequence[tuple[bool, str]], roles: Roles) -> Messages:
    """The messages from which the tokenizer's template makes the prompt of `templated`, whose parameters these are."""
    texts = [preamble, *(text for _, text in turns)]
    messages, *_ = _arranged(tokenizer, bool(preamble), tuple(own for own, _ in turns), roles)
    return [each | {"content": _PLACES.sub(lambda place: texts[int(place[1])], each["content"])} for each in messages]


def _arranged(tokenizer: Any, preamble: bool, own: tuple[bool, ...], roles: Roles) -> _Arranged:
    """What `_arrange` finds, worked out once for each kind of conversation."""
    known, asked = _ARRANGED.setdefault(tokenizer, {}), (str(tokenizer.chat_template), preamble, own, roles)
    if asked not in known:
        known[asked] = _arrange(tokenizer, preamble, own, roles)
    return known[asked]


def _arrange(tokenizer: Any, preamble: bool, own: Sequence[bool], roles: Roles) -> _Arranged:
    fault = ""
    for messages, first in _layouts(preamble, own, roles):
        try:
            parts = _rendered(tokenizer, messages)
        except _Refusal as refusal:
            fault = f"refuses what a user says ({refusal})"
            continue
        found = [int(place) for place in parts[1::2]]
        if _complete(found, preamble, range(first, len(own) + 1)):
            return _Arranged(messages, parts, len(own) + 1 - first)
        fault = "leaves out what a user says"
    raise AttuneError(f"the chat template of {_name(tokenizer)} {fault}; correct chat_template, or remove it")


def _name(tokenizer: Any) -> str:
    return tokenizer.name_or_path or "the tokenizer"


def _layouts(preamble: bool, own: Sequence[bool], roles: Roles) -> Iterator[tuple[Messages, int]]:
    """Conversations of placeholders to try, with the number of the first turn in each."""
    sides = [(key, [at + 1 for at, _ in group]) for key, group in groupby(enumerate(own), key=lambda each: each[1])]
    messages = [{"role": CHAT.of(key), "content": "\n".join(map(_PLACE.format, places))} for key, places in sides]
    if preamble:
        yield [{"role": "system", "content": _PLACE.format(_PREAMBLE)}, *messages], 1
        yield _introduced(messages), 1
    else:
        yield messages, 1
    if sides[0][0] and len(sides) > 1:
        yield (_introduced(messages[1:]) if preamble else messages[1:]), sides[1][1][0]
    lines = [TURN.format(role=roles.of(key), text=_PLACE.format(at + 1)) for at, key in enumerate(own)]
    whole = [{"role": CHAT.asks, "content": "".join(lines).strip()}]
    yield (_introduced(whole) if preamble else whole), 1


def _introduced(messages: Messages) -> Messages:
    """The messages with the preamble before the first of them, which is the user's or becomes so."""
    first, *rest = messages
    if first["role"] != CHAT.asks:
        return [{"role": CHAT.asks, "content": _PLACE.format(_PREAMBLE)}, *messages]
    return [first | {"content": f"{_PLACE.format(_PREAMBLE)}\n\n{first['content']}"}, *rest]


def _rendered(tokenizer: Any, messages: Messages) -> list[str]:
    """Template text and the numbers of places in turn; raises a _Refusal where the template refuses the messages."""
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    except Exception as error:  # a template is a program: it may raise anything
        raise _Refusal(one_line(error)) from None
    return _PLACES.split(text)


def _complete(found: list[int], preamble: bool, turns: range) -> bool:
    """Whether each text has a place, the turns in order and no text after the last of them."""
    first = list(dict.fromkeys(found))
    in_order = [place for place in first if place != _PREAMBLE] == list(turns)
    return in_order and first.count(_PREAMBLE) == preamble and found[-1] == turns[-1]
