"""The loss on true replies whose prompts are read anyway, since a reply is written to each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from transformers import DynamicCache

from attune.generators.encoded import IGNORED
from attune.generators.losses import token_losses


@dataclass(frozen=True)
class TrueReplies:
    """The true replies to the prompts of a batch. ids: of each the tokens, at least one.

    nats: -log p of each, summed over its tokens, once `score` has been called.
    """

    ids: Sequence[Sequence[int]]
    nats: list[float] = field(default_factory=list)

    @property
    def longest(self) -> int:
        """How many tokens the cache of the prompts needs room for."""
        return max(map(len, self.ids))

    def score(self, base: Any, cache: DynamicCache, mask: torch.Tensor, logits: torch.Tensor) -> None:
        """Add `nats`. cache, mask, logits: of the prompts, as `read_rows` returns them; they stay as they are."""
        ids, labels = (mask.new_full((len(self.ids), self.longest), fill) for fill in (0, IGNORED))
        for at, reply in enumerate(self.ids):
            ids[at, : len(reply)] = labels[at, : len(reply)] = mask.new_tensor(reply)
        given = labels != IGNORED
        inputs = {
            "input_ids": ids,
            "attention_mask": torch.cat([mask, given.long()], 1),
            "position_ids": mask.sum(1, keepdim=True) + torch.arange(self.longest, device=mask.device),
        }
        first = F.cross_entropy(logits.float(), ids[:, 0], reduction="none")
        others = token_losses(base, {**inputs, "labels": labels, "past_key_values": cache})
        cache.crop(-self.longest)
        split = others.cpu().split([len(reply) - 1 for reply in self.ids])
        nats = zip(first.cpu().double().tolist(), split, strict=True)
        self.nats.extend(begun + float(each.sum(dtype=torch.float64)) for begun, each in nats)
