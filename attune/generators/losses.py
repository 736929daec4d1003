"""The loss on true replies: on reply tokens alone, never on prompt, padding or virtual tokens."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from attune.generators.batches import IGNORED, by_length, ends_together, scored_batch
from attune.generators.encoding import Encoded


def token_losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """-log p of each reply token in nats, [reply tokens of all rows].

    labels: [rows, length]. logits: [rows, any, vocabulary], ending at the same token as labels: virtual tokens may
    stand before the first one, and logits before the replies may be left out.
    """
    width = min(logits.shape[1], labels.shape[1])
    logits, targets = logits[:, -width:-1], labels[:, labels.shape[1] - width + 1 :]
    scored = targets != IGNORED
    return F.cross_entropy(logits[scored].float(), targets[scored], reduction="none")


def training_loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
    """The loss that Trainer minimises: nats per reply token over all batches that one update accumulates."""
    losses = token_losses(outputs.logits, labels)
    return losses.sum() / (len(losses) if num_items_in_batch is None else num_items_in_batch)


@torch.inference_mode()
def reply_nats(model: Any, rows: Sequence[Encoded], pad: int, batch_size: int) -> list[float]:
    """-log p of each row's reply in nats, summed over its tokens, the end-of-text token included."""
    was_training, ends = model.training, ends_together(model)
    model.eval()
    nats = [0.0] * len(rows)
    for positions in by_length([row.length for row in rows], batch_size):
        batch = scored_batch([rows[at] for at in positions], pad, ends)
        labels = batch.pop("labels").to(model.device)
        inputs = {name: value.to(model.device) if torch.is_tensor(value) else value for name, value in batch.items()}
        losses = token_losses(model(**inputs, use_cache=False).logits, labels)
        for at, part in zip(positions, losses.split([len(rows[at].reply) for at in positions]), strict=True):
            nats[at] = float(part.sum(dtype=torch.float64))
    model.train(was_training)
    return nats


def mean_loss(model: Any, rows: Sequence[Encoded], pad: int, batch_size: int) -> float:
    """Nats per reply token over all rows."""
    return sum(reply_nats(model, rows, pad, batch_size)) / sum(len(row.reply) for row in rows)
