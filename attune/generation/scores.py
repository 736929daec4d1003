"""What is measured on generators: perplexity of the true replies, and plain faults of the written ones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from attune.errors import AttuneError
from attune.generation.batches import IGNORED, by_length, scored_batch
from attune.generation.encoding import Encoded


@dataclass(frozen=True)
class ReplyLoss:
    """Summed negative log-likelihood in nats over `tokens` reply tokens, final eos included."""

    nats: float
    tokens: int

    @property
    def mean(self) -> float:
        return self.nats / self.tokens

    @property
    def perplexity(self) -> float:
        """exp(nats / tokens): two tokens of probability 1/2 and 1/8 give 4."""
        try:
            return math.exp(self.mean)
        except OverflowError:
            raise AttuneError(f"a loss of {self.mean:.0f} nats has no perplexity; lower the lr") from None


@torch.inference_mode()
def reply_loss(model: Any, rows: Sequence[Encoded], pad: int, batch_size: int) -> ReplyLoss:
    """Score the reply tokens alone: never prompt, padding or a tuned prompt's virtual tokens."""
    was_training = model.training
    model.eval()
    nats, tokens = 0.0, 0
    for places in by_length([row.length for row in rows], batch_size):
        batch = scored_batch([rows[at] for at in places], pad)
        nats += float(_token_losses(model, batch).sum(dtype=torch.float64))
        tokens += sum(len(rows[at].reply) for at in places)
    model.train(was_training)
    return ReplyLoss(nats, tokens)


def _token_losses(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Each reply token's -log p, flat. Virtual tokens stand before the first real one, so the end is kept."""
    batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False).logits
    logits = logits[:, -batch["input_ids"].shape[1] :]
    wanted = batch["labels"][:, 1:]
    chosen = wanted != IGNORED
    return F.cross_entropy(logits[:, :-1][chosen].float(), wanted[chosen], reduction="none")


def reply_faults(questions: Sequence[str], replies: Sequence[str], cut: Sequence[bool]) -> dict[str, float]:
    """Shares of replies that are empty, that the length limit cut, and that begin with their own input."""
    pairs = list(zip(questions, replies, strict=True))
    faults = {
        "replies_empty": [not reply.strip() for reply in replies],
        "replies_cut": list(cut),
        "replies_start_with_input": [
            reply.strip().lower().startswith(question.strip().lower()) for question, reply in pairs
        ],
    }
    return {name: sum(found) / len(replies) for name, found in faults.items()}
