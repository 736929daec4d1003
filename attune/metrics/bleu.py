"""n-gram overlap by sacreBLEU (Post 2018): of replies with the true ones, and of one system's replies."""

from collections.abc import Sequence
from statistics import fmean

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

# Replies that self-BLEU compares with one another; its time grows with the square.
SELF_BLEU_REPLIES = 50


def overlap(replies: Sequence[str], targets: Sequence[str]) -> dict[str, float]:
    """Corpus BLEU and chrF, from 0 to 100, as sacreBLEU's command line computes them."""
    return {
        "bleu": BLEU().corpus_score(list(replies), [list(targets)]).score,
        "chrf": CHRF().corpus_score(list(replies), [list(targets)]).score,
    }


def signatures() -> dict[str, str]:
    """sacreBLEU's signatures: tokenisation, smoothing, version."""
    signatures = {}
    for name, metric in (("bleu", BLEU()), ("chrf", CHRF())):
        metric.corpus_score(["a"], [["a"]])
        signatures[name] = str(metric.get_signature())
    return signatures


def self_bleu(replies: Sequence[str]) -> float:
    """Mean sentence BLEU of a reply against the others (Zhu et al. 2018, section 3.1): 100 where all are the same.

    Of the first SELF_BLEU_REPLIES; 0 for fewer than two.
    """
    chosen = list(replies[:SELF_BLEU_REPLIES])
    if len(chosen) < 2:
        return 0.0
    metric = BLEU(effective_order=True)
    return fmean(metric.sentence_score(reply, chosen[:at] + chosen[at + 1 :]).score for at, reply in enumerate(chosen))
