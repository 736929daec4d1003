"""The first screen of the report, and its findings."""

from collections.abc import Sequence
from itertools import pairwise

from attune.corpora import dialogue_corpora, ranking_corpus
from attune.corpora.own import ALL, OWN_DATA
from attune.evaluation.ranking.summary import UNTRAINED
from attune.parameters import Parameters
from attune.report import findings
from attune.report.differences import Difference, differences, in_brackets, over_domains
from attune.report.findings import best, scored
from attune.report.names import (
    candidates_title,
    counted,
    listed,
    mean_title,
    ranker_names,
    start_title,
    system_names,
)
from attune.report.provenance import code_version, data_sentence
from attune.report.results import Results
from attune.report.tables import means, records


def summary(results: Results) -> list[str]:
    """The data, the commit, the best ranker, the best generator, and whether persona and passages help."""
    tests = differences(results.generator_tests)
    helps = [*_personas(results, tests), *_passages(results, tests)]
    return [
        data_sentence(results.settings.source, results.manifests),
        f"{code_version()}; seed {results.settings.seed}.",
        best_ranker(results),
        best_generator(results),
        *(helps or ["No generator was tested both with and without a persona or passages."]),
    ]


def best_ranker(results: Results) -> str:
    """The recipe of the highest MRR over the domains of the first subset, beside the best other or untrained model."""
    settings = results.settings.cobert
    subset = settings.subsets[0]
    rows = means(results.ranking)
    mrr = rows[(rows["subset"] == subset) & (rows["score"] == "mrr")].sort_values("value", ascending=False)
    first = next(each for each in records(mrr) if each["model"] in settings.recipes)
    second = next(each for each in records(mrr) if each["model"] != first["model"])
    line = (
        f"Best ranker: CoBERT's recipe {first['model']} ({subset} subset), {scored(first, 'mrr')} among "
        f"{candidates_title(settings)}, {mean_title(settings.domains)}"
    )
    untrained = next(each for each in records(mrr) if each["model"] == UNTRAINED)
    if untrained["value"] >= first["value"]:
        line += f", but no recipe ranks better than {start_title(results.settings)}, {scored(untrained, 'mrr')}"
    for each in over_domains(differences(results.ranking_tests)):
        if each.subset == subset and {each.before, each.after} == {first["model"], second["model"]}:
            return f"{line}; {findings.sentence(each, ranker_names(results.settings))}."
    return f"{line}."


def best_generator(results: Results) -> str:
    """The generator of the lowest perplexity on the conversations, without passages; of each base, as tokens differ.

    It is tested against its base alone, so it may be no better than the next.
    """
    generators, scores = results.settings.generators, results.generator_intervals
    tested = set(scores[scores["score"] == "perplexity"]["system"])
    for corpus in dialogue_corpora():
        by_base: dict[str, list[str]] = {}
        for name in (name for name, each in generators.items() if each.corpus == corpus.name and name in tested):
            by_base.setdefault(generators[name].base, []).append(name)
        title = f"Lowest perplexity on {corpus.title}, without passages"
        lines = (
            _best_of(results, own, f"{title}, from {base}" if len(by_base) > 1 else title)
            for base, own in by_base.items()
        )
        if by_base:
            return " ".join(lines)
    return f"No generator of {listed([corpus.title for corpus in dialogue_corpora()])} was tested."


def _best_of(results: Results, own: Sequence[str], title: str) -> str:
    """The best of the generators `own`, which have one corpus and one base."""
    row = best(results.generator_intervals[results.generator_intervals["system"].isin(own)], "perplexity")
    name = str(row["system"])
    generator = results.settings.generators[name]
    tests = [each for each in differences(results.generator_tests) if each.before == f"base of {name}"]
    prompt = findings.prompt_of_base(generator)
    against = "".join(f"; against its base {prompt} {each.size} {in_brackets(each)}" for each in tests)
    value = scored(row, "perplexity").removeprefix("perplexity ")
    return f"{title}: {system_names(results.settings)[name]}, {value}{against}."


# Where the recipes of params.yaml come from, which stays true where one is changed; an entry of one's own is known to
# who made it.
_RECIPES = {
    "baseline": "after the paper's recipe",
    "tuned": "with the first report's changes and three of ours",
    "attune": "ours",
}
# The keys of a recipe by which its model reads and matches texts before training.
_STARTING = ("matching", "attention_scale", "num_personas", "max_length", "turn_length")
# Most of a lead. Well over half, since the start is known on validation contexts and the lead on test ones.
_MOST = 0.75


def what_is_compared(results: Results) -> str:
    """CoBERT's task and scores, and what its models, subsets and domains are."""
    settings = results.settings
    cobert = settings.cobert
    models = [
        f"{name}, {_RECIPES[name]} (lr {settings.recipe(name)['lr']:g})" for name in cobert.recipes if name in _RECIPES
    ]
    sizes = [f"{_train_size(settings, name)} ({name})" for name in cobert.subsets]
    return (
        f"CoBERT ranks {candidates_title(cobert)} per test context, the right reply among them. MRR: the mean of "
        "1 / its rank (1: always first). Models: "
        f"{'; '.join([start_title(settings), *models])}. Recipes train on "
        f"{' or '.join(sizes)} conversations per domain. {_domains(results)}"
    ).rstrip()


