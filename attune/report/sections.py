"""The sections of the report and of the studies' page: (heading, HTML body)."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import pandas as pd

from attune.evaluation.generation.comparisons import without_passages
from attune.metrics.ranking import METRICS
from attune.report import findings, html, power, seeds
from attune.report.figures.registry import Page, on_page
from attune.report.results import Results
from attune.report.side_by_side import answer_blocks, blocks
from attune.report.tables import keys, means, wide

Section = tuple[str, str]
PACKAGES = (
    "torch", "transformers", "peft", "sentence-transformers", "faiss-cpu", "datasets", "scikit-learn", "sacrebleu",
    "bm25s", "numpy", "pandas", "matplotlib", "dvc",
)  # fmt: skip
RANKING_SCORES = ("mrr", "mrr_low", "mrr_high", *(name for name in METRICS if name != "mrr"))
# The summary's scores of generators.
REPLY_SCORES = (
    "perplexity", "passages", "target_given", "passage_similarity", "passage_like_target", "bleu", "chrf", "similarity",
    "emotion_match", "distinct_1", "distinct_2", "self_bleu",
    "replies_repeated_3grams", "replies_copied_3grams", "replies_truncated", "replies_empty", "replies_extra_turn",
)  # fmt: skip
# The scores of retrieved and written replies.
ANSWER_SCORES = (
    "similarity", "similarity_low", "similarity_high", "emotion_match", "emotion_match_low", "emotion_match_high",
    "bleu", "chrf", "distinct_1", "distinct_2", "self_bleu", "replies_words", "replies_truncated",
    "replies_repeated_3grams", "replies_copied_3grams", "replies_empty", "replies",
)  # fmt: skip
# Prompts whose replies the report shows; replies.csv has them all.
EXAMPLES = 10


def of_report(
    results: Results, beside: pd.DataFrame, answered: pd.DataFrame, figures: Path, params: str
) -> list[Section]:
    """The pipeline's page.

    beside, answered: the generators' replies, and retrieved and written ones, side by side. figures: the folder of the
    figures. params: the text of params.yaml.
    """
    return [
        ("Summary", _summary(results)),
        ("Try it: what each model answers", answer_blocks(results.answers)),
        ("Significant differences", _differences(results)),
        ("What so many test contexts can tell", power.about(results.metrics("power"))),
        ("Do passages help?", _passages(results)),
        ("Retrieval beside generation", _answered(results, answered)),
        ("Figures", _figures("report", figures)),
        ("CoBERT", html.table(_columns(results.ranking, ("loss", *RANKING_SCORES)))),
        ("Generators", _generators(results)),
        ("Replies side by side", blocks(beside, EXAMPLES)),
        ("Data", html.table(_data(results.manifests))),
        ("Parameters", html.preformatted(params)),
        ("Environment", html.table(environment())),
    ]


def of_studies(results: Results, figures: Path) -> list[Section]:
    """The studies' page; figures: the folder of their figures."""
    return [
        ("Figures", _figures("studies", figures)),
        ("Matching methods: means over the domains", _scored(means(results.methods), means(results.method_tests))),
        (
            "Own, another's or no persona: means over the domains",
            _scored(means(results.persona_use), means(results.persona_use_tests)),
        ),
        ("Several seeds", seeds.about(results.metrics("seeds"))),
        ("Number of persona sentences", _scored(results.personas, results.persona_tests)),
        ("Retrieval from the whole bank", html.table(results.retrieval)),
        ("Environment", html.table(environment())),
    ]


def environment() -> pd.DataFrame:
    """The versions of Python and of the packages that results depend on."""
    versions = {"python": python_version()} | {name: version(name) for name in PACKAGES}
    return pd.DataFrame(versions.items(), columns=["package", "version"])


def _summary(results: Results) -> str:
    ranking = _columns(means(results.ranking), ("mrr", "mrr_low", "mrr_high", "r@1", "r@10"))
    ranking.insert(0, "system", "CoBERT, " + ranking.pop("model") + ", " + ranking.pop("subset") + " subset")
    return (
        html.bullets(f"{each['corpus']}: {each['notice']}" for each in results.manifests if each["notice"])
        + "<h3>Ranking: means over the domains, with 95 % intervals of MRR</h3>"
        + html.table(ranking)
        + "<h3>Generation: one row per system; <code>targets</code> are the true replies</h3>"
        + html.table(_columns(results.generators, REPLY_SCORES))
    )


def _differences(results: Results) -> str:
    return (
        "<p>Paired randomisation tests on the same test examples; the intervals are theirs. A difference is called "
        "significant where p, corrected for its family of comparisons by Holm's method, is below "
        f"{findings.ALPHA:g}.</p>"
        + html.bullets(findings.about_ranking(results.ranking_tests, results.models))
        + html.bullets(findings.about_pairs(results.generator_tests))
    )


def _passages(results: Results) -> str:
    lines = []
    for name in results.trained_with_passages:
        other = without_passages(name, results.settings.generators) or name
        lines += findings.about_passages(results.generator_intervals, results.generator_tests, name, other)
    return html.bullets(lines)


def _answered(results: Results, answered: pd.DataFrame) -> str:
    about = (
        "The same test contexts, answered by CoBERT out of the train split's replies (<code>retrieved</code>) and by "
        "each generator; <code>targets</code> are the true replies. Only generators of the same corpus read the "
        "responder's persona, as CoBERT does."
    )
    return (
        f"<p>{about}</p>"
        + html.table(_columns(results.answered, ANSWER_SCORES))
        + html.bullets(findings.about_pairs(results.answered_tests))
        + blocks(answered, EXAMPLES)
    )


def _figures(page: Page, folder: Path) -> str:
    return "\n".join(
        html.figure(record.name, (folder / f"{record.name}.png").read_bytes(), record.caption)
        for record in on_page(page)
    )


def _generators(results: Results) -> str:
    probe = results.probe
    scores = ("perplexity", "similarity", "emotion_match", "replies_repeated_3grams", "replies_truncated")
    about = [
        f"The emotion probe's accuracy on held-out situations is {probe['accuracy']:.3f} (95 % interval "
        f"{probe['accuracy_low']:.3f} to {probe['accuracy_high']:.3f}). Emotion match is the share of replies in which "
        "it predicts the same emotion as in the message that they answer.",
        f"BLEU: {probe['signatures']['bleu']}; chrF: {probe['signatures']['chrf']}.",
        "Perplexity is over reply tokens alone; it is comparable between models with the same tokenizer.",
        findings.about_decoding(results.decoding, results.best_point),
    ]
    columns = [f"{score}{end}" for score in scores for end in ("", "_low", "_high")]
    return html.bullets(about) + html.table(_columns(results.generator_intervals, columns))


def _data(manifests: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per corpus, from its manifest."""
    return pd.DataFrame(
        {name: each[name] for name in ("corpus", "source", "url", "revision", "licence")}
        | {"whose text": each["notice"]}
        | {"rows": sum(file["rows"] for file in each["files"]), "bad rows": each["bad_rows"]}
        | {"sha256": " ".join(file["sha256"][:12] for file in each["files"])}
        for each in manifests
    )


def _scored(scores: pd.DataFrame, tests: pd.DataFrame) -> str:
    """One row per model, then the comparisons."""
    return html.table(_columns(scores, RANKING_SCORES)) + html.bullets(findings.about_pairs(tests))


def _columns(scores: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """A tidy table as one row per system with these scores; empty where a system, or all, have none."""
    return wide(scores).reindex(columns=[*keys(scores), *names])
