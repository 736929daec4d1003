"""The report's tables of scores, each behind a fold: ranking, generators, retrieval beside generation."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd

from attune.corpora import ranking_corpus, record_of
from attune.evaluation.generation.summary import TARGETS
from attune.evaluation.ranking.summary import telling
from attune.evaluation.schemas import ORACLE_RAG, OTHER_RAG
from attune.metrics.ranking import METRICS
from attune.report import empathy, findings, html
from attune.report.names import corpus_title, system_names, way_title
from attune.report.provenance import stands_for
from attune.report.results import Results
from attune.report.score_tables import score_table
from attune.report.scores import format_of
from attune.report.tables import by_domain, means

ABOUT = html.about("With 95 % intervals. Click a heading to sort by it.")
_RECALL = html.about("R@k: how often the right reply is among the first k.")
# The scores that lead the table of generators.
LEADING_SCORES = ("perplexity", "similarity", "replies_repeated_3grams", "replies_truncated")
# All scores of generators.
REPLY_SCORES = (
    "perplexity", "passages", "target_given", "passage_similarity", "passage_like_target", "bleu", "chrf", "similarity",
    "emotion_match", "distinct_1", "distinct_2", "self_bleu",
    "replies_repeated_3grams", "replies_copied_3grams", "replies_truncated", "replies_empty", "replies_extra_turn",
)  # fmt: skip
# The scores of retrieved and written replies; those that lead.
ANSWER_SCORES = (
    "similarity", "bleu", "chrf", "distinct_1", "distinct_2", "self_bleu", "replies_words", "replies_truncated",
    "replies_repeated_3grams", "replies_copied_3grams", "replies_empty", "emotion_match", "replies",
)  # fmt: skip
LEADING_ANSWER_SCORES = ("similarity", "self_bleu", "replies_truncated")
_SIMILARITY = "Similarity to the true reply is the cosine of the two replies' sentence embeddings."
_SELF_BLEU = (
    "Self-BLEU is how alike the replies to different contexts are, 0 to 100: high where a system says much the same to "
    "everybody."
)


def ranking_scores(results: Results) -> list[str]:
    """The scores of rankers by which they can differ, MRR first."""
    return telling(("mrr", *(name for name in METRICS if name != "mrr")), results.settings.cobert.candidates)


def section(results: Results) -> str:
    """HTML of all tables."""
    return _ranking(results) + _generators(results) + _answered(results)


def _ranking(results: Results) -> str:
    shown = ranking_scores(results)
    name = partial(way_title, settings=results.settings)
    mean = score_table(means(results.ranking), shown, name)
    single = score_table(by_domain(results.ranking), ("loss", *shown), name)
    return html.folded("Ranking: means over the domains", _RECALL + ABOUT + mean) + html.folded(
        "Ranking: each domain, with the loss", single
    )


def _generators(results: Results) -> str:
    probe, names, generation = results.probe, system_names(results.settings), results.settings.generation
    told = [
        f"Perplexity is over the tokens of at most {generation.perplexity_examples} true replies of a test set, the "
        f"other scores over {generation.reply_examples} written ones. It is how many equally likely tokens would be as "
        "hard to predict, and comparable between models with the same tokenizer and test set.",
        f"{_SIMILARITY} Repeated trigrams: the share of a reply's word triples that it had before. Truncated replies "
        f"had not ended after {generation.max_new_tokens} tokens; they are shown and scored up to their last whole "
        "sentence, or as they are if they have none. Where all replies agree (for example none is truncated), the "
        "interval of their share is exact, and wide for so few.",
        findings.about_decoding(results.decoding, results.best_point, names),
    ]
    notes = [
        "Emotion match is the share of replies in which a probe detects the same emotion as in the message"
        f"{_ceiling(results)}. The probe's own accuracy on situations held out from it is "
        f"{_accuracy(probe)}, by chance {1 / len(probe['confusion']):.3f}.",
        f"BLEU: {probe['signatures']['bleu']}; chrF: {probe['signatures']['chrf']}. {_SELF_BLEU}",
        "Distinct words and bigrams: the different ones as a share of all, over all replies. Trigrams copied from the "
        "message: the share of a reply's that the last message has too. With an extra turn: replies that go on to "
        "write the next turn, as a line that begins with “Question:”.",
        "Ideal passages are the train exchanges whose replies are most like the true one, which no retriever can know.",
        "Passages' similarity to the true reply is the mean over the prompts with passages; shares are of all prompts.",
    ]
    intervals = _by_test_set(results, results.generator_intervals)
    leading = _named(results, intervals[~_reference(intervals) & (intervals["system"] != TARGETS)], LEADING_SCORES)
    every = _named(results, _by_test_set(results, results.generators), REPLY_SCORES)
    return (
        html.folded("Generators, and how they decode", html.bullets(told) + ABOUT + leading)
        + html.folded("Generators: all scores", html.bullets(notes) + every)
        + empathy.part(probe, lambda name: names.get(name, name), intervals, results.answered)
    )


def _by_test_set(results: Results, scores: pd.DataFrame) -> pd.DataFrame:
    """The generators' scores by the corpus of their test replies and, where bases differ, with them tokens, by base."""
    generators = results.settings.generators
    known = scores["system"].str.split("+").str[0]
    corpora = {name: corpus_title(each.corpus) for name, each in generators.items()} | {TARGETS: _true_replies(results)}
    places = {"corpus": known.map(corpora)}
    if len({each.base for each in generators.values()}) > 1:
        places["base"] = known.map({name: each.base for name, each in generators.items()}).fillna("")
    return scores.assign(**places)[[*places, *scores.columns]]


