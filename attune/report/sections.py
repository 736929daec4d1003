"""The sections of the report and of the studies' page: (heading, HTML body)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from attune.evaluation.generation.summary import TARGETS
from attune.evaluation.schemas import ORACLE_RAG
from attune.metrics.ranking import METRICS
from attune.report import contamination, empathy, findings, html, overview, power, seeds, studies_overview
from attune.report.differences import ALPHA, differences
from attune.report.figures.registry import Page, on_page
from attune.report.names import corpus_title, mean_title, ranking_name, system_names
from attune.report.provenance import environment
from attune.report.replies import answer_blocks, answered_blocks, dialogue_blocks
from attune.report.results import Results
from attune.report.score_tables import difference_tables, score_table
from attune.report.scores import format_of
from attune.report.tables import by_domain, compared, means

Section = tuple[str, str]
RANKING_SCORES = ("mrr", *(name for name in METRICS if name != "mrr"))
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


def of_report(results: Results, figures: Path, params: str) -> list[Section]:
    """The pipeline's page; figures: the folder of the figures. params: the text of params.yaml."""
    return [
        ("Summary", html.bullets(overview.summary(results), "lead") + _figures("report", "first", figures)),
        ("Findings", html.bullets(overview.main_findings(results))),
        ("Figures", _shown_figures("report", figures)),
        ("Differences", _differences(results)),
        ("What so many test contexts can tell", power.about(results.metrics("power"))),
        ("Do passages help?", _passages(results)),
        ("Scores of ranking", _ranking(results)),
        ("Scores of generators", _generators(results)),
        ("Retrieval beside generation", _answered(results)),
        ("Replies side by side", _replies(results)),
        contamination.section(results.metrics("contamination"), system_names(results.settings)),
        ("Data, parameters, environment", _origin(results, params)),
    ]


def of_studies(results: Results, figures: Path) -> list[Section]:
    """The studies' page; figures: the folder of their figures."""
    methods = results.method_tests[~results.method_tests["family"].str.contains(" by domain")].drop(columns="domain")
    found = pd.concat([methods, means(results.persona_use_tests), results.persona_tests])
    return [
        ("Findings", html.bullets(studies_overview.findings_of(results), "lead")),
        ("Figures", _shown_figures("studies", figures)),
        ("Differences", _rule() + difference_tables(differences(found), _words)),
        (
            f"Ways to match, trained and tested on: {', '.join(results.settings.compare.domains)}",
            _ways(results),
        ),
        (
            "Own, another's or no persona",
            _about_means() + score_table(means(results.persona_use), RANKING_SCORES, _words),
        ),
        ("Several seeds", seeds.about(results.metrics("seeds"))),
        ("Number of persona sentences", score_table(results.personas, RANKING_SCORES, _words)),
        ("Retrieval from the whole bank", _retrieval(results.retrieval)),
        ("Environment", html.folded("Versions of Python and packages", html.table(environment()))),
    ]


def _words(model: str) -> str:
    """A model as it is called in text; a mere number is one of persona sentences."""
    return f"{model} persona sentences" if model.isdecimal() else ranking_name(model)


def _ways(results: Results) -> str:
    """Every way to match where all are trained, and those that need no further training over all domains."""
    trained, every = results.settings.compare.domains, results.settings.cobert.domains
    parts = [
        html.about(f"All of them, {mean_title(trained)}, with 95 % intervals. Click a heading to sort by it."),
        score_table(compared(results), (*RANKING_SCORES, "gflops"), _words),
    ]
    if set(trained) != set(every):
        parts += [
            html.about(f"Those that need no further training, {mean_title(every)}."),
            score_table(means(results.methods), RANKING_SCORES, _words),
        ]
    return "".join(parts)


def _about_means() -> str:
    return html.about("Means over the domains, with 95 % intervals. Click a heading to sort by it.")


def _differences(results: Results) -> str:
    tests = [results.ranking_tests, results.generator_tests, results.answered_tests]
    names = system_names(results.settings)
    found = [each for table in tests for each in differences(table)]
    return _rule() + difference_tables(found, lambda name: names.get(name, name))


def _rule() -> str:
    return html.about(
        "Paired comparisons on the same test examples. A difference counts where p, corrected by Holm's method for all "
        f"comparisons of its family, is below {ALPHA:g}. “Not after correction”: the interval of this comparison alone "
        "excludes zero, but among so many comparisons that is to be expected by chance. A loss is shown as the change "
        "of perplexity, so that a minus is better. The effect size is standardised."
    )


def _passages(results: Results) -> str:
    return html.bullets(line for name in results.trained_with_passages for line in overview.why_passages(results, name))


def _ranking(results: Results) -> str:
    single = score_table(by_domain(results.ranking), ("loss", *RANKING_SCORES), _words)
    return (
        _about_means()
        + score_table(means(results.ranking), RANKING_SCORES, _words)
        + html.folded("Each domain, with the loss", single)
    )


