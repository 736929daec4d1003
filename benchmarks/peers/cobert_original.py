"""CoBERT as its authors run it: a plain peer for benchmarks.cobert, written from the equations (arXiv 2004.12316).

Every text is padded to the longest that its kind may have and encoded as often as it occurs, with eager attention.
Matching takes one context at a time: its states and its persona's are repeated for every candidate. Apart from that it
computes what attune.cobert computes, in the order of the paper's section 4. One thing differs from the authors' code:
means run over real positions, here as there the same work, so that both sides' scores can be compared.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModel

LOWEST = torch.finfo(torch.float32).min
Ids = Sequence[int]
# States (b, length, d) and their mask (b, length), True where a token is real.
Encoded = tuple[Tensor, Tensor]


class OriginalCobert(torch.nn.Module):
    """`lengths`: of a context, a persona and a response, padding included."""

    def __init__(self, folder: Any, lengths: tuple[int, int, int], dropout: float | None = None) -> None:
        super().__init__()
        rates = (
            {} if dropout is None else dict.fromkeys(("hidden_dropout_prob", "attention_probs_dropout_prob"), dropout)
        )
        self.encoder: Any = AutoModel.from_pretrained(
            folder,
            attn_implementation="eager",
            add_pooling_layer=False,
            dtype=torch.float32,
            trust_remote_code=False,
            **rates,
        )
        self.lengths = lengths

    def encode(self, texts: Sequence[Ids], length: int) -> Encoded:
        ids = torch.zeros(len(texts), length, dtype=torch.long)
        mask = torch.zeros(len(texts), length, dtype=torch.long)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = torch.tensor(text)
            mask[row, : len(text)] = 1
        states = self.encoder(input_ids=ids, token_type_ids=torch.zeros_like(ids), attention_mask=mask)
        return states.last_hidden_state, mask.bool()

    def forward(self, contexts: Sequence[Ids], personas: Sequence[Ids], responses: Sequence[Ids]) -> Tensor:
        """The scores (b, c) of c responses to b contexts, each with its persona."""
        context, persona, response = (
            self.encode(texts, length)
            for texts, length in zip((contexts, personas, responses), self.lengths, strict=True)
        )
        return torch.stack([
            match(repeated(context, row, len(responses)), response)
            + match(repeated(persona, row, len(responses)), response)
            for row in range(len(contexts))
        ])  # fmt: skip


def repeated(side: Encoded, row: int, times: int) -> Encoded:
    states, mask = side
    return states[row].repeat(times, 1, 1), mask[row].repeat(times, 1)


def match(left: Encoded, right: Encoded) -> Tensor:
    """(c,): the two hops' scores of c pairs of X (c, m, d) and Y (c, n, d)."""
    (x, x_mask), (y, y_mask) = left, right
    affinity = torch.bmm(x, y.transpose(1, 2))
    over_y = affinity.masked_fill(~y_mask[:, None], LOWEST).softmax(2)
    over_x = affinity.masked_fill(~x_mask[:, :, None], LOWEST).softmax(1).transpose(1, 2)
    x_first, y_first = torch.bmm(over_y, y), torch.bmm(over_x, x)
    x_second = torch.bmm(mean(over_y, x_mask)[:, None], y_first)[:, 0]
    y_second = torch.bmm(mean(over_x, y_mask)[:, None], x_first)[:, 0]
    first = (highest(x_first, x_mask) * highest(y_first, y_mask)).sum(1)
    return first + (x_second * y_second).sum(1)


def mean(attention: Tensor, mask: Tensor) -> Tensor:
    return (attention * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def highest(states: Tensor, mask: Tensor) -> Tensor:
    return states.masked_fill(~mask[..., None], LOWEST).amax(1)


def step(model: OriginalCobert, optimizer: torch.optim.Optimizer, texts: Sequence[Sequence[Ids]]) -> None:
    """A training step: cross-entropy over the batch's responses, the gradient's norm clipped at 1."""
    model.train()
    scores = model(*texts)
    torch.nn.functional.cross_entropy(scores, torch.arange(len(scores))).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


@torch.no_grad()
def rank(model: OriginalCobert, texts: Sequence[Sequence[Ids]]) -> Tensor:
    """Every context's scores of all responses."""
    model.eval()
    return model(*texts)
