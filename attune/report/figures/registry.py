"""Every figure: its name, its caption, how it is drawn and the page that it stands on.

A new figure is a function in one of the sibling modules and a record here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
from matplotlib.figure import Figure

from attune.core.files import atomic_folder
from attune.report import seeds as seeds_section
from attune.report.figures import cobert, corpora, generators, power, seeds, style
from attune.report.results import Results
from attune.report.tables import by_domain

Page = Literal["report", "studies"]


@dataclass(frozen=True)
class FigureRecord:
    """`name` is the figure's file name without suffix; `caption` stands below it on its page."""

    name: str
    caption: str
    draw: Callable[[Results], Figure]
    page: Page = "report"


def _loss(results: Results) -> Figure:
    return cobert.comparison(by_domain(results.ranking), "loss", f"test loss (nats, {_candidates(results)} candidates)")


def _mrr(results: Results) -> Figure:
    label, chance = f"test MRR ({_candidates(results)} candidates)", cobert.chance_mrr(_candidates(results))
    return cobert.comparison(by_domain(results.ranking), "mrr", label, chance)


def _candidates(results: Results) -> int:
    return results.settings.cobert.candidates


# The scores by which retrieved and written replies are shown.
ANSWER_SCORES = {
    "similarity": "similarity to the true reply",
    "emotion_match": "emotion match",
    "self_bleu": "self-BLEU (less: more varied)",
}
# In the order of the page.
FIGURES = (
    FigureRecord(
        "emotion_distribution",
        "Emotions of the conversations, by split",
        lambda results: corpora.emotion_distribution(results.emotions, results.emotion_corpora),
    ),
    FigureRecord(
        "text_lengths",
        "Lengths of the texts that the models read and write",
        lambda results: corpora.text_lengths(results.lengths),
    ),
    FigureRecord(
        "training_loss",
        "CoBERT: training and validation loss by epoch",
        lambda results: cobert.training(results.cobert_curves),
    ),
    FigureRecord("loss_comparison", "CoBERT: test loss by subset, domain and recipe, with 95 % intervals", _loss),
    FigureRecord("mrr_comparison", "CoBERT: test MRR by subset, domain and recipe, with 95 % intervals", _mrr),
    FigureRecord(
        "contexts_needed",
        "CoBERT: half the width of the 95 % interval of a difference in MRR, and the contexts that a difference needs",
        lambda results: power.contexts(
            *(pd.DataFrame(results.metrics("power")[key]) for key in ("interval", "needed"))
        ),
    ),
    FigureRecord(
        "generator_loss",
        "Generators: training and validation loss by step",
        lambda results: generators.training(results.generator_curves),
    ),
    FigureRecord(
        "generator_perplexity",
        "Generators: perplexity of the test replies, beside that of the untrained base models",
        lambda results: generators.perplexities(results.generators, list(results.settings.generators)),
    ),
    FigureRecord(
        "rag_perplexity",
        "Generators: perplexity without and with retrieved passages, with 95 % intervals",
        lambda results: generators.passages(results.generator_intervals, results.retrieval_augmented),
    ),
    FigureRecord(
        "persona_perplexity",
        "Generators: perplexity with the right persona, none and another one, with 95 % intervals",
        lambda results: generators.personas(results.generator_intervals, results.with_personas),
    ),
    FigureRecord(
        "retrieval_beside_generation",
        "Retrieval beside generation: replies to the same contexts, with 95 % intervals where a score has one",
        lambda results: generators.answered(results.answered, ANSWER_SCORES),
    ),
    FigureRecord(
        "decoding_sweep",
        "Decoding: repetition against diversity at each point of the sweep",
        lambda results: generators.sweep(results.decoding, results.best_point),
    ),
    FigureRecord(
        "emotion_confusion",
        "Emotion probe: predicted and true emotions of held-out situations",
        lambda results: corpora.confusion(results.probe["confusion"], results.probe["accuracy"]),
    ),
    FigureRecord(
        "matching_methods",
        "Matching methods: test MRR with 95 % intervals",
        lambda results: cobert.methods(results.methods, results.trained_methods, _candidates(results)),
        "studies",
    ),
    FigureRecord(
        "persona_ablation",
        "CoBERT: test MRR by the number of persona sentences, with 95 % intervals",
        lambda results: cobert.personas(results.personas, _candidates(results)),
        "studies",
    ),
    FigureRecord(
        "transfer",
        "CoBERT: test MRR by the domains of training and of testing, with 95 % intervals",
        lambda results: cobert.transfer(results.transfer),
        "studies",
    ),
    FigureRecord(
        "several_seeds",
        "Models trained with several seeds: each seed, and the mean with its 95 % interval over seeds and test units",
        lambda results: seeds.seeds(seeds_section.models(results.metrics("seeds"))),
        "studies",
    ),
)


def on_page(page: Page) -> list[FigureRecord]:
    return [figure for figure in FIGURES if figure.page == page]


def draw(page: Page, results: Results, folder: Path) -> list[str]:
    """Write the page's figures as PNG and SVG into a `folder` of their own; returns their names."""
    records = on_page(page)
    with atomic_folder(folder) as temporary:
        for record in records:
            style.save(record.draw(results), temporary, record.name)
    return [record.name for record in records]
