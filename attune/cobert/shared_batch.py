"""A batch that several processes share: each encodes its rows, and matches its contexts with the replies of all.

Losses and gradients, added up over the processes, are those of the whole batch in one process: every context has the
same negatives, however many processes there are.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad as widened

from attune.cobert.cross_batch_memory import CrossBatchMemory
from attune.cobert.examples import Example
from attune.cobert.gradient_cache import Precision, encode_sides, match_sides, propagate
from attune.cobert.inputs import TokenSequence, pad
from attune.cobert.matchers import Side
from attune.cobert.model import Cobert
from attune.cobert.scoring import States, stack
from attune.training.distributed import agreed, gather, share, share_of_sum
from attune.training.launcher import processes, rank


def collate(batch: Sequence[Example], replies: Sequence[TokenSequence], lower: States | None) -> dict[str, Any]:
    """This process's part of a batch, which each of them knows as a whole.

    replies: the true ones in the order of `batch`, then extra negatives. lower: as `stack` takes it. Returns context,
    persona and response, padded, of this process's share (of the first row where it has none), and

    order: (c,), the numbers of all replies, this process's own first, so that a context's true reply has its number.
    replies: attention_mask and parts, (c, longest), of all replies in that order.
    same: (b, c) bool, as in `Cobert.forward`. weight: the share of the batch's contexts that are this process's.
    """
    own, responses = share(batch), share(replies)
    rows = own or batch[:1]
    order = sorted(range(len(replies)), key=lambda at: at % processes() != rank())
    masks = pad([replies[at] for at in order])
    return {
        "context": stack([each.context for each in rows], lower),
        "persona": stack([each.persona for each in rows], lower),
        "response": stack(responses or replies[:1], lower),
        "order": torch.tensor(order),
        "replies": {name: masks[name] for name in ("attention_mask", "parts")},
        "same": torch.tensor([[each.response == replies[at] for at in order] for each in rows]),
        "weight": len(own) / len(batch),
    }


def step(
    model: Cobert,
    inputs: dict[str, Any],
    micro_batch: int | None,
    share: float,
    precision: Precision = nullcontext,
    memory: CrossBatchMemory | None = None,
) -> Tensor:
    """As `gradient_cache.step`, for a batch of `collate`: this process's part of the loss and of the gradients.

    Wherever processes wait for each other, they agree before on whether one of them is out of memory: then all raise
    torch.OutOfMemoryError. Every process has the whole `memory`.
    """
    with agreed():
        encoded = encode_sides(model, inputs, micro_batch, precision)
        contexts, personas, own = (side for side, _ in encoded)
        order, masks = inputs["order"], inputs["replies"]
        missing = masks["attention_mask"].shape[1] - own.states.shape[1]
        given = widened(own.states.detach(), (0, 0, 0, missing))
    states = gather(given, len(order))
    with agreed():
        replies = Side(states[order].requires_grad_(), masks["attention_mask"], masks["parts"])
        candidates, same = replies, inputs["same"]
        if memory is not None:
            candidates, same = memory.beside(replies, inputs["reply_ids"][order], same)
        loss = match_sides([contexts, personas, candidates], model, same, micro_batch, share * inputs["weight"])
        gradient = torch.zeros_like(states)
        if replies.states.grad is not None:
            gradient[order] = replies.states.grad
    summed = share_of_sum(gradient, len(own.states))
    with agreed():
        own.states.grad = summed[:, : own.states.shape[1]].contiguous()
        propagate(encoded, model, precision)
        if memory is not None:  # in the batch's order, so that all processes remember alike
            added = memory.with_added(replies[order.argsort()], inputs["reply_ids"])
    if memory is not None:  # only now, since a step that one process lacks the memory for is repeated
        memory.replies, memory.ids = added
    return loss
