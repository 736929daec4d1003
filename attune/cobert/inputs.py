"""Turn contexts, responses and personas into token sequences, with the original's length limits."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import torch
from torch import Tensor

from attune.core.errors import AttuneError
from attune.core.tokenizer import closing_id
from attune.core.tokens import token_ids

# The original's limits in word pieces; TURN is that of a reply and of every turn but the first.
FIRST_TURN, TURN, PERSONA_SENTENCE = 90, 30, 22

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class TokenSequence:
    """Token ids and token types with special tokens and without padding; `ends` has the end of each turn or sentence.

    An input that is missing, such as an unknown persona, is the empty sequence.
    """

    ids: tuple[int, ...]
    types: tuple[int, ...]
    ends: tuple[int, ...] = ()


class Inputs:
    """Tokenizes texts for one encoder.

    max_length: of a context in tokens, special tokens included; at most `positions`, the encoder's longest input.
    num_personas: persona sentences that are used, the first of those given. turn_length: of a reply, and of every turn
    but the first, in word pieces; at most what `positions` leave beside a reply's special tokens.

    Raises
    ------
    AttuneError
        if the tokenizer has no token to close a turn with.
    """

    def __init__(
        self, tokenizer: Any, max_length: int, num_personas: int, positions: int, turn_length: int = TURN
    ) -> None:
        self.tokenizer = tokenizer
        self.max_length = min(max_length, positions)
        self.num_personas = num_personas
        self.positions = positions
        # GPT-2 has no [CLS]: nothing opens the sequence.
        self.opening = [] if tokenizer.cls_token_id is None else [tokenizer.cls_token_id]
        closing = closing_id(tokenizer)
        if closing is None:
            raise AttuneError(
                f"{tokenizer.name_or_path}: its tokenizer has neither a sep_token nor an eos_token to close each "
                "utterance; name one in tokenizer_config.json"
            )
        self.closing = closing
        self.turn_length = min(turn_length, positions - len(self.opening) - 1)
        self._pieces: dict[tuple[str, int], list[int]] = {}

    def fresh(self) -> "Inputs":
        """The same settings with an empty cache: a long-lived instance would keep every text that it ever tokenized."""
        return Inputs(self.tokenizer, self.max_length, self.num_personas, self.positions, self.turn_length)

    def pieces(self, text: str, limit: int) -> list[int]:
        """The ids of the whole leading sentences that fit into `limit` word pieces; a longer first one is truncated.

        Sentences are tokenised as one text. The name of a special token in it is text.
        """
        if (text, limit) not in self._pieces:
            sentences = _SENTENCE_END.split(text.strip())
            ids = token_ids(self.tokenizer, " ".join(sentences))
            if len(ids) > limit:
                ids = self._leading(sentences, limit)
            self._pieces[text, limit] = ids
        return self._pieces[text, limit]

    def _leading(self, sentences: Sequence[str], limit: int) -> list[int]:
        kept = token_ids(self.tokenizer, sentences[0])[:limit]
        for count in range(2, len(sentences) + 1):
            ids = token_ids(self.tokenizer, " ".join(sentences[:count]))
            if len(ids) > limit:
                break
            kept = ids
        return kept

    def context(self, turns: Sequence[str], speakers: Sequence[Any] | None = None) -> TokenSequence:
        """[CLS] u1 [SEP] u2 [SEP] ..., token type 0 for the turns of the first speaker, 1 for all others'.

        speakers: who said each turn; without them two people take turns, and token types alternate.

        The oldest turns are dropped until the rest fits (the original stops with an assertion instead); a single turn
        that does not fit is truncated.
        """
        said_by = list(range(len(turns)) if speakers is None else speakers)
        if len(said_by) != len(turns):
            raise ValueError(f"{len(said_by)} speakers of {len(turns)} turns; each turn needs one")
        parts = [
            [*self.pieces(turn, self.turn_length if place else max(self.turn_length, FIRST_TURN)), self.closing]
            for place, turn in enumerate(turns)
        ]
        room = self.max_length - len(self.opening)
        while len(parts) > 1 and sum(map(len, parts)) > room:
            parts.pop(0)
        said_by = said_by[len(said_by) - len(parts) :]
        if parts and len(parts[0]) > room:
            parts[0] = [*parts[0][: room - 1], self.closing]
        types = [at % 2 if speakers is None else int(each != said_by[0]) for at, each in enumerate(said_by)]
        return self._joined(parts, types)

    def response(self, text: str) -> TokenSequence:
        """[CLS] r [SEP], token types 0."""
        return self._joined([[*self.pieces(text, self.turn_length), self.closing]])

    def persona(self, sentences: Sequence[str]) -> TokenSequence:
        """One sequence [CLS] p1 [SEP] p2 [SEP] ... of the first `num_personas` sentences, token types 0.

        Empty without sentences. Sentences beyond the encoder's positions are dropped (the original crashes at 30).
        """
        parts: list[list[int]] = []
        room = self.positions - len(self.opening)
        for sentence in sentences[: self.num_personas]:
            part = [*self.pieces(sentence, PERSONA_SENTENCE), self.closing]
            if sum(map(len, parts)) + len(part) > room:
                break
            parts.append(part)
        return self._joined(parts)

    def _joined(self, parts: list[list[int]], part_types: Sequence[int] | None = None) -> TokenSequence:
        if not parts:
            return TokenSequence((), ())
        ids, types, ends = list(self.opening), [0] * len(self.opening), []
        for place, part in enumerate(parts):
            ids += part
            types += [part_types[place] if part_types else 0] * len(part)
            ends.append(len(ids))
        return TokenSequence(tuple(ids), tuple(types), tuple(ends))


def pad(sequences: Sequence[TokenSequence]) -> dict[str, Tensor]:
    """input_ids, token_type_ids, parts and attention_mask (bool), each (len(sequences), longest).

    `parts` numbers each token's turn or persona sentence from 0. Padding has id 0, part -1 and mask False; its id never
    matters.
    """
    sizes = torch.tensor([len(sequence.ids) for sequence in sequences])
    mask = torch.arange(max(1, int(sizes.max()))) < sizes[:, None]

    def filled(rows: Iterable[Sequence[int]], padding: int) -> Tensor:
        values = torch.full(mask.shape, padding)
        values[mask] = torch.tensor(list(chain.from_iterable(rows)), dtype=torch.long)
        return values

    return {
        "input_ids": filled((sequence.ids for sequence in sequences), 0),
        "token_type_ids": filled((sequence.types for sequence in sequences), 0),
        "parts": filled(map(_parts, sequences), -1),
        "attention_mask": mask,
    }


def _parts(sequence: TokenSequence) -> list[int]:
    """The number of each token's turn or sentence; a sequence without `ends` is one part."""
    ends = sequence.ends or (len(sequence.ids),)
    return [part for part, (start, end) in enumerate(pairwise((0, *ends))) for _ in range(start, end)]
