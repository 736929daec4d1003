"""What the studies found, in a few sentences."""

from attune.evaluation.families import TRAINED_WAYS, TRAINING_ADDS, WITHOUT_TRAINING
from attune.report import everyday
from attune.report.differences import Difference, differences, in_brackets, over_domains
from attune.report.findings import best, scored
from attune.report.names import mean_title, personas_title, ranking_name, sentences_title, way_title
from attune.report.results import Results
from attune.report.scores import signed
from attune.report.tables import compared, means


def findings_of(results: Results) -> list[str]:
    """CoBERT beside no training, ways to match, the worth of personas, transfer, the bank, everyday messages.

    Without what the settings and the data leave nothing to say about.
    """
    lines = [
        without_training(results),
        what_training_adds(results),
        _methods(results),
        _persona_use(results),
        _sentences(results),
        transfer(results),
        bank(results),
        everyday.finding(results),
    ]
    return [line for line in lines if line]


def without_training(results: Results) -> str:
    """The last of CoBERT's recipes against every way to match that takes no training, over all domains."""
    found = [each for each in over_domains(differences(results.method_tests)) if each.family == WITHOUT_TRAINING]
    better, worse = ([each for each in found if getattr(each, word)] for word in ("better", "worse"))
    nearest = min(found, key=lambda each: each.difference)
    title = _ranked_over(results)
    best_way = (
        f"the best of them, {way_title(nearest.before, results.settings)}, is {nearest.size} {in_brackets(nearest)}."
    )
    if not better and not worse:
        return (
            f"No difference was found between {ranking_name(nearest.after)} and any of {len(found)} ways to match "
            f"without training (MRR, {title}). The difference from {best_way}"
        )
    ways = (
        f"all {len(found)} ways to match without training"
        if len(better) == len(found)
        else f"{len(better) or 'none'} of {len(found)} ways to match without training and worse than "
        f"{len(worse) or 'none'} of them"
    )
    return (
        f"{ranking_name(nearest.after)} is better than {ways} (MRR, {title}). Its difference from {best_way} "
        f"{_against_its_start(results, nearest.after)}"
    )


def _against_its_start(results: Results, recipe: str) -> str:
    """Whether a recipe ranks better than its model before training, which is none of the ways without training."""
    found = over_domains(differences(results.method_tests))
    (each,) = (each for each in found if (each.family, each.after) == (TRAINING_ADDS, recipe))
    rows = means(results.methods)
    mrr = rows[(rows["model"] == each.before) & (rows["score"] == "mrr")]["value"].item()
    start = f"{way_title(each.before, results.settings)} ({mrr:.3f})"
    return (
        f"{ranking_name(recipe)} is {each.verdict} than {start}." if each.found else f"Against {start}: {each.verdict}."
    )


def _ranked_over(results: Results) -> str:
    """What the scores that are compared without training are of: "large subset, mean of domains"."""
    cobert = results.settings.cobert
    domains = "mean of domains" if len(cobert.domains) > 1 else mean_title(cobert.domains)
    return f"{cobert.subsets[0]} subset, {domains}"


def what_training_adds(results: Results) -> str:
    """Each of CoBERT's recipes against its model before training, over all domains."""
    found = [each for each in over_domains(differences(results.method_tests)) if each.family == TRAINING_ADDS]
    gains = "; ".join(f"{ranking_name(each.after)} {each.size} {in_brackets(each)}, {each.verdict}" for each in found)
    return f"What training adds to each recipe (MRR, {_ranked_over(results)}): {gains}."


def _methods(results: Results) -> str:
    rows = compared(results)
    ours = best(rows[rows["model"].isin(results.settings.cobert.recipes)], "mrr")
    others = rows[rows["model"].isin(results.settings.compare.recipes)]
    line = (
        f"Trained ways to match ({mean_title(results.settings.compare.domains)}): the best of CoBERT's recipes is "
        f"{ranking_name(ours['model'])}, {scored(ours, 'mrr')}"
    )
    if others.empty:
        return f"{line}."
    other = best(others, "mrr")
    line += f"; the best of the others {ranking_name(other['model'])}, {scored(other, 'mrr')}"
    for each in differences(results.method_tests):
        if each.family == TRAINED_WAYS and (each.before, each.after) == (other["model"], ours["model"]):
            return f"{line}. {_told(each)}."
    return f"{line}."


