"""What people give, checked: each refusal is a sentence."""

from pydantic import ValidationError

from attune.core.errors import AttuneError
from attune.parameters.generators import Decoding

# In characters; what is longer is refused before a tokenizer sees it.
LONGEST_MESSAGE, LONGEST_PERSONA = 4_000, 2_000

# Third report: temperature, top_k, top_p.
START = (0.9, 30, 0.95)


def checked(message: str) -> str:
    """The message without outer whitespace; an AttuneError says in a sentence why it is refused."""
    if not message.strip():
        raise AttuneError("There is nothing in the message; write something first.")
    return short_enough(message.strip())


def short_enough(message: str) -> str:
    if len(message) > LONGEST_MESSAGE:
        raise AttuneError(f"A message may have {LONGEST_MESSAGE:,} characters; this one has {len(message):,}.")
    return writable(message)


def writable(text: str) -> str:
    """The text with a question mark for each half of a character, which JSON can bring and nothing can write."""
    return text.encode("utf-8", "replace").decode("utf-8")


def decoding_of(temperature: float, top_k: float, top_p: float) -> Decoding:
    """Sampling with these; an AttuneError says in a sentence what is wrong with them."""
    try:
        return Decoding.model_validate(
            {"method": "sampling", "temperature": temperature, "top_k": top_k, "top_p": top_p}
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise AttuneError(f"{first['loc'][0]} = {first['input']}: {first['msg'].lower()}.") from None


def sentences(persona: str) -> tuple[str, ...]:
    """The persona's sentences, one a line; an AttuneError says in a sentence why it is refused."""
    if len(persona) > LONGEST_PERSONA:
        raise AttuneError(f"A persona may have {LONGEST_PERSONA:,} characters; this one has {len(persona):,}.")
    return tuple(line.strip() for line in writable(persona).splitlines() if line.strip())
