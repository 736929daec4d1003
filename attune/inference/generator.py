"""One generator on held-out conversations: the loss on the true replies, beside its base's, and its own replies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attune.core.errors import AttuneError
from attune.generators.encoding import Encoded, Prompt, Room, encode_all, encode_prompt
from attune.generators.loading import check_positions, load_base, load_generator, load_tokenizer, positions_of
from attune.generators.losses import reply_nats
from attune.generators.prompts import Example
from attune.inference.decoding import Limits, Reply, stops_of, stream_reply, write_replies
from attune.parameters.generators import Decoding, Generator, Prompted

SHORTEST_PROMPT = 16  # tokens; a prompt cut below this holds no question


@dataclass(frozen=True)
class Loaded:
    """A generator ready to read and write; `room` is what its prompts may take where it scores a true reply."""

    model: Any
    tokenizer: Any
    room: Room
    limits: Limits

    @property
    def writing(self) -> Room:
        """The room that is left for a prompt where a reply is still to be written."""
        positions = positions_of(self.model)
        whole = self.room.whole or self.room.prompt
        if positions:
            whole = min(whole, positions - self.limits.tokens)
        if whole < SHORTEST_PROMPT:
            raise AttuneError(
                f"max_new_tokens = {self.limits.tokens} leaves {whole} of the model's {positions} positions for the "
                "prompt; lower generation.max_new_tokens"
            )
        return Room(min(self.room.prompt, whole), self.room.passages, whole)

    def nats(self, examples: Sequence[Example], batch_size: int) -> tuple[list[float], list[Encoded]]:
        """The summed -log p of each true reply, and what was read."""
        rows = encode_all(examples, self.tokenizer, self.room)
        return reply_nats(self.model, rows, self.tokenizer.eos_token_id, batch_size), rows

    def prompt(self, example: Example) -> Prompt:
        """What is read before a reply is written."""
        return encode_prompt(example, self.tokenizer, self.writing)

    def stream(self, name: str, prompt: Prompt, decoding: Decoding, seed: int) -> Iterator[Reply]:
        """The reply that `replies` gives to the example of that id, as it grows."""
        return stream_reply(self.model, self.tokenizer, name, prompt.ids, decoding, self.limits, seed)

    def replies(self, examples: Sequence[Example], decoding: Decoding, batch_size: int, seed: int) -> list[Reply]:
        """What it says itself, one an example."""
        return write_replies(
            self.model, self.tokenizer, examples, decoding, self.limits, self.writing, batch_size, seed
        )


def loaded(generator: Generator, base: Path, folder: Path, max_new_tokens: int, passages: int) -> Loaded:
    """The trained generator in `folder`; `passages`: tokens that its prompts' passages may take."""
    model = load_generator(folder, load_base(base, generator.load_in_4bit))
    return _ready(generator, model, load_tokenizer(folder), max_new_tokens, passages)


def _ready(generator: Generator, model: Any, tokenizer: Any, max_new_tokens: int, passages: int) -> Loaded:
    whole = generator.max_length + passages
    positions = positions_of(model)
    check_positions(generator, generator.max_length, positions)
    room = Room(generator.max_length, passages, min(whole, positions) if positions else whole)
    # What people say in EmpatheticDialogues has one line; who was not trained goes on with the other's next turn.
    lines = isinstance(generator, Prompted) or generator.corpus.startswith("empathetic")
    stops = stops_of(model, tokenizer, lines)
    return Loaded(model, tokenizer, room, Limits(max_new_tokens, stops))
