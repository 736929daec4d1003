"""Write replies with a trained generator, or score true ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any

from attune.core.errors import AttuneError
from attune.generators.encoded import Encoded
from attune.generators.encoding import Prompt, Room, encode_all, encode_prompt
from attune.generators.loading import (
    Card,
    check_positions,
    load_generator,
    load_tokenizer,
    positions_of,
    read_card,
)
from attune.generators.losses import reply_nats
from attune.generators.prompts import Example
from attune.inference.arguments import beside, checked
from attune.inference.cache import keeps_all
from attune.inference.decoding import (
    GREEDY,
    Limits,
    score_and_write,
    stop_token_ids,
    stream_reply,
    write_replies,
)
from attune.inference.reply import Reply
from attune.parameters.decoding import Decoding
from attune.parameters.generation import SHORTEST_PROMPT

MAX_NEW_TOKENS = 96


@dataclass(frozen=True)
class Generator:
    """A causal language model that writes replies, with its tokenizer; on the GPU where there is one.

    card: what the card.json beside its weights holds. room: the tokens that a prompt and a true reply may take
    together. limits: where a written reply ends. writing_room: the tokens of a prompt where the model's positions must
    also hold the reply to be written.
    """

    model: Any
    tokenizer: Any
    card: Card
    room: Room
    limits: Limits
    writing_room: Room

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        base: str | Path | None = None,
        max_new_tokens: int | None = None,
        passage_tokens: int | None = None,
    ) -> "Generator":
        """The generator that the stage train_generator wrote into the folder `path`; no network is used.

        base: the folder of its base; by default ../../base/NAME from `path`, as the pipeline lays it out.
        max_new_tokens: the longest reply; by default 96 tokens, or fewer where the model's positions also need room
        for a prompt. passage_tokens: the most that the passages of a prompt may take together; by default as many as
        in training.

        Raises
        ------
        AttuneError
            if a folder is missing or holds no generator, or if the model has too few positions.
        ValueError
            for a `max_new_tokens` below 1 or a `passage_tokens` below 0, and for either if it is no whole number.
        """
        if max_new_tokens is not None:
            _check_count("max_new_tokens", max_new_tokens, 1)
        if passage_tokens is not None:
            _check_count("passage_tokens", passage_tokens, 0)
        folder = Path(path)
        card = read_card(folder)
        model = load_generator(folder, card, _base_folder(folder, card, base))
        tokenizer = load_tokenizer(folder)
        passages = card.passage_tokens if passage_tokens is None else passage_tokens
        whole = card.max_length + passages
        positions = positions_of(model)
        check_positions(card, card.max_length, positions)
        room = Room(card.max_length, passages, min(whole, positions) if positions else whole, card.persona_tokens)
        tokens = _longest_reply(positions) if max_new_tokens is None else int(max_new_tokens)
        limits = Limits(tokens, stop_token_ids(model, tokenizer, card.one_line))
        return cls(model, tokenizer, card, room, limits, _writing_room(room, tokens, positions))

    def reply(
        self,
        context: Sequence[str],
        passages: Sequence[str] = (),
        decoding: Decoding = GREEDY,
        seed: int = 13,
        persona: Sequence[str] = (),
    ) -> Reply:
        """The reply to a conversation.

        context: the turns, oldest first, ending with the message to answer. passages: retrieved texts, best first, used
        as far as `passage_tokens` allows. decoding: greedy unless given; the page and the report use
        `generation.decoding` of params.yaml. seed: for sampling; greedy decoding and beam search draw none.
        persona: sentences that the responder says about themselves; a generator that was trained without reads none.
        A generator of PEC should get lower-cased, tokenised text, as in training, and writes such: `tokenised` of
        `attune.corpora.wording` makes it, and `as_written` turns it back.
        What exceeds the model's limits is dropped: passages, then the oldest turns, then sentences of the persona, then
        the instruction, and last the beginning of the message.

        Raises
        ------
        ValueError
            without a turn, and for an argument that is not the list of strings that it should be.
        """
        (reply,) = self.replies([self.example("reply", context, passages, persona)], decoding, 1, seed)
        return reply

    def example(
        self, name: str, context: Sequence[str], passages: Sequence[str] = (), persona: Sequence[str] = ()
    ) -> Example:
        """A conversation as this generator reads it; `name` seeds the sampling of its reply.

        Raises
        ------
        ValueError
            as `reply`.
        """
        *history, question = checked("context", context, "turn")
        card = self.card
        texts = (tuple(checked("passages", passages)), tuple(checked("persona", persona)))
        return Example(name, name, card.roles, card.instruction, tuple(history), question, "", *texts)

    def prompt(self, example: Example) -> Prompt:
        """The prompt that a reply is written to, as token ids."""
        return encode_prompt(example, self.tokenizer, self.writing_room)

    def stream(
        self, name: str, prompt: Prompt, decoding: Decoding, seed: int, tokens: int | None = None
    ) -> Iterator[Reply]:
        """The reply that `replies` gives to the example with the id `name`, after each token; of at most `tokens`.

        Raises
        ------
        ValueError
            for a `tokens` below 1.
        """
        if tokens is not None:
            _check_count("tokens", tokens, 1)
        limits = self.limits if tokens is None else replace(self.limits, tokens=min(tokens, self.limits.tokens))
        return stream_reply(self.model, self.tokenizer, name, prompt.ids, decoding, limits, seed)

    def replies(
        self, examples: Sequence[Example], decoding: Decoding | Sequence[Decoding], batch_size: int, seed: int
    ) -> list[Reply]:
        """One written reply per example, in order; it depends on `seed` and the example's id, not on the batch.

        decoding: for all examples, or one for each, of which none is then beam search.

        Raises
        ------
        ValueError
            for what is no Decoding, and for another number of decodings than examples.
        """
        if not isinstance(decoding, Decoding):
            if not isinstance(decoding, Sequence) or not all(isinstance(each, Decoding) for each in decoding):
                raise ValueError(f"decoding is {decoding!r}; decoding must be a Decoding, or one per example")
            if len(decoding) != len(examples):
                raise ValueError(f"{len(decoding)} decodings for {len(examples)} examples; each needs one")
        return write_replies(
            self.model, self.tokenizer, examples, decoding, self.limits, self.writing_room, batch_size, seed
        )

    def nats(self, examples: Sequence[Example], batch_size: int) -> tuple[list[float], list[Encoded]]:
        """-log p of each true reply in nats, summed over its tokens, and what the model read."""
        rows = encode_all(examples, self.tokenizer, self.room)
        return reply_nats(self.model, rows, self.tokenizer.eos_token_id, batch_size), rows

    def nats_and_replies(
        self, examples: Sequence[Example], decoding: Decoding, batch_size: int, seed: int
    ) -> list[tuple[float, Encoded, Reply]]:
        """Of each example what `nats` and `replies` return.

        A prompt is read once for both, unless the true reply leaves it another room than a written one, the model
        forgets a part of what it has read (a sliding window), or beam search writes the reply.
        """
        rows = encode_all(examples, self.tokenizer, self.room)
        able = keeps_all(self.model) and decoding.method != "beam"
        alike = [able and row.prompt == self.prompt(each).ids for each, row in zip(examples, rows, strict=True)]
        once, apart = ([at for at, same in enumerate(alike) if same is wanted] for wanted in (True, False))
        some, others = [rows[at] for at in once], [examples[at] for at in apart]
        both = score_and_write(self.model, self.tokenizer, some, decoding, self.limits, batch_size, seed)
        each = zip(*self.nats(others, batch_size), self.replies(others, decoding, batch_size, seed), strict=True)
        found = {at: (nats, rows[at], reply) for at, (nats, reply) in zip(once, both, strict=True)}
        found |= zip(apart, each, strict=True)
        return [found[at] for at in range(len(rows))]


def _longest_reply(positions: int | None) -> int:
    """The longest reply, in tokens, where none is asked for."""
    return MAX_NEW_TOKENS if positions is None else max(1, min(MAX_NEW_TOKENS, positions - SHORTEST_PROMPT))


def _writing_room(room: Room, tokens: int, positions: int | None) -> Room:
    """The part of `room` that a prompt may take beside a reply of `tokens` tokens."""
    whole = room.whole or room.prompt
    if whole < SHORTEST_PROMPT:  # whatever the reply takes; no stage trains with so little, but a card.json may say it
        raise AttuneError(
            f"max_length = {room.prompt} in card.json leaves a prompt {whole} tokens, and it needs {SHORTEST_PROMPT}; "
            "raise it, or train the generator again"
        )
    if positions:
        whole = min(whole, positions - tokens)
    if whole < SHORTEST_PROMPT:
        raise AttuneError(
            f"max_new_tokens = {tokens} leaves {whole} of the model's {positions} positions for the prompt; lower "
            "generation.max_new_tokens"
        )
    return Room(min(room.prompt, whole), room.passages, whole, room.persona)


def _check_count(name: str, value: Any, least: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} is {value!r}; it must be a whole number of at least {least}")


def _base_folder(folder: Path, card: Card, base: str | Path | None) -> Path:
    return beside(folder, 2, "base", card.base) if base is None else Path(base)
