"""Every figure: its name, its caption, how it is drawn and the page that it stands on.

A new figure is a function in one of the sibling modules and a record here.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib import style as mpl_style
from matplotlib.figure import Figure

from attune.core.files import atomic_folder
from attune.corpora import dialogue_corpora
from attune.report import seeds as seeds_section
from attune.report.everyday import messages
from attune.report.figures import cobert, corpora, generators, power, seeds, style
from attune.report.figures.record import FigureRecord, Page
from attune.report.findings import replies_of
from attune.report.names import (
    candidates_title,
    generator_names,
    mean_title,
    personas_title,
    ranker_names,
    system_names,
)
from attune.report.results import Results
from attune.report.tables import compared, costs, means


def _loss(results: Results) -> Figure:
    return cobert.comparison(_named(results, results.ranking), "loss", f"test loss (nats, {_candidates(results)})")


def _mrr(results: Results) -> Figure:
    scores = _named(results, results.ranking)
    return cobert.comparison(scores, "mrr", f"test MRR ({_candidates(results)})", _chance(results))


def _chance(results: Results) -> float | None:
    """The MRR of a random ranking; None where contexts have different numbers of candidates."""
    settings = results.settings.cobert
    return None if settings.drawn_from == "in_batch" else cobert.chance_mrr(settings.candidates)


def _names(results: Results, generators: Sequence[str] | None = None) -> dict[str, str]:
    """The names in words of these generators, of all by default."""
    names = generator_names(results.settings.generators)
    return {name: names[name] for name in (names if generators is None else generators)}


def _candidates(results: Results) -> str:
    return candidates_title(results.settings.cobert)


def _variants(results: Results, names: Sequence[str]) -> tuple[pd.DataFrame, dict[str, str], str]:
    """What the figures of a generator's variants are drawn from."""
    return results.generator_intervals, _names(results, names), generators.replies_tested(results.generators)


def _answered(results: Results) -> Figure:
    names, size = system_names(results.settings), f"{replies_of(results.answered)} replies of each system"
    return generators.answered(results.answered, generators.ANSWER_SCORES, names, "true replies", size)


def _named(results: Results, scores: pd.DataFrame) -> pd.DataFrame:
    """`untrained` is named as what the first recipe starts from, since the others may start elsewhere."""
    return scores.replace({key: ranker_names(results.settings) for key in ("model", "before", "after")})


def _power(results: Results) -> Figure:
    parts = (pd.DataFrame(results.metrics("power")[name]) for name in ("interval", "needed"))
    return power.contexts(*(_named(results, part) for part in parts))


def _panels(results: Results) -> dict[str, pd.DataFrame]:
    """The matching methods' scores where all are trained and, if that is not everywhere, over all domains."""
    trained, every = results.settings.compare.domains, results.settings.cobert.domains
    rest = {mean_title(every): _named(results, means(results.methods))} if set(trained) != set(every) else {}
    return {mean_title(trained): _named(results, compared(results)), **rest}


def _confusion(results: Results) -> Figure:
    dialogues = results.emotions
    return corpora.confusion(
        results.probe["confusion"], results.probe["accuracy"], dialogues[dialogues["split"] == "train"]
    )