def _reference(scores: pd.DataFrame) -> pd.Series:
    """Which rows are of prompts that nobody would write: with ideal passages, or with another message's."""
    return scores["system"].str.endswith((f"+{ORACLE_RAG}", f"+{OTHER_RAG}"))


def _true_replies(results: Results) -> str:
    """The corpus of the true replies: that of the first generator whose corpus has passages."""
    corpora = [each.corpus for each in results.settings.generators.values() if record_of(each.corpus).has_passages]
    return corpus_title(corpora[0]) if corpora else ""


def _accuracy(probe: Mapping[str, Any]) -> str:
    """With its interval, which the probe of a few situations has not."""
    if "accuracy_low" not in probe:
        return f"{probe['accuracy']:.3f}"
    return f"{probe['accuracy']:.3f} (95 % interval {probe['accuracy_low']:.3f} to {probe['accuracy_high']:.3f})"


def _ceiling(results: Results) -> str:
    """How often the true replies match; where most do not, a higher share is no better."""
    rows = results.generator_intervals
    reached = rows[(rows["system"] == TARGETS) & (rows["score"] == "emotion_match")]
    if reached.empty:
        return ""
    text = format_of("emotion_match").text
    share, low, high = (float(reached[key].iloc[0]) for key in ("value", "low", "high"))
    interval = "" if math.isnan(low) else f" (95 % interval {text(low)} to {text(high)})"
    few = ". Most of these do not match, so a higher share is no better" if high < 0.5 else ""
    return f"; the true replies of {_true_replies(results)} match in {text(share)} %{interval}{few}"


def _named(results: Results, scores: pd.DataFrame, columns: Sequence[str]) -> str:
    names = system_names(results.settings)
    references = [TARGETS, *scores["system"][_reference(scores)].unique()]
    return score_table(scores, columns, lambda name: names.get(name, name), references)


def _answered(results: Results) -> str:
    corpus, generators = ranking_corpus(), results.settings.generators
    own = [name for name, each in generators.items() if each.corpus == corpus.name]
    source = stands_for(corpus.name, results.manifests)
    about = (
        f"{findings.replies_of(results.answered)} test contexts of {source}, answered by CoBERT out of "
        f"the replies of its train split and by each generator. {len(own) or 'None'} of {len(generators)} generators "
        f"{'was' if len(own) == 1 else 'were'} trained on {corpus.title}; only such a generator reads the responder's "
        f"persona, as CoBERT does. {_SIMILARITY} {_SELF_BLEU}"
    )
    leading = _named(results, results.answered, LEADING_ANSWER_SCORES)
    return html.folded("Retrieval beside generation", html.about(about) + leading) + html.folded(
        "Retrieval beside generation: all scores", _named(results, results.answered, ANSWER_SCORES)
    )