def _generators(results: Results) -> str:
    probe, names = results.probe, system_names(results.settings)
    told = [
        "Perplexity is over reply tokens alone; it is comparable between models with the same tokenizer and test set.",
        findings.about_decoding(results.decoding, results.best_point, names),
    ]
    notes = [
        "Emotion match is the share of replies in which a probe detects the same emotion as in the message"
        f"{_ceiling(results)}. The probe's own accuracy on held-out situations is {probe['accuracy']:.3f} (95 % "
        f"interval {probe['accuracy_low']:.3f} to {probe['accuracy_high']:.3f}).",
        f"BLEU: {probe['signatures']['bleu']}; chrF: {probe['signatures']['chrf']}.",
    ]
    every = _named(results, results.generators, REPLY_SCORES)
    return (
        html.bullets(told)
        + _named(results, _by_test_set(results), LEADING_SCORES)
        + html.folded("All scores", html.bullets(notes) + every)
        + empathy.part(probe, results.generator_intervals, results.answered)
    )


def _by_test_set(results: Results) -> pd.DataFrame:
    """The generators' scores by the corpus of their test replies; without the ideal passage, which no retriever has."""
    scores = results.generator_intervals
    scores = scores[~scores["system"].str.endswith(f"+{ORACLE_RAG}") & (scores["system"] != TARGETS)]
    corpora = {name: corpus_title(each.corpus) for name, each in results.settings.generators.items()}
    return scores.assign(corpus=scores["system"].str.split("+").str[0].map(corpora))[["corpus", *scores.columns]]


def _ceiling(results: Results) -> str:
    """What the true replies reach, beyond which more is not better."""
    rows = results.generators
    reached = rows[(rows["system"] == TARGETS) & (rows["score"] == "emotion_match")]["value"]
    if reached.empty:
        return ""
    share = format_of("emotion_match").text(float(reached.iloc[0]))
    return f"; the true replies reach {share} %, so that more is not better"


def _named(results: Results, scores: pd.DataFrame, columns: Sequence[str]) -> str:
    names = system_names(results.settings)
    return score_table(scores, columns, lambda name: names.get(name, name), TARGETS)


def _answered(results: Results) -> str:
    about = (
        "The same test contexts, answered by CoBERT out of the train split's replies and by each generator. Only "
        "generators of the same corpus read the responder's persona, as CoBERT does."
    )
    return (
        html.about(about)
        + _named(results, results.answered, LEADING_ANSWER_SCORES)
        + html.folded("All scores", _named(results, results.answered, ANSWER_SCORES))
    )


def _replies(results: Results) -> str:
    names = system_names(results.settings)
    return (
        "<h3>The same question to every generator</h3>"
        + answer_blocks(results.answers, names)
        + "<h3>Written replies, and the passages that were retrieved for them</h3>"
        + dialogue_blocks(results.dialogue_replies, names)
        + "<h3>Retrieved and written replies to the same contexts</h3>"
        + answered_blocks(results.answered_replies, names)
    )


def _figures(page: Page, place: str, folder: Path) -> str:
    return "\n".join(
        html.figure(record.name, (folder / f"{record.name}.png").read_bytes(), record.caption, record.place)
        for record in on_page(page)
        if record.place == place
    )


def _shown_figures(page: Page, folder: Path) -> str:
    """The figures of the page but the first screen's; those that explain others are folded."""
    rest = _figures(page, "folded", folder)
    return f'<div class="figures">{_figures(page, "open", folder)}</div>' + (
        html.folded(
            "More figures: data, losses, test contexts, decoding, emotions", f'<div class="figures">{rest}</div>'
        )
        if rest
        else ""
    )


def _origin(results: Results, params: str) -> str:
    return (
        html.folded("Data: sources, licences, checksums", html.table(_data(results.manifests)))
        + html.folded("Parameters", html.preformatted(params))
        + html.folded("Environment", html.table(environment()))
    )


def _data(manifests: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per corpus, from its manifest."""
    return pd.DataFrame(
        {"Corpus": corpus_title(each["corpus"])}
        | {name.capitalize(): each[name] for name in ("source", "url", "revision", "licence")}
        | {"Whose text": each["notice"]}
        | {"Rows": sum(file["rows"] for file in each["files"]), "Bad rows": each["bad_rows"]}
        | {"SHA-256": " ".join(file["sha256"][:12] for file in each["files"])}
        for each in manifests
    )


def _retrieval(rows: pd.DataFrame) -> str:
    headers = {name: format_of(str(name)).header for name in rows if name not in ("domain", "replies")}
    shown = rows.assign(recall=(100 * rows["recall"]).round().astype(int)) if "recall" in rows else rows
    return html.table(shown.rename(columns=headers | {"domain": "Domain", "replies": "Replies in the bank"}))
