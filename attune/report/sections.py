"""The sections of the report and of the studies' page: (heading, HTML body)."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from attune.evaluation.families import BY_DOMAIN
from attune.evaluation.ranking.summary import UNTRAINED
from attune.parameters import Parameters
from attune.report import contamination, everyday, html, overview, power, seeds, studies_overview, system_scores
from attune.report.differences import ALPHA, differences
from attune.report.figures.record import Page
from attune.report.figures.registry import on_page
from attune.report.names import (
    corpus_title,
    listed,
    mean_title,
    ranker_names,
    ranking_name,
    sentences_title,
    start_title,
    system_names,
    way_title,
)
from attune.report.provenance import code_version, data_sentence, environment
from attune.report.replies import ABOUT as ABOUT_REPLIES
from attune.report.replies import answer_blocks, answered_blocks, dialogue_blocks
from attune.report.results import Results
from attune.report.score_tables import difference_tables, score_table
from attune.report.system_scores import ABOUT, ranking_scores
from attune.report.tables import compared, means

Section = tuple[str, str]


def of_report(results: Results, figures: Path, params: str) -> list[Section]:
    """The pipeline's page; figures: the folder of the figures. params: the text of params.yaml."""
    return [
        (
            "Summary",
            html.bullets(overview.summary(results), "lead")
            + html.about(
                f"{overview.what_is_compared(results)} {overview.tested_on(results)} {overview.starts(results)}".strip()
            )
            + _figures(results.settings, "report", "first", figures),
        ),
        ("Findings", html.bullets(overview.main_findings(results))),
        ("Figures", _shown_figures(results.settings, "report", figures)),
        ("Differences", _differences(results)),
        (
            "How many test contexts?",
            power.about(results.metrics("power"), ranker_names(results.settings))
            + _figures(results.settings, "report", "power", figures),
        ),
        ("Scores", system_scores.section(results)),
        ("Replies side by side", _replies(results)),
        contamination.section(results.metrics("contamination"), system_names(results.settings)),
        ("Data, parameters, environment", _origin(results, params)),
    ]


def of_studies(results: Results, figures: Path) -> list[Section]:
    """The studies' page; figures: the folder of their figures."""
    methods = results.method_tests[~results.method_tests["family"].isin(BY_DOMAIN)].drop(columns="domain")
    found = pd.concat([methods, means(results.persona_use_tests), results.persona_tests, everyday.tests(results)])
    return [
        (
            "Findings",
            html.about(
                f"{data_sentence(results.settings.source, results.manifests)} {code_version()}; seed "
                f"{results.settings.seed}. {overview.what_is_compared(results)}"
            )
            + html.bullets(studies_overview.findings_of(results), "lead"),
        ),
        ("Figures", _shown_figures(results.settings, "studies", figures)),
        ("Differences", _rule() + difference_tables(differences(found), _words(results))),
        (
            f"Ways to match, trained and tested on: {', '.join(results.settings.compare.domains)}",
            _ways(results),
        ),
        (
            "Own, another's or no persona",
            html.folded(
                "Means over the domains",
                ABOUT + score_table(means(results.persona_use), ranking_scores(results), _words(results)),
            ),
        ),
        ("Everyday messages", everyday.section(results)),
        ("Several seeds", seeds.about(results.metrics("seeds"), system_names(results.settings))),
        (
            "Number of persona sentences",
            html.folded("Each number", score_table(results.personas, ranking_scores(results), _words(results))),
        ),
        ("Retrieval from all replies of the test split", html.folded("Each domain", _retrieval(results))),
        ("Environment", html.folded("Versions of Python and packages", html.table(environment()))),
    ]


_COST = (
    "Cost: billions of floating-point operations (GFLOP) in matrix products and attention to rank one context's "
    "candidates, which are encoded beforehand. It is the same on every machine; docs/benchmarks.md has the measured "
    "seconds per context beside MRR."
)


def _words(results: Results) -> Callable[[str], str]:
    """How the studies' page calls a model or a system; a mere number is one of persona sentences."""
    systems = system_names(results.settings)

    def name(model: str) -> str:
        return systems.get(model) or (
            sentences_title(model) if model.isdecimal() else way_title(model, results.settings)
        )

    return name