def _persona_use(results: Results) -> str:
    if results.persona_use.empty:
        return ""
    found = differences(means(results.persona_use_tests))
    better = [each for each in found if each.better]
    worse = [each for each in found if each.worse]
    return (
        f"Persona in ranking: of {len(found)} comparisons with no persona or another person's, the responder's own is "
        f"better in {len(better) or 'none'} and worse in {len(worse) or 'none'}{_listed(better + worse)}."
        f"{_with_persona(results)}"
    )


def _with_persona(results: Results) -> str:
    """How many test contexts have a persona, if not all do."""
    rows = results.persona_use.set_index("score")["value"]
    if "contexts_without_persona" not in rows:
        return ""
    told, untold = (int(rows[[name]].iloc[0]) for name in ("contexts", "contexts_without_persona"))
    return f" Measured on the {told} of {told + untold} test contexts that have a persona."


def _sentences(results: Results) -> str:
    found = differences(results.persona_tests)
    if not found:
        return ""
    title, fewest = personas_title(results.settings), sentences_title(found[0].before)
    if len(found) == 1:
        (only,) = found
        told = f"{only.after} against {fewest}, {only.size} MRR {in_brackets(only)}, {only.verdict}"
    else:
        better, worse = ([each for each in found if getattr(each, word)] for word in ("better", "worse"))
        told = (
            f"of {len(found)} numbers compared with {fewest}, {len(better) or 'none'} rank better and "
            f"{len(worse) or 'none'} worse{_listed(better + worse)}"
        )
    return f"Number of persona sentences ({title}): {told}."


def transfer(results: Results) -> str:
    """How far models of other domains are from that of the test's own."""
    rows = results.transfer[results.transfer["score"] == "mrr"]
    own = rows[rows["trained"] == rows["tested"]].set_index("tested")["value"]
    others = rows[rows["trained"] != rows["tested"]]
    if others.empty:
        return ""
    recipe = ranking_name(results.settings.transfer.recipe)
    apart = [row["value"] - own[row["tested"]] for row in others.to_dict("records")]
    return (
        f"Transfer of {recipe}: on a domain other than its own, a model's MRR differs by {signed(min(apart), 3)} to "
        f"{signed(max(apart), 3)} from that of the model that was trained on it ({len(others)} pairs; whether they "
        "differ is not tested)."
    )


def bank(results: Results) -> str:
    """What the shortlist holds of all replies, and how they rank before and after CoBERT's recipe reranks them."""
    scores, recipe = results.retrieval.set_index("domain"), ranking_name(results.settings.retrieval.recipe)
    mean = scores.groupby("score")["value"].mean()
    whole = list(scores.index[scores["score"] == "all_reranked"])
    recall = scores[scores["score"] == "recall"]["value"].drop(whole)
    parts = []
    if len(recall):
        lowest, highest = (f"{100 * each:.0f}" for each in (recall.min(), recall.max()))
        share = f"{highest} %" if lowest == highest else f"{lowest} to {highest} %"
        parts.append(f"the shortlist holds the true reply in {share} of the contexts")
    if whole:
        parts.append(f"all of them are reranked where there are no more than the shortlist holds ({', '.join(whole)})")
    return (
        f"Retrieval from all replies of the test split: {'; '.join(parts)}; the MRR is "
        f"{mean['mrr_index']:.3f} in the index's order and {mean['mrr_reranked']:.3f} in {recipe}'s "
        f"({'means of the domains, ' if scores.index.nunique() > 1 else ''}untested; their intervals are below)."
    )


def _listed(found: list[Difference]) -> str:
    """The largest of the differences, in brackets."""
    if not found:
        return ""
    most = "most: " if len(found) > 1 else ""
    return f" ({most}{_told(max(found, key=lambda each: abs(each.difference)))})"


def _told(each: Difference) -> str:
    after, before = ranking_name(each.after), ranking_name(each.before)
    return f"{after} against {before}: {each.size} {in_brackets(each)}, {each.verdict}"
