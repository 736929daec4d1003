"""Matchers: ways to score context and persona against replies, from the shared encoder's last hidden states.

A matcher is a module whose `forward(context, persona, response)` takes Sides of b, b and c rows and returns scores
(b, c); a persona without sentences adds nothing. A new one is a class here and an entry of MATCHERS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from attune.cobert.co_attention import match_blocks
from attune.cobert.encoder import caches_lower_layers, layers, run_encoder
from attune.core.errors import AttuneError
from attune.core.workers import spread_graphs

_SMALLEST = 1e-6
# Tokens of pairs that a cross-encoder reads at a time, padding included.
_PAIR_TOKENS = 1024


@dataclass(frozen=True)
class Side:
    """Encoded, padded sequences: states (b, length, d), mask (b, length) bool, parts (b, length).

    `parts` numbers each token's turn or persona sentence from 0; -1 is padding.
    """

    states: Tensor
    mask: Tensor
    parts: Tensor

    def __getitem__(self, rows: slice | Tensor) -> "Side":
        return Side(self.states[rows], self.mask[rows], self.parts[rows])


def means(side: Side) -> Tensor:
    """(b, d): the mean state over real positions; zeros for an empty sequence."""
    total = (side.states * side.mask[..., None]).sum(1)
    return total / side.mask.sum(1, keepdim=True).clamp(min=1)


def part_means(side: Side) -> tuple[Tensor, Tensor]:
    """The mean state of each turn or persona sentence, (b, s, d), and which of the s each row has, (b, s) bool."""
    count = max(int(side.parts.max()) + 1, 1)
    belongs = side.parts[:, None] == torch.arange(count, device=side.parts.device)[None, :, None]
    sizes = belongs.sum(-1)
    return (belongs.to(side.states.dtype) @ side.states) / sizes.clamp(min=1)[..., None], sizes > 0


class CoAttention(nn.Module):
    """CoBERT (arXiv 2004.12316, section 4): the co-attention scores of context and persona, summed; no weights.

    `attention_scale` multiplies the dot products before the softmax. At 1, as in the paper, most of a token's attention
    falls on one other token. The smaller it is, the more uniform the attention; in the limit the score is twice the dot
    product of means.
    """

    def __init__(self, attention_scale: float) -> None:
        super().__init__()
        self.attention_scale = attention_scale

    def forward(self, context: Side, persona: Side, response: Side) -> Tensor:
        masks = context.mask, persona.mask

        def match(number: int, states: Tensor) -> Tensor:
            return match_blocks(states, masks[number], response.states, response.mask, self.attention_scale)

        of_context, of_persona = spread_graphs(match, (context.states, persona.states), (response.states,))
        return of_context + of_persona


class BiEncoder(nn.Module):
    """Dot products of the reply's mean state with those of context and persona (Humeau et al. 2020, section 4.1)."""

    def forward(self, context: Side, persona: Side, response: Side) -> Tensor:
        return (means(context) + means(persona)) @ means(response).T


class PolyEncoder(nn.Module):
    """Learned codes attend to the states, the reply's mean to their outputs (Humeau et al. 2020, section 4.4)."""

    CODES = 16

    def __init__(self, width: int) -> None:
        super().__init__()
        self.codes = nn.Parameter(torch.empty(self.CODES, width))
        nn.init.normal_(self.codes, std=width**-0.5)

    def forward(self, context: Side, persona: Side, response: Side) -> Tensor:
        replies = means(response)
        return self._scores(context, replies) + self._scores(persona, replies)

    def _scores(self, side: Side, replies: Tensor) -> Tensor:
        attention = torch.einsum("kd,bld->bkl", self.codes, side.states)
        lowest = torch.finfo(attention.dtype).min
        views = attention.masked_fill(~side.mask[:, None], lowest).softmax(-1) @ side.states
        dots = torch.einsum("bkd,cd->bck", views, replies)
        scores = (dots.softmax(-1) * dots).sum(-1)
        return torch.where(side.mask.any(1)[:, None], scores, 0.0)


class MaxSim(nn.Module):
    """ColBERT's late interaction (Khattab and Zaharia 2020, section 3.3) of the reply with context and persona.

    Each token of context and persona takes its highest cosine with a token of the reply. Where ColBERT sums over the
    tokens of a query, which is padded to a fixed length, this is their mean.
    """

    def forward(self, context: Side, persona: Side, response: Side) -> Tensor:
        return late_interaction(context, response)[1] + late_interaction(persona, response)[1]


