"""The first screen of the report, and its findings."""

from itertools import pairwise

from attune.corpora import dialogue_corpora
from attune.evaluation.generation.comparisons import without_passages
from attune.report import findings
from attune.report.differences import Difference, differences, in_brackets, over_domains
from attune.report.findings import best, scored
from attune.report.names import corpus_title, system_names
from attune.report.provenance import code_version, data_sentence
from attune.report.results import Results
from attune.report.tables import means, records


def summary(results: Results) -> list[str]:
    """The data, the commit, the best ranker, the best generator, and whether persona and passages help."""
    tests = differences(results.generator_tests)
    helps = [*_personas(results, tests), *_passages(results, tests)]
    return [
        data_sentence(results.settings.source, results.manifests),
        f"Code and parameters {code_version()}; seed {results.settings.seed}.",
        best_ranker(results),
        best_generator(results),
        " ".join(helps) or "No generator was evaluated with and without a persona, or passages.",
    ]


def best_ranker(results: Results) -> str:
    """The recipe of the highest MRR over the domains of the first subset, and by how much it beats the next."""
    subset = results.settings.cobert.subsets[0]
    rows = means(results.ranking)
    mrr = rows[(rows["subset"] == subset) & (rows["score"] == "mrr")].sort_values("value", ascending=False)
    first, *others = records(mrr)
    line = (
        f"Best ranker: CoBERT's recipe {first['model']} ({subset} subset), {scored(first, 'mrr')} among "
        f"{results.settings.cobert.candidates} candidates, mean of the domains"
    )
    tests = [each for each in over_domains(differences(results.ranking_tests)) if each.subset == subset]
    second = others[0]["model"] if others else None
    for each in tests:
        if {each.before, each.after} == {first["model"], second}:
            return f"{line}; {findings.sentence(each, {})}."
    return f"{line}."


def best_generator(results: Results) -> str:
    """The generator of the lowest perplexity on the conversations, without passages."""
    names = system_names(results.settings)
    for corpus in dialogue_corpora():
        own = [name for name, each in results.settings.generators.items() if each.corpus == corpus.name]
        rows = results.generator_intervals[results.generator_intervals["system"].isin(own)]
        if (rows["score"] == "perplexity").any():
            row = best(rows, "perplexity")
            line = f"Best generator: {names[row['system']]}, {scored(row, 'perplexity')} on {corpus_title(corpus.name)}"
            tests = [each for each in differences(results.generator_tests) if each.before == f"base of {row['system']}"]
            against = "".join(f"; against the model it starts from {each.size} {in_brackets(each)}" for each in tests)
            return f"{line} without passages{against}."
    return "No generator was trained on conversations."


def main_findings(results: Results) -> list[str]:
    """Three to six sentences with numbers, beside the summary's."""
    names, tests = system_names(results.settings), differences(results.generator_tests)
    ranking = over_domains(differences(results.ranking_tests))
    steps = [_steps(ranking, subset, results.models) for subset in results.settings.cobert.subsets]
    return [
        *steps,
        findings.about_bases(tests, results.settings.generators, names),
        findings.about_answers(differences(results.answered_tests), names),
    ]


def why_passages(results: Results, name: str) -> list[str]:
    """Why passages help or harm a generator that was trained with them."""
    other = without_passages(name, results.settings.generators) or name
    tests = differences(results.generator_tests)
    return findings.why_passages(results.generator_intervals, tests, name, other, system_names(results.settings))


def _steps(tests: list[Difference], subset: str, models: list[str]) -> str:
    """Each recipe against the one before it, over the domains of a subset."""
    pairs = [
        (each, after)
        for before, after in pairwise(models)
        for each in tests
        if (each.subset, each.before, each.after) == (subset, before, after)
    ]
    parts = (
        f"{after} against {each.before} {each.size} {in_brackets(each, False)}: {each.verdict}" for each, after in pairs
    )
    return f"Ranking, {subset} subset (MRR, 95 % interval, corrected p): {'; '.join(parts)}."


def _personas(results: Results, tests: list[Difference]) -> list[str]:
    names = system_names(results.settings)
    return [findings.about_personas(tests, name, names) for name in results.with_personas]


def _passages(results: Results, tests: list[Difference]) -> list[str]:
    names, generators = system_names(results.settings), results.settings.generators
    lines = (findings.about_passages(tests, name, generators, names) for name in results.trained_with_passages)
    return [line for line in lines if line]