# In the order of the page.
FIGURES = (
    FigureRecord(
        "emotion_distribution",
        "Emotions of the conversations, by split",
        lambda results: corpora.emotion_distribution(
            results.emotions, ", ".join(each.title for each in dialogue_corpora())
        ),
        place="folded",
    ),
    FigureRecord(
        "text_lengths",
        "Lengths of the texts that the models read and write",
        lambda results: corpora.text_lengths(results.lengths),
        place="folded",
    ),
    FigureRecord(
        "training_loss",
        "CoBERT: training (dashed) and validation loss (log scale) and validation MRR by epoch (star: best trained "
        "epoch; a recipe with interpolate, such as attune, may keep less of it, or none). Candidates differ in number: "
        "a batch of replies in training, the whole split in validation. So compare the points of one line only",
        lambda results: cobert.training(results.cobert_curves),
        place="folded",
    ),
    FigureRecord(
        "loss_comparison", "CoBERT: test loss by subset, domain and recipe, with 95 % intervals", _loss, place="folded"
    ),
    FigureRecord(
        "mrr_comparison", "CoBERT: test MRR by subset, domain and recipe, with 95 % intervals", _mrr, place="first"
    ),
    FigureRecord(
        "contexts_needed",
        "CoBERT: how many test contexts it takes to see a difference in MRR",
        _power,
        place="power",
    ),
    FigureRecord(
        "generator_loss",
        "Generators: loss by step. Thick: a few held-out replies; thin: the training batches. The two are different "
        "replies, and a generator trained with passages has them in only about half of its training prompts; so "
        "compare the points of one line only",
        lambda results: generators.training(results.generator_curves, _names(results)),
        place="folded",
        shown=lambda results: [name for name, each in results.settings.generators.items() if each.trains],
    ),
    FigureRecord(
        "generator_perplexity",
        "Generators: perplexity of the test replies, which differ by corpus. Compare each with its own base after the "
        "same prompt; for a generator that is not trained, after the prompt without its instruction",
        lambda results: generators.perplexities(results.generators, _names(results)),
    ),
    FigureRecord(
        "rag_perplexity",
        # An interval is of a single score and covers the draw of test replies; differences are tested on the same ones.
        "Generators: perplexity without and with retrieved passages. Ideal passages: the train exchanges whose replies "
        "are most like the true one. Intervals may overlap although scores differ: see Differences",
        lambda results: generators.passages(*_variants(results, results.retrieval_augmented)),
        shown=lambda results: results.retrieval_augmented,
    ),
    FigureRecord(
        "persona_perplexity",
        "Generators: perplexity with the right persona, none and another one",
        lambda results: generators.personas(*_variants(results, results.also_tested_without_persona)),
        shown=lambda results: results.also_tested_without_persona,
    ),
    FigureRecord(
        "retrieval_beside_generation",
        "Retrieval beside generation: replies to the same contexts, with 95 % intervals where a score has one. Dashed: "
        "the true replies",
        _answered,
    ),
    FigureRecord(
        "decoding_sweep",
        "Decoding: repetition, diversity and similarity to the true reply at each point of the sweep, with 95 % "
        "intervals where a score has one",
        lambda results: generators.sweep(results.decoding, results.best_point, _names(results)),
        place="folded",
    ),
    FigureRecord(
        "emotion_confusion",
        "Emotion probe: how often each emotion of held-out situations is recognised",
        _confusion,
        place="folded",
    ),
    FigureRecord(
        "matching_methods",
        "Ways to match: test MRR with 95 % intervals. The first panel has the domains in which all ways were trained; "
        "the second, if there is one, has all domains, without the ways that only the studies train",
        lambda results: cobert.methods(_panels(results), results.trained_methods, _candidates(results)),
        "studies",
    ),
    FigureRecord(
        "matching_cost",
        "Ways to match: test MRR against cost, the operations in matrix products and attention that it takes to "
        "rank the candidates of one context, once they are encoded (GFLOP: a billion of them). Rings: the Pareto "
        "front, ways that no cheaper one equals. docs/benchmarks.md has a figure of their measured seconds",
        lambda results: cobert.costs(
            costs(_named(results, compared(results))),
            results.trained_methods,
            f"cost: GFLOP to rank one context ({_candidates(results)})",
            0.1,
        ),
        "studies",
    ),
    FigureRecord(
        "persona_ablation",
        "One recipe trained and tested with each number of persona sentences: test MRR with 95 % intervals",
        lambda results: cobert.personas(results.personas, _candidates(results), personas_title(results.settings)),
        "studies",
    ),
    FigureRecord(
        "transfer",
        "CoBERT, recipe {0.transfer.recipe}: test MRR by the domains of training and of testing, with 95 % intervals",
        lambda results: cobert.transfer(results.transfer),
        "studies",
    ),
    FigureRecord(
        "everyday_messages",
        "Replies to everyday messages that are in no corpus: the share of replies that are nearer to their own message "
        "than to any other, and those with the right feeling, glad or troubled, with 95 % intervals. Dashed: the "
        "replies by hand",
        lambda results: generators.answered(
            results.everyday,
            generators.EVERYDAY_SCORES,
            system_names(results.settings),
            "replies by hand",
            f"messages: {messages()}",
        ),
        "studies",
    ),
    FigureRecord(
        "several_seeds",
        "Models trained with several seeds: each seed, and the mean with its 95 % interval over seeds and test units. "
        "The intervals are of single models; the differences between recipes, on the same test contexts, stand under "
        "Several seeds",
        lambda results: seeds.seeds(seeds_section.models(results.metrics("seeds"), _names(results))),
        "studies",
    ),
)


def on_page(page: Page) -> list[FigureRecord]:
    return [figure for figure in FIGURES if figure.page == page]


def draw(page: Page, results: Results, folder: Path) -> list[str]:
    """Write the page's figures as PNG and SVG into a `folder` of their own; returns their names.

    They do not depend on the user's matplotlibrc, which may ask for LaTeX or another style.
    """
    records = [record for record in on_page(page) if record.shown(results)]
    with atomic_folder(folder) as temporary, mpl_style.context("default"):
        for record in records:
            style.save(record.draw(results), temporary, record.name)
    return [record.name for record in records]