def tested_on(results: Results) -> str:
    """How many contexts of how many responders or, where nobody is named, messages; and how many different ones."""
    rows = results.ranked[results.ranked["subset"] == results.settings.cobert.subsets[0]]
    domains = [(name, each.drop_duplicates("id")) for name, each in rows.groupby("domain", sort=False)]
    unit = "responder" if rows["partner"].fillna("").any() else "message"
    told = [f"{len(each):,} of {name} ({counted(each['cluster'].nunique(), unit)})" for name, each in domains]
    different, all_ = rows["id"].nunique(), sum(len(each) for _, each in domains)
    repeated = f", {different:,} different ones" if different < all_ else ""
    return f"Test contexts: {listed(told)}{repeated}."


def starting_elsewhere(settings: Parameters) -> list[str]:
    """The recipes whose models do not start from the untrained model, which is what the first recipe starts from."""
    names = settings.cobert.recipes
    first, *others = ([settings.recipe(name)[key] for key in _STARTING] for name in names)
    return [name for name, each in zip(names[1:], others, strict=True) if each != first]


def starts(results: Results) -> str:
    """How much of the lead over the untrained model recipes have before training that do not start from it."""
    first, start = results.settings.cobert.recipes[0], start_title(results.settings)
    apart, before = starting_elsewhere(results.settings), _before_training(results)
    if not apart or not {first, *apart} <= set(before):
        return ""
    told = [f"{before[name]:.3f} for {name}" for name in (first, *apart)]
    ahead = [name for name in apart if before[name] - before[first] > _MOST * _lead(results, name) > 0]
    so = f"So most of the lead of {listed(ahead)} over {start} is not learned. " if ahead else ""
    return (
        "Recipes start from different models: before any training, the MRR on validation contexts is "
        f"{listed(told)}. {so}`make studies` tests what training adds (plots/studies.html)."
    )


def _before_training(results: Results) -> dict[str, float]:
    """Each recipe's validation MRR before the first step, the mean over the domains of the first subset."""
    curves = results.cobert_curves
    first = curves[(curves["epoch"] == 0) & (curves["subset"] == results.settings.cobert.subsets[0])]
    return {str(name): float(rows["valid_mrr"].mean()) for name, rows in first.groupby("recipe")}


def _lead(results: Results, name: str) -> float:
    """By how much a recipe's test MRR is above the untrained model's, over the domains of the first subset."""
    rows = means(results.ranking)
    mrr = rows[(rows["subset"] == results.settings.cobert.subsets[0]) & (rows["score"] == "mrr")].set_index("model")
    return float(mrr["value"][name] - mrr["value"][UNTRAINED])


def _train_size(settings: Parameters, subset: str) -> str:
    size = getattr(settings.subsets, subset).train
    return "all" if size is None else f"{size:,}"


def _domains(results: Results) -> str:
    """What the domains stand for: the subreddits of PEC itself, else what follows the data's first sentence, if any."""
    corpus = ranking_corpus()
    notice = next((each["notice"] for each in results.manifests if each["corpus"] == corpus.name), OWN_DATA)
    if notice is None:
        return f"The domains other than {ALL} are subreddits of {corpus.title}."
    return "" if notice.startswith(OWN_DATA) else notice.partition(". ")[2].replace("`", "")


def main_findings(results: Results) -> list[str]:
    """Three to six sentences with numbers, beside the summary's."""
    names, tests = system_names(results.settings), differences(results.generator_tests)
    ranking = over_domains(differences(results.ranking_tests))
    steps = [
        f"Ranking, {subset} subset{'' if place else ' (MRR, 95 % interval, corrected p)'}: "
        f"{_steps(ranking, subset, results.models, ranker_names(results.settings))}."
        for place, subset in enumerate(results.settings.cobert.subsets)
    ]
    return [
        *steps,
        findings.about_bases(tests, results.settings.generators, names),
        findings.about_answers(differences(results.answered_tests), results.answered, names),
    ]


def why_passages(results: Results, name: str) -> list[str]:
    """Why passages help or harm a generator that was trained with them."""
    tests = differences(results.generator_tests)
    return findings.why_passages(results.generator_intervals, tests, name, system_names(results.settings))


def _steps(tests: list[Difference], subset: str, models: list[str], names: findings.Names) -> str:
    """Each recipe against the one before it, over the domains of a subset."""
    pairs = [
        (each, after)
        for before, after in pairwise(models)
        for each in tests
        if (each.subset, each.before, each.after) == (subset, before, after)
    ]
    parts = (
        f"{after} against {names.get(each.before, each.before)} {each.size} {in_brackets(each, False)}: {each.verdict}"
        for each, after in pairs
    )
    return "; ".join(parts)


def _personas(results: Results, tests: list[Difference]) -> list[str]:
    names = system_names(results.settings)
    return [findings.about_personas(tests, name, names) for name in results.also_tested_without_persona]


def _passages(results: Results, tests: list[Difference]) -> list[str]:
    names = system_names(results.settings)
    shown = results.trained_with_passages or results.retrieval_augmented
    lines = (findings.about_passages(tests, name, names) for name in shown)
    return [line for line in lines if line]
