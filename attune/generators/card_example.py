"""The message that the cards of generators put to them, and the persona, in the wording of their corpus."""

from typing import NamedTuple


class Asked(NamedTuple):
    """A message and what the responder says about themselves."""

    message: str
    persona: tuple[str, ...]

    @property
    def arguments(self) -> str:
        """The arguments of `Generator.reply`, as code."""
        return f"[{self.message!r}]" + (f", persona={[*self.persona]!r}" if self.persona else "")


_AS_WRITTEN = Asked("I had such a hard day at work today.", ("I have two dogs.", "I love the sea."))
# As `attune.corpora.wording.tokenised` has it, whose package trainings do not depend on.
_TOKENISED = Asked("i had such a hard day at work today .", ("i have two dogs .", "i love the sea ."))
WORDING = (
    "All text in training was lower-cased and tokenised like this, and so are the replies; `tokenised` and `as_written`"
    "\nof Attune's `attune.corpora.wording` change between this and text as people write it."
)


def asked(tokenised: bool, persona: bool) -> Asked:
    """The example for a generator whose corpus is `tokenised` (PEC's wording), with a persona or without one."""
    example = _TOKENISED if tokenised else _AS_WRITTEN
    return example if persona else example._replace(persona=())
