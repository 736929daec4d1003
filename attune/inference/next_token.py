"""The choice of the next token from a model's logits."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import (
    LogitsProcessorList,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TopPLogitsWarper,
)

from attune.parameters.decoding import Decoding

# Below this temperature the likeliest token is taken: logits that are divided by 1e-38 exceed float32.
_COLDEST = 1e-6


def choose(logits: torch.Tensor, draws: torch.Tensor, decoding: Decoding, written: torch.Tensor) -> torch.Tensor:
    """Token ids [rows] from logits [rows, vocabulary]; sampling inverts the distribution at `draws` [rows].

    The repetition penalty and the n-gram ban see `written` [rows, tokens] alone: a reply may repeat its prompt's words.
    """
    logits = processors(decoding)(written, logits)
    if decoding.method == "greedy" or decoding.temperature < _COLDEST:
        return logits.argmax(-1)
    ids = None
    if decoding.top_k:  # first: top_p sorts what it gets, and the whole vocabulary takes longer than a layer
        ids = logits.topk(min(decoding.top_k, logits.shape[-1])).indices.sort().values
        logits = logits.gather(-1, ids)
    logits = logits / decoding.temperature
    if decoding.top_p < 1:
        logits = TopPLogitsWarper(decoding.top_p)(written, logits)
    sums = logits.to(draws.dtype).softmax(-1).cumsum(-1)
    places = (sums[:, :-1] <= draws[:, None] * sums[:, -1:]).sum(-1)
    return places if ids is None else ids.gather(-1, places[:, None])[:, 0]


def choose_each(
    logits: torch.Tensor, draws: torch.Tensor, decodings: Sequence[Decoding], written: torch.Tensor
) -> torch.Tensor:
    """As `choose`, with a decoding for each row.

    Raises
    ------
    ValueError
        for beam search, which keeps several replies of a row at once.
    """
    if any(decoding.method == "beam" for decoding in decodings):
        raise ValueError("beam search chooses no single token; give one decoding for all rows")
    chosen = torch.empty(len(decodings), dtype=torch.long, device=logits.device)
    for decoding in dict.fromkeys(decodings):
        at = [row for row, own in enumerate(decodings) if own == decoding]
        chosen[at] = choose(logits[at], draws[at], decoding, written[at])
    return chosen


def processors(decoding: Decoding) -> LogitsProcessorList:
    """What bars or penalises tokens that were written."""
    processors: list[Any] = []
    if decoding.repetition_penalty != 1:
        processors.append(RepetitionPenaltyLogitsProcessor(decoding.repetition_penalty))
    if decoding.no_repeat_ngram:
        processors.append(NoRepeatNGramLogitsProcessor(decoding.no_repeat_ngram))
    return LogitsProcessorList(processors)
