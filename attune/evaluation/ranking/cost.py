"""What it costs to rank the candidates of one context, whose own representations are ready beforehand."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from attune.cobert.examples import examples
from attune.cobert.scoring import encode, scores
from attune.evaluation.ranking.baselines import Baselines
from attune.inference.ranker import Ranker

# Ranks the candidates of one context once.
Work = Callable[[], Any]


def by_baseline(baselines: Baselines, method: str, row: Mapping[str, Any], texts: Sequence[str]) -> Work:
    """Ranking `texts` for `row` by a baseline that is set up for its bank already."""
    return lambda: baselines.scores(method, [row], [texts])


def by_model(ranker: Ranker, row: Mapping[str, Any], texts: Sequence[str]) -> Work:
    """Ranking `texts` for `row` (id, context, personas, response) by a model that has encoded the texts already.

    That is how a bank of replies is used: what does not depend on the context is computed once. A cross-encoder can
    prepare no more than what its frozen layers make of each reply.
    """
    (example,) = examples([dict(row)], ranker.inputs)
    replies = [ranker.inputs.response(text) for text in texts]
    known, context, persona = encode(ranker.model, replies), [example.context], [example.persona]
    return lambda: scores(ranker.model, known | encode(ranker.model, context + persona), context, persona, [replies])


def gflops(works: Sequence[Work]) -> float:
    """The mean number of floating-point operations, in 10^9: those of matrix products and attention, as torch counts.

    Unlike seconds, the same on every run and machine. Counting words takes none.
    """
    return fmean(map(_flops, works)) / 1e9


def _flops(work: Work) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

    def attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
        return sdpa_flop_count(query, key, value)

    # The one kind of attention that torch knows no formula for is the CPU's.
    formulas = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention}
    with FlopCounterMode(display=False, custom_mapping=formulas) as counter:
        work()
    return counter.get_total_flops()
