"""Checks on what people enter; each refusal is a sentence that can be shown to them."""

import json
from typing import Any

from pydantic import ValidationError

from attune.core.errors import AttuneError
from attune.corpora import personas
from attune.parameters.decoding import Decoding

# In characters; anything longer is refused before a tokenizer sees it.
MAX_MESSAGE, MAX_PERSONA = 4_000, 2_000


def checked_message(message: str) -> str:
    """The message, stripped of outer whitespace.

    Raises
    ------
    AttuneError
        if the message is empty or longer than MAX_MESSAGE.
    """
    if not message.strip():
        raise AttuneError("There is nothing in the message; write something first.")
    return checked_turn(message.strip())


def checked_turn(turn: str) -> str:
    """A turn of a conversation as it is, or an AttuneError if it is longer than MAX_MESSAGE."""
    if len(turn) > MAX_MESSAGE:
        raise AttuneError(f"A message may have {MAX_MESSAGE:,} characters; this one has {len(turn):,}.")
    return _encodable(turn)


def persona_sentences(persona: str) -> tuple[str, ...]:
    """The persona's sentences, as one's own data have them (`attune.corpora.personas`).

    Raises
    ------
    AttuneError
        if the persona is longer than MAX_PERSONA.
    """
    if len(persona) > MAX_PERSONA:
        raise AttuneError(f"A persona may have {MAX_PERSONA:,} characters; this one has {len(persona):,}.")
    return personas.persona_sentences(_encodable(persona))


def changed_decoding(
    decoding: Decoding, temperature: float | None, top_k: float | None, top_p: float | None
) -> Decoding:
    """`decoding` with the values that are not None; any of them makes it sampling, of all tokens without a `top_k`.

    Raises
    ------
    AttuneError
        if a value is out of range.
    """
    given = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
    changes = {key: value for key, value in given.items() if value is not None}
    if not changes:
        return decoding
    try:
        # A top_k of 1, as params.yaml has it, would leave nothing for the temperature and top_p to decide.
        return decoding.sampling(**({"top_k": 0} | changes))
    except ValidationError as error:
        first = error.errors()[0]
        raise AttuneError(f"{first['loc'][0]} = {first['input']}: {first['msg'].lower()}.") from None


def no_truth_is_a_number(value: Any) -> Any:
    """The value of a number's key; a ValueError for true and false, which Python and pydantic take for 1 and 0."""
    if isinstance(value, bool):
        raise ValueError(f"must be a number, not {json.dumps(value)}")
    return value


def _encodable(text: str) -> str:
    """The text with a question mark in place of each lone surrogate, which JSON allows and UTF-8 does not."""
    return text.encode("utf-8", "replace").decode("utf-8")
