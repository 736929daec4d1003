"""How context, response and persona become token sequences (the original's limits, one sequence each)."""

import re
from collections.abc import Iterable
from collections.abc import Sequence as Many
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import torch
from torch import Tensor

from attune.core.errors import AttuneError

# The original's limits in word pieces.
FIRST_TURN, OTHER_TURN, PERSONA_SENTENCE = 90, 30, 22

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class Sequence:
    """Token ids and their types, specials included, no padding, and where each utterance or persona sentence ends.

    Empty: there is no such input.
    """

    ids: tuple[int, ...]
    types: tuple[int, ...]
    ends: tuple[int, ...] = ()


class Inputs:
    """Turns texts into sequences for one tokenizer; `max_length` bounds the context, specials included."""

    def __init__(self, tokenizer: Any, max_length: int, num_personas: int, positions: int) -> None:
        self.tokenizer = tokenizer
        self.max_length = min(max_length, positions)
        self.num_personas = num_personas
        self.positions = positions
        # GPT-2 has neither: its end of text closes each utterance, and nothing opens the sequence.
        self.opening = [] if tokenizer.cls_token_id is None else [tokenizer.cls_token_id]
        self.closing = tokenizer.eos_token_id if tokenizer.sep_token_id is None else tokenizer.sep_token_id
        if self.closing is None:
            raise AttuneError(
                f"{tokenizer.name_or_path}: its tokenizer has neither a sep_token nor an eos_token to close each "
                "utterance; name one in tokenizer_config.json"
            )
        self._pieces: dict[tuple[str, int], list[int]] = {}

    def pieces(self, text: str, limit: int) -> list[int]:
        """The text's whole leading sentences that fit into `limit` word pieces; a first that does not fit is cut."""
        if (text, limit) not in self._pieces:
            kept: list[int] = []
            for sentence in _SENTENCE_END.split(text.strip()):
                ids = self.tokenizer(sentence if not kept else f" {sentence}", add_special_tokens=False)["input_ids"]
                if len(kept) + len(ids) > limit:
                    kept = kept or ids[:limit]
                    break
                kept += ids
            self._pieces[text, limit] = kept
        return self._pieces[text, limit]

    def context(self, turns: Many[str]) -> Sequence:
        """[CLS] u1 [SEP] u2 [SEP] ..., types alternating by utterance from 0.

        The oldest turns are dropped until the rest fits (the original stops with an assertion instead); a single
        turn that does not fit alone is cut.
        """
        parts = [
            [*self.pieces(turn, OTHER_TURN if place else FIRST_TURN), self.closing] for place, turn in enumerate(turns)
        ]
        room = self.max_length - len(self.opening)
        while len(parts) > 1 and sum(map(len, parts)) > room:
            parts.pop(0)
        if parts and len(parts[0]) > room:
            parts[0] = [*parts[0][: room - 1], self.closing]
        return self._framed(parts, alternate=True)

    def response(self, text: str) -> Sequence:
        return self._framed([[*self.pieces(text, OTHER_TURN), self.closing]])

    def persona(self, sentences: Many[str]) -> Sequence:
        """One sequence [CLS] p1 [SEP] p2 [SEP] ... of the first sentences; empty where there is none.

        Sentences beyond the encoder's positions are left out (the original crashes at 30).
        """
        parts: list[list[int]] = []
        room = self.positions - len(self.opening)
        for sentence in sentences[: self.num_personas]:
            part = [*self.pieces(sentence, PERSONA_SENTENCE), self.closing]
            if sum(map(len, parts)) + len(part) > room:
                break
            parts.append(part)
        return self._framed(parts)

    def _framed(self, parts: list[list[int]], alternate: bool = False) -> Sequence:
        if not parts:
            return Sequence((), ())
        ids, types, ends = list(self.opening), [0] * len(self.opening), []
        for place, part in enumerate(parts):
            ids += part
            types += [place % 2 if alternate else 0] * len(part)
            ends.append(len(ids))
        return Sequence(tuple(ids), tuple(types), tuple(ends))


def pad(sequences: Many[Sequence]) -> dict[str, Tensor]:
    """(len(sequences), longest) ids, types, mask and parts; padding is id 0 and masked, so its value never matters.

    `parts` numbers each token's utterance or persona sentence from 0; padding has -1.
    """
    sizes = torch.tensor([len(sequence.ids) for sequence in sequences])
    mask = torch.arange(max(1, int(sizes.max()))) < sizes[:, None]

    def filled(rows: Iterable[Many[int]], padding: int) -> Tensor:
        found = torch.full(mask.shape, padding)
        found[mask] = torch.tensor(list(chain.from_iterable(rows)), dtype=torch.long)
        return found

    return {
        "input_ids": filled((sequence.ids for sequence in sequences), 0),
        "token_type_ids": filled((sequence.types for sequence in sequences), 0),
        "parts": filled(map(_parts, sequences), -1),
        "attention_mask": mask,
    }


def _parts(sequence: Sequence) -> list[int]:
    """The number of each token's part."""
    ends = sequence.ends or (len(sequence.ids),)
    return [part for part, (start, end) in enumerate(pairwise((0, *ends))) for _ in range(start, end)]
