from pathlib import Path
from typing import Any

import pytest

from attune import parameters
from attune.core.files import write_csv, write_json
from attune.report.overview import best_generator, best_ranker, starts, summary, what_is_compared
from attune.report.results import Results
from attune.sources.manifest import Origin, build
from tests.project import changed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """metrics/ and raw/ of one subset and one domain."""
    changed(tmp_path, ("cobert.subsets", ["small"]), ("cobert.domains", ["all"]), ("cobert.recipes", ["attune"]))
    return tmp_path


def ranked(folder: Path, **mrr: float) -> Results:
    """The results of models with these MRRs, of which none differs clearly from another."""
    models = {name: {"mrr": each, "mrr_low": each - 0.1, "mrr_high": each + 0.1} for name, each in mrr.items()}
    write_json(folder / "metrics/cobert_intervals.json", {"small": {"all": models, "mean": models}})
    test: dict[str, Any] = {"difference": -0.05, "low": -0.1, "high": 0.01, "p": 0.2, "effect": 0.1, "p_holm": 0.4}
    where = {"family": "recipes", "subset": "small", "domain": "mean", "score": "mrr"}
    tests = [where | test | {"before": "untrained", "after": "attune"}]
    write_json(folder / "metrics/cobert_tests.json", tests)
    settings = parameters.load(folder / "params.yaml")
    return Results(settings, metrics=folder / "metrics", raw=folder / "raw")


def test_the_best_ranker_is_a_recipe_also_where_none_beats_the_untrained_model(folder: Path) -> None:
    line = best_ranker(ranked(folder, untrained=0.5, attune=0.45))
    assert line.startswith("Best ranker: CoBERT's recipe attune (small subset), MRR 0.450 (0.350 to 0.550) among")
    assert ", but no recipe ranks better than attune before training, MRR 0.500 (0.400 to 0.600); attune and" in line
    assert "attune and attune before training do not differ significantly in MRR" in line
    assert "no recipe" not in best_ranker(ranked(folder, untrained=0.4, attune=0.45))


def test_batches_may_have_fewer_candidates_than_the_parameters_say(folder: Path) -> None:
    changes = ("cobert.drawn_from", "in_batch"), ("cobert.candidates", 50)
    changed(
        folder, ("cobert.subsets", ["small"]), ("cobert.domains", ["all"]), ("cobert.recipes", ["attune"]), *changes
    )
    results = ranked(folder, untrained=0.4, attune=0.45)
    assert " among at most 50 candidates, domain all; " in best_ranker(results)
    assert what_is_compared(results).startswith("CoBERT ranks at most 50 candidates per test context")


@pytest.mark.parametrize(
    ("notice", "told"),
    [
        ("Not PEC: Ann's chats. `all` is hers.", " conversations per domain. all is hers."),
        (None, "The domains other than all are subreddits of PEC."),
        ("Own data, chats. of mine.csv", " conversations per domain."),
    ],
)
def test_domains_are_what_the_data_say(folder: Path, notice: str | None, told: str) -> None:
    write_json(folder / "raw/pec/manifest.json", build("pec", folder, Origin("sample", "", notice=notice), {}, 0))
    text = what_is_compared(ranked(folder, untrained=0.4, attune=0.45))
    assert text.endswith(told)
    assert "Models: attune before training; attune, ours (lr 0.0001). Recipes train" in text


def test_a_recipe_that_was_changed_is_not_called_the_paper_s(folder: Path) -> None:
    changed(folder, ("cobert.subsets", ["small"]), ("cobert.domains", ["all"]), ("lr", 7e-5))
    told = (
        "Models: baseline before training; baseline, after the paper's recipe (lr 7e-05); tuned, "
        "with the first report's changes and three of ours (lr 5e-05); "
    )
    assert told in what_is_compared(ranked(folder, untrained=0.4, attune=0.45))


def test_what_starts_elsewhere_than_the_untrained_model_is_named(folder: Path) -> None:
    keys = (
        ("cobert.subsets", ["small"]),
        ("cobert.domains", ["all"]),
        ("cobert.recipes", ["baseline", "tuned", "attune"]),
    )
    changed(folder, *keys)
    scores = {"untrained": 0.1, "tuned": 0.5, "attune": 0.45}
    before_training(folder, baseline=0.125, tuned=0.375, attune=0.5)
    assert starts(ranked(folder, **scores)) == (
        "Recipes start from different models: before any training, the MRR on validation contexts is 0.125 for "
        "baseline, 0.375 for tuned and 0.500 for attune. So most of the lead of attune over baseline before training "
        "is not learned. `make studies` tests what training adds (plots/studies.html)."
    )
    before_training(folder, baseline=0.125, tuned=0.125, attune=0.25)
    assert "not learned" not in starts(ranked(folder, **scores))
    alike = [(f"recipes.tuned.{key}", value) for key, value in (("attention_scale", 1.0), ("max_length", 256))]
    changed(folder, *keys, *alike)
    assert "is 0.125 for baseline and 0.250 for attune. " in starts(ranked(folder, **scores))


