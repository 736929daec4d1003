"""What the studies found, in a few sentences."""

from attune.report.differences import Difference, differences, in_brackets
from attune.report.findings import best, scored
from attune.report.results import Results
from attune.report.tables import means


def findings_of(results: Results) -> list[str]:
    """The best way to match, the worth of the persona and of its sentences, transfer, and the whole bank."""
    return [_methods(results), _persona_use(results), _sentences(results), _transfer(results), _bank(results)]


def _methods(results: Results) -> str:
    rows = means(results.methods)
    first = best(rows, "mrr")
    untrained = best(rows[~rows["model"].isin(results.trained_methods)], "mrr")
    line = (
        f"Best way to match: {first['model']}, {scored(first, 'mrr')}, mean of the domains; best without training: "
        f"{untrained['model']}, {scored(untrained, 'mrr')}"
    )
    pair = {first["model"], untrained["model"]}
    for each in differences(means(results.method_tests)):
        if {each.before, each.after} == pair:
            return f"{line}. {_told(each)}."
    return f"{line}."


def _persona_use(results: Results) -> str:
    found = differences(means(results.persona_use_tests))
    better = [each for each in found if each.better]
    worse = [each for each in found if each.worse]
    return (
        f"Persona in ranking: of {len(found)} comparisons with no or another's persona, the own one is better in "
        f"{len(better)} and worse in {len(worse)}{_listed(better + worse)}."
    )


def _sentences(results: Results) -> str:
    found = differences(results.persona_tests)
    better, worse = ([each for each in found if getattr(each, word)] for word in ("better", "worse"))
    return (
        f"Persona sentences: against {found[0].before}, MRR is better with {len(better)} and worse with {len(worse)} "
        f"of {len(found)} other numbers{_listed(better + worse)}."
    )


def _transfer(results: Results) -> str:
    rows = results.transfer[results.transfer["score"] == "mrr"]
    own = rows[rows["trained"] == rows["tested"]].set_index("tested")["value"]
    others = rows[rows["trained"] != rows["tested"]]
    lower = sum(row["value"] < own[row["tested"]] for row in others.to_dict("records"))
    return f"Transfer: of {len(others)} models tested on another domain, {lower} score below the model of that domain."


def _bank(results: Results) -> str:
    rows = results.retrieval
    return (
        f"Retrieval from the whole bank: the shortlist holds the true reply in {100 * rows['recall'].min():.0f} to "
        f"{100 * rows['recall'].max():.0f} % of the contexts; reranking by CoBERT changes the MRR from "
        f"{rows['mrr_index'].mean():.3f} to {rows['mrr_reranked'].mean():.3f} (means of the domains)."
    )


def _listed(found: list[Difference]) -> str:
    """The largest of the differences, in brackets."""
    return f" (most: {_told(max(found, key=lambda each: abs(each.difference)))})" if found else ""


def _told(each: Difference) -> str:
    return f"{each.after} against {each.before}: {each.size} {in_brackets(each)}, {each.verdict}"