def _retrieval(results: Results) -> str:
    scores = ("mrr_reranked", "mrr_index", "recall", "replies")
    recipe = ranking_name(results.settings.retrieval.recipe)
    about = f"Reranked by {recipe}. Replies: how many there are to choose from."
    return ABOUT + html.about(about) + score_table(results.retrieval, scores, str)


def _ways(results: Results) -> str:
    """Every way to match where all are trained, and those that need no further training over all domains."""
    trained, every = results.settings.compare.domains, results.settings.cobert.domains
    parts = [
        html.folded(
            f"All of them, {mean_title(trained)}",
            ABOUT
            + html.about(_COST)
            + score_table(compared(results), (*ranking_scores(results), "gflops"), _words(results)),
        )
    ]
    if set(trained) != set(every):
        rows = score_table(means(results.methods), ranking_scores(results), _words(results))
        parts.append(html.folded(f"Those that need no further training, {mean_title(every)}", rows))
    return "".join(parts)


_LEFT_OUT = "Not shown: {names} against {start}, since they start from other models (metrics/cobert_tests.json)."


def _differences(results: Results) -> str:
    tests = [results.ranking_tests, results.generator_tests, results.answered_tests]
    names = system_names(results.settings)
    apart = overview.starting_elsewhere(results.settings)
    # Such a difference is mostly between two models before training, and would lead all others.
    found = [
        each for table in tests for each in differences(table) if not (each.before == UNTRAINED and each.after in apart)
    ]
    left_out = html.about(_LEFT_OUT.format(names=listed(apart), start=start_title(results.settings))) if apart else ""
    return _rule() + left_out + difference_tables(found, lambda name: names.get(name, name)) + _passages(results)


def _rule() -> str:
    return html.about(
        "Paired on the same test examples, all replies of a person taken as one. A difference counts where p, "
        f"corrected within its family by Holm's method, is below {ALPHA:g}; “no difference after correction”: only "
        "the uncorrected one is. Effect size: the mean difference in standard deviations of the differences."
    )


def _passages(results: Results) -> str:
    lines = [line for name in results.trained_with_passages for line in overview.why_passages(results, name)]
    return html.folded("Why passages help or do not", html.bullets(lines)) if lines else ""


def _replies(results: Results) -> str:
    names = system_names(results.settings)
    return (
        html.about(ABOUT_REPLIES)
        + answered_blocks(results.answered_replies, names)
        + dialogue_blocks(results.dialogue_replies, names)
        + answer_blocks(results.answers, names)
    )


def _figures(settings: Parameters, page: Page, place: str, folder: Path) -> str:
    return "\n".join(
        html.figure(record.name, (folder / f"{record.name}.png").read_bytes(), record.caption_of(settings), place)
        for record in on_page(page)
        if record.place == place and (folder / f"{record.name}.png").is_file()
    )


def _shown_figures(settings: Parameters, page: Page, folder: Path) -> str:
    """The figures of the page but the first screen's; those that explain others are folded."""
    rest = _figures(settings, page, "folded", folder)
    return f'<div class="figures">{_figures(settings, page, "open", folder)}</div>' + (
        html.folded("More figures: data, losses, decoding, emotions", f'<div class="figures">{rest}</div>')
        if rest
        else ""
    )


def _origin(results: Results, params: str) -> str:
    return (
        html.folded("Data: sources, licences, checksums", html.table(_data(results.manifests)))
        + html.folded("Parameters", html.preformatted(params))
        + html.folded("Environment", html.table(environment()))
    )


def _of_personas(file: Mapping[str, Any]) -> bool:
    return Path(file["path"]).name == "persona.txt"


def _data(manifests: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per corpus, from its manifest; a persona is no row of a conversation."""
    return pd.DataFrame(
        {"Corpus": corpus_title(each["corpus"])}
        | {name.capitalize(): each[name] for name in ("source", "url", "revision", "licence")}
        | {"Whose text": each["notice"]}
        | {"Rows": sum(file["rows"] for file in each["files"] if not _of_personas(file)), "Bad rows": each["bad_rows"]}
        | {"Turns left out": sum(each["turns_left_out"].values())}
        | {"SHA-256": " ".join(file["sha256"][:12] for file in each["files"])}
        for each in manifests
    )