def test_curves_that_do_not_begin_before_training_say_nothing_about_it(folder: Path) -> None:
    changed(
        folder,
        ("cobert.subsets", ["small"]),
        ("cobert.domains", ["all"]),
        ("cobert.recipes", ["baseline", "attune"]),
    )
    for epoch, told in ((0, True), (1, False)):
        before_training(folder, epoch, baseline=0.125, attune=0.5)
        assert bool(starts(ranked(folder, untrained=0.1, attune=0.45))) == told


def before_training(folder: Path, epoch: int = 0, **mrr: float) -> None:
    """Writes learning curves of a single epoch."""
    for name, each in mrr.items():
        curve = [{"epoch": epoch, "train_loss": None, "valid_loss": 3.0, "valid_mrr": each}]
        write_csv(folder / f"metrics/curves/cobert/{name}-small-all.csv", curve)


def test_a_subset_without_a_size_has_all_conversations(folder: Path) -> None:
    results = ranked(folder, untrained=0.4, attune=0.45)
    subsets = results.settings.subsets
    whole = subsets.model_copy(update={"small": subsets.small.model_copy(update={"train": None})})
    settings = results.settings.model_copy(update={"subsets": whole})
    text = what_is_compared(Results(settings, raw=folder / "raw"))
    assert "Recipes train on all (small) conversations per domain." in text


SCORES = {"perplexity": 20.0, "perplexity_low": 15.0, "perplexity_high": 25.0}


@pytest.fixture
def untrained(folder: Path) -> Results:
    """The results of a generator that was not trained, with and without passages."""
    results = ranked(folder, untrained=0.4, attune=0.45)
    settings = results.settings.model_copy(update={"generators": {"p": results.settings.generators["prompted"]}})
    write_json(folder / "metrics/generators_intervals.json", dict.fromkeys(("p", "p+rag"), SCORES))
    test = {"difference": 0.1, "low": 0.05, "high": 0.2, "p": 0.001, "effect": 0.4, "p_holm": 0.002, "score": "loss"}
    pairs = (("base of p", "p"), ("p", "p+rag"))
    tests = [test | {"family": "f", "before": before, "after": after} for before, after in pairs]
    write_json(folder / "metrics/generators_tests.json", tests)
    return Results(settings, metrics=folder / "metrics", raw=folder / "raw")


def test_passages_of_an_untrained_generator_are_told_too(untrained: Results, folder: Path) -> None:
    assert summary(untrained)[-1] == (
        "Passages harm (Zero-shot instruction): perplexity higher, "
        "+10.5 % (95 % interval +5.1 % to +22.1 %, corrected p = 0.0020)."
    )
    write_json(folder / "metrics/generators_intervals.json", {"p": SCORES})
    write_json(folder / "metrics/generators_tests.json", [])
    alone = Results(untrained.settings, metrics=folder / "metrics", raw=folder / "raw")
    assert summary(alone)[-1] == "No generator was tested both with and without a persona or passages."


def test_the_base_of_an_untrained_generator_has_no_instruction(untrained: Results) -> None:
    assert "; against its base without its instruction +10.5 % (95 % " in best_generator(untrained)


def best_of(results: Results, folder: Path, scores: dict[str, float], **bases: str) -> str:
    """The line about generators of these bases with these perplexities."""
    known = results.settings.generators["full"]
    generators = {name: known.model_copy(update={"base": base}) for name, base in bases.items()}
    intervals = {name: dict.fromkeys(SCORES, value) for name, value in scores.items()}
    write_json(folder / "metrics/generators_intervals.json", intervals)
    write_json(folder / "metrics/generators_tests.json", [])
    settings = results.settings.model_copy(update={"generators": generators})
    return best_generator(Results(settings, metrics=folder / "metrics", raw=folder / "raw"))


def test_perplexities_of_different_tokenizers_are_not_compared(folder: Path) -> None:
    results = ranked(folder, untrained=0.4, attune=0.45)
    scores = {"a": 9.0, "b": 12.0, "c": 30.0}
    line = best_of(results, folder, scores, a="small", b="small", c="large")
    assert line == (
        "Lowest perplexity on EmpatheticDialogues, without passages, from small: Full fine-tuning (a), 9.0. "
        "Lowest perplexity on EmpatheticDialogues, without passages, from large: Full fine-tuning (c), 30.0."
    )
    assert best_of(results, folder, scores, a="small", b="small") == (
        "Lowest perplexity on EmpatheticDialogues, without passages: Full fine-tuning (a), 9.0."
    )


def test_the_corpus_without_generators_is_named(folder: Path) -> None:
    results = ranked(folder, untrained=0.4, attune=0.45)
    assert best_of(results, folder, {"c": 9.0}) == "No generator of EmpatheticDialogues was tested."