class CrossEncoder(nn.Module):
    """Reads context, persona and each reply in one input, through the encoder's upper layers, which it takes over.

    The lowest `frozen` layers, which stay in the encoder, read each part alone, so that their output is computed once
    per part and not once per pair (PreTTR, MacAvaney et al. 2020); with 0 only the embeddings do. The score is the
    cosine of the reply's mean state with that of context and persona, times a learned weight.

    Raises
    ------
    AttuneError
        for an encoder whose layers cannot be run apart.
    """

    def __init__(self, encoder: Any, frozen: int) -> None:
        super().__init__()
        if not caches_lower_layers(encoder):
            raise AttuneError(
                f"matching: cross_encoder needs an encoder with BERT's structure (bert, roberta, xlm-roberta or "
                f"camembert), and this one is {encoder.config.model_type}"
            )
        self.config = encoder.config
        self.layers = layers(encoder)[frozen:]
        del layers(encoder)[frozen:]
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, context: Side, persona: Side, response: Side) -> Tensor:
        rows = range(len(context.mask))
        given = [torch.cat([side.states[row, side.mask[row]] for side in (context, persona)]) for row in rows]
        return torch.stack([self._scores(states, response) for states in given])

    def _scores(self, given: Tensor, response: Side) -> Tensor:
        """The scores (c,) of the replies; given: (length, d) of one context with its persona.

        Replies of similar length are read together.
        """
        lengths, order = response.mask.sum(1).sort(stable=True)
        size = max(1, _PAIR_TOKENS // (len(given) + int(lengths[-1])))
        scores = [self._read(given, response[columns]) for columns in order.split(size)]
        return torch.cat(scores)[order.argsort()]

    def _read(self, given: Tensor, response: Side) -> Tensor:
        longest = max(int(response.mask.sum(1).max()), 1)
        replies, real = response.states[:, :longest], response.mask[:, :longest]
        batch = {
            "states": torch.cat([given.expand(len(replies), -1, -1), replies], 1),
            "attention_mask": torch.cat([real.new_ones(len(replies), len(given)), real], 1),
        }
        joint = run_encoder(self, batch, 0)
        reply = (joint[:, len(given) :] * real[..., None]).sum(1)
        return self.weight * (_unit(joint[:, : len(given)].sum(1)) * _unit(reply)).sum(-1)


class Cosines(nn.Module):
    """A learned weighted sum of cosines of mean states with the reply's, as a sentence encoder would match.

    The three are the last turn, the persona sentence nearest to the reply, and the whole context. `START` has the
    weights before training.
    """

    START: tuple[float, ...] = (0.5, 0.1, 1.0)

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.tensor(self.START))

    def forward(self, context: Side, persona: Side, response: Side) -> Tensor:
        terms = self.terms(context, persona, response)
        return torch.stack([weight * term for weight, term in zip(self.weights, terms, strict=True)]).sum(0)

    def terms(self, context: Side, persona: Side, response: Side) -> tuple[Tensor, ...]:
        """What the weights multiply, in their order, (b, c) each."""
        replies = _unit(means(response))
        turns, _ = part_means(context)
        last = turns[torch.arange(len(turns), device=turns.device), context.parts.max(1).values.clamp(min=0)]
        sentences, real = part_means(persona)
        nearest = (_unit(sentences) @ replies.T).masked_fill(~real[..., None], -1.0).max(1).values
        return (
            _unit(last) @ replies.T,
            torch.where(real.any(1)[:, None], nearest, 0.0),
            _unit(means(context)) @ replies.T,
        )


class Joint(Cosines):
    """Cosines of means plus late interaction of context and reply, token by token."""

    START = (*Cosines.START, 1.0, 1.0)

    def terms(self, context: Side, persona: Side, response: Side) -> tuple[Tensor, ...]:
        return (*super().terms(context, persona, response), *late_interaction(context, response))


def late_interaction(side: Side, response: Side) -> tuple[Tensor, Tensor]:
    """ColBERT's MaxSim (Khattab and Zaharia 2020, section 3.3) as means, both ways, (b, c) each.

    The first is the mean over a reply's tokens of the highest cosine with a token of `side`, the second the mean over
    the tokens of `side` of the highest cosine with one of the reply.
    """
    tokens, replies = _unit(side.states), _unit(response.states)
    outside = ~response.mask[:, None]

    def means_of(number: int, row: Tensor) -> Tensor:
        mask = side.mask[number]
        cosines = torch.einsum("ld,crd->clr", row[mask], replies).masked_fill(outside, -1.0)
        best = cosines.max(1).values * response.mask if mask.any() else response.mask * 0.0
        of_reply = best.sum(1) / response.mask.sum(1).clamp(min=1)
        return torch.stack([of_reply, cosines.max(2).values.sum(1) / mask.sum().clamp(min=1)])

    # All rows at once would take b times the memory.
    both = torch.stack(spread_graphs(means_of, tokens.unbind(), (replies,)))
    return both[:, 0], both[:, 1]


def _unit(states: Tensor) -> Tensor:
    return nn.functional.normalize(states, dim=-1, eps=_SMALLEST)


# What a recipe's `matching` may be: the matcher for an encoder and a CobertConfig.
# attune.parameters reads the names from this source, for importing it would import torch.
MATCHERS: dict[str, Callable[[Any, Any], nn.Module]] = {
    "co_attention": lambda _, config: CoAttention(config.attention_scale),
    "bi_encoder": lambda *_: BiEncoder(),
    "poly_encoder": lambda encoder, _: PolyEncoder(encoder.config.hidden_size),
    "max_sim": lambda *_: MaxSim(),
    "cross_encoder": lambda encoder, config: CrossEncoder(encoder, config.frozen_layers),
    "cosines": lambda *_: Cosines(),
    "joint": lambda *_: Joint(),
}
