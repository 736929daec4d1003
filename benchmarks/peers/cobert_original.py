"""CoBERT as its authors run it: a plain peer for benchmarks.cobert, written from the equations (arXiv 2004.12316).

Every text is padded to the longest that its kind may have and encoded as often as it occurs, with eager attention. A
training step repeats the states for all pairs of a batch and matches them at once. A ranking encodes contexts and
personas `CHUNK` at a time and takes one context after another, repeated for every candidate. Masks are numbers that are
multiplied, maxima keep their places, and denormal numbers are computed with, as torch does unless it is told otherwise.

Two things differ from the authors' code, both without a share in its time: means run over real positions, so that both
sides' scores can be compared, and there is no pooler.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModel

EXCLUDED = -5e4  # takes the place of a product with padding
CHUNK = 20
Ids = Sequence[int]
# States (b, length, d) and their mask (b, length), 1 where a token is real.
Encoded = tuple[Tensor, Tensor]


class OriginalCobert(torch.nn.Module):
    """lengths: of a context, a persona and a response, padding included."""

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
        ids, mask = ids.to(self.encoder.device), mask.to(self.encoder.device)
        states = self.encoder(input_ids=ids, token_type_ids=torch.zeros_like(ids), attention_mask=mask)
        return states.last_hidden_state, mask.float()

    def forward(self, contexts: Sequence[Ids], personas: Sequence[Ids], responses: Sequence[Ids]) -> Tensor:
        """The scores (b, c) of c responses to b contexts, each with its persona; all pairs at once."""
        sides = zip((contexts, personas, responses), self.lengths, strict=True)
        context, persona, (states, mask) = (self.encode(texts, length) for texts, length in sides)
        times = len(contexts)
        every = states.repeat(times, 1, 1), mask.repeat(times, 1)
        scores = match(repeated(context, len(responses)), every) + match(repeated(persona, len(responses)), every)
        return scores.view(times, len(responses))


def repeated(side: Encoded, times: int) -> Encoded:
    """Each row so many times in turn."""
    states, mask = side
    return states.repeat_interleave(times, 0), mask.repeat_interleave(times, 0)


def match(left: Encoded, right: Encoded) -> Tensor:
    """(c,): the two hops' scores of c pairs of X (c, m, d) and Y (c, n, d)."""
    (x, x_mask), (y, y_mask) = left, right
    real = torch.bmm(x_mask[:, :, None], y_mask[:, None])
    affinity = torch.bmm(x, y.transpose(1, 2))
    over_y = torch.softmax(affinity * real + EXCLUDED * (1 - real), 2)
    over_x = torch.softmax(affinity * real + EXCLUDED * (1 - real), 1).transpose(1, 2)
    x_first, y_first = torch.bmm(over_y, y), torch.bmm(over_x, x)
    x_second = torch.bmm(torch.bmm(mean(over_y, x_mask), over_x), x)[:, 0]
    y_second = torch.bmm(torch.bmm(mean(over_x, y_mask), over_y), y)[:, 0]
    first = (highest(x_first, x_mask) * highest(y_first, y_mask)).sum(1)
    return first + (x_second * y_second).sum(1)


def mean(attention: Tensor, mask: Tensor) -> Tensor:
    """(c, 1, k): the mean over the real ones of (c, l, k)."""
    return torch.bmm(mask[:, None], attention) / mask.sum(1)[:, None, None]


def highest(states: Tensor, mask: Tensor) -> Tensor:
    return states.masked_fill(mask[..., None] == 0, EXCLUDED).max(1).values


def step(model: OriginalCobert, optimizer: torch.optim.Optimizer, texts: Sequence[Sequence[Ids]]) -> None:
    """A training step: cross-entropy over the batch's responses, the gradient's norm clipped at 1."""
    model.train()
    scores = model(*texts)
    torch.nn.functional.cross_entropy(scores, torch.arange(len(scores), device=scores.device)).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


@torch.no_grad()
def rank(model: OriginalCobert, texts: Sequence[Sequence[Ids]]) -> Tensor:
    """Every context's scores of all responses."""
    model.eval()
    context, persona = (
        in_chunks(model, side, length) for side, length in zip(texts[:2], model.lengths[:2], strict=True)
    )
    response, count = model.encode(texts[2], model.lengths[2]), len(texts[2])
    return torch.stack([
        match(repeated(one_row(context, row), count), response)
        + match(repeated(one_row(persona, row), count), response)
        for row in range(len(texts[0]))
    ])  # fmt: skip


def in_chunks(model: OriginalCobert, texts: Sequence[Ids], length: int) -> Encoded:
    parts = [model.encode(texts[start : start + CHUNK], length) for start in range(0, len(texts), CHUNK)]
    states, masks = zip(*parts, strict=True)
    return torch.cat(states), torch.cat(masks)


def one_row(side: Encoded, row: int) -> Encoded:
    states, mask = side
    return states[row : row + 1], mask[row : row + 1]
