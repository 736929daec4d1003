"""What a sentence encoder reads of a text: its prompt, and as much of the text's end as fits."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from attune.core.tokens import escaped, special_pattern

Role = Literal["query", "document"]

# The names under which encoders keep their prompts, as sentence-transformers looks for them.
_PROMPTS = {"query": ("query",), "document": ("document", "passage", "corpus")}
_LONGEST_TOKEN = 64  # letters, on average, of what an encoder reads at all; more is left out before it is tokenised


class Reader:
    """Texts as the encoder is to be given them in a `role`.

    The name of a special token in them is text. A text that is too long loses its beginning: what somebody asks or
    feels stands at the end of a long message, and generators keep the same part.
    """

    def __init__(self, encoder: Any, role: Role | None) -> None:
        tokenizer = getattr(encoder, "tokenizer", None)
        self.tokenizer = tokenizer if hasattr(tokenizer, "all_special_tokens") else None  # others have no such tokens
        self.names = special_pattern(self.tokenizer) if self.tokenizer else None
        limit = getattr(encoder, "max_seq_length", None) if self.tokenizer else None
        self.room = limit and max(1, limit - self._added(prompt_of(encoder, role)))

    def texts(self, texts: Sequence[str]) -> list[str]:
        """What the encoder is to be given of each."""
        return [self.read(text) for text in texts]

    def read(self, text: str) -> str:
        """What the encoder is to be given of a text."""
        text = self.written(text)
        return text if self.fits(text) else _end(text[-_LONGEST_TOKEN * (self.room or 1) :], self.fits)

    def written(self, text: str) -> str:
        """The whole text, without special tokens."""
        return escaped(self.names, text) if self.names else text

    def fits(self, text: str) -> bool:
        """Whether the encoder reads the whole text."""
        if not self.room or (len(text) <= self.room and text.isascii()):
            return True
        return self._size(text) <= self.room

    def _size(self, text: str) -> int:
        tokenizer: Any = self.tokenizer
        return len(tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)["input_ids"])

    def _added(self, prompt: str) -> int:
        """The tokens of the prompt, and those around the text."""
        tokenizer: Any = self.tokenizer
        return tokenizer.num_special_tokens_to_add() + (self._size(prompt) if prompt else 0)


def reads_whole(encoder: Any, query: str) -> bool:
    """Whether the encoder reads all of a query."""
    reader = Reader(encoder, "query")
    return reader.fits(reader.written(query))


def with_persona(encoder: Any, message: str, persona: Sequence[str], num_personas: int) -> str:
    """A query of the message, then the first `num_personas` sentences of the persona, as many as fit beside all of it.

    Of a query that is too long the encoder would read the end, and so the persona in place of the message.
    """
    reader = Reader(encoder, "query")
    sentences = list(persona[:num_personas])
    while sentences and not reader.fits(reader.written(" ".join([message, *sentences]))):
        sentences.pop()
    return " ".join([message, *sentences])


def prompt_of(encoder: Any, role: Role | None) -> str:
    """What the encoder puts before a text that `attune.index.embedding.encode` gives it in this `role`.

    A prompt that is kept for the role, though it is empty, takes the place of the default one.
    """
    prompts = getattr(encoder, "prompts", None) or {}
    own = any(name in prompts for name in _PROMPTS.get(role or "", ()))
    name = prompt_name(encoder, role) if own else getattr(encoder, "default_prompt_name", None)
    return prompts.get(name) or ""


def prompt_name(encoder: Any, role: Role | None) -> str | None:
    """The name of the encoder's own prompt for a `role`; None where it has none."""
    prompts = getattr(encoder, "prompts", None) or {}
    return next((name for name in _PROMPTS.get(role or "", ()) if prompts.get(name)), None)


def tells_queries_apart(encoder: Any) -> bool:
    """Whether the encoder reads a query otherwise than a document: by a prompt, or by another module."""
    routes = any(type(module).__name__ == "Router" for module in getattr(encoder, "children", list)())
    return routes or prompt_of(encoder, "query") != prompt_of(encoder, "document")


def _end(text: str, fits: Callable[[str], bool]) -> str:
    """The longest end of the text that fits, from the beginning of a word where it has more than one."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(text[middle:]) else (middle + 1, high)
    end = text[high:]
    inside = high and not text[high - 1].isspace() and not end[:1].isspace()
    return (end.split(maxsplit=1)[1:] or [end])[0] if inside else end.lstrip()
