"""The loss on true replies: on reply tokens alone, never on prompt, padding or virtual tokens."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch.distributed.fsdp import FSDPModule

from attune.core.batching import by_length
from attune.core.errors import AttuneError
from attune.generators.batches import accepts_left_padding, scored_batch, tokens_at_once
from attune.generators.encoded import IGNORED, Encoded, Joined, chains


def token_losses(model: Any, batch: Mapping[str, Any]) -> torch.Tensor:
    """-log p of each reply token in nats, [reply tokens of all rows]; `batch` as `scored_batch` returns it.

    The output layer is a fifth of a small model, and its logits are most of the memory; it sees these tokens alone.
    """
    labels = batch["labels"]
    inputs = {name: value for name, value in batch.items() if name != "labels"}
    scored = labels[:, 1:] != IGNORED

    def before_reply_tokens(_layer: Any, given: tuple[torch.Tensor]) -> torch.Tensor:
        return given[0][:, -labels.shape[1] : -1][scored]  # virtual tokens may stand first

    hook = model.get_output_embeddings().register_forward_pre_hook(before_reply_tokens)
    try:
        logits = model(**inputs, use_cache=False).logits
    finally:
        hook.remove()
    return F.cross_entropy(logits.float(), labels[:, 1:][scored], reduction="none")


@torch.no_grad()  # not inference_mode: what FSDP gathers in it could not be gathered again to be trained on
def reply_nats(model: Any, rows: Sequence[Encoded], pad: int, batch_size: int) -> list[float]:
    """-log p of each row's reply in nats, summed over its tokens, the end-of-text token included.

    Rows that continue the one before are computed together with it.

    On out-of-memory it continues with half of the `batch_size` rows at a time, of which a CPU takes fewer.

    Raises
    ------
    AttuneError
        on out-of-memory where parameters are divided among processes: in every layer the others wait for this one.
    """
    was_training = model.training
    try:
        return _reply_nats(model.eval(), rows, pad, batch_size)
    except torch.OutOfMemoryError:
        if isinstance(model, FSDPModule):
            raise AttuneError(
                "out of GPU memory while the held-out loss is measured; with fsdp, lower max_length or passage_tokens, "
                "or use more GPUs"
            ) from None
        if batch_size == 1:
            raise
    finally:
        model.train(was_training)
    torch.cuda.empty_cache()
    return reply_nats(model, rows, pad, batch_size // 2)


def _reply_nats(model: Any, rows: Sequence[Encoded], pad: int, batch_size: int) -> list[float]:
    left, most = accepts_left_padding(model), tokens_at_once(model.device)
    together = chains(rows)
    nats: list[list[float]] = [[] for _ in together]
    for positions in by_length([chain[-1].length for chain in together], batch_size, most):
        batch = scored_batch([Joined.of(together[at]) for at in positions], pad, left=left)
        losses = token_losses(model, {name: value.to(model.device) for name, value in batch.items()})
        of_replies = iter(losses.cpu().split([len(row.reply) for at in positions for row in together[at]]))
        for at in positions:
            nats[at] = [float(next(of_replies).sum(dtype=torch.float64)) for _ in together[at]]
    return [each for chain in nats for each in chain]


def mean_loss(model: Any, rows: Sequence[Encoded], pad: int, batch_size: int) -> float:
    """Nats per reply token over all rows."""
    return sum(reply_nats(model, rows, pad, batch_size)) / sum(len(row.reply) for row in rows)
