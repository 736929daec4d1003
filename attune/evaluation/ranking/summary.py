"""Aggregate ranked test rows into scores, intervals and paired tests: by domain, and over all domains.

A ranked row is one context ranked by one model: domain, model, id, cluster, partner, rank, loss, response and first.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import pandas as pd

from attune.core.people import answered, greeting, responder
from attune.core.text import words_hash
from attune.evaluation.comparison import PLACES, Comparison, records
from attune.evaluation.families import by_domain
from attune.evaluation.units import by_unit, enough_clusters
from attune.metrics.bootstrap import FEWEST, PairedTest, compare, interval
from attune.metrics.ranking import by_metric
from attune.metrics.ratio import Ratio, score

Rows = list[dict[str, Any]]
# domain -> model -> score -> its values by unit
Values = Mapping[str, Mapping[str, Mapping[str, Ratio]]]
# The name of the mean over domains.
MEAN = "mean"
# Ends the names of the scores by whom the responder answers, beside those by the responder.
_BY_PARTNER = " by partner"
# The model of the first recipe before training, as the tables call it.
UNTRAINED = "untrained"


def starts(recipes: Sequence[str]) -> dict[str, str]:
    """Each recipe with what the tables call its model before training.

    >>> starts(["baseline", "tuned"])
    {'baseline': 'untrained', 'tuned': 'tuned before training'}
    """
    return {name: f"{name} before training" if place else UNTRAINED for place, name in enumerate(recipes)}


def mean_of(domains: Sequence[str], every: Sequence[str]) -> str:
    """What the mean over `domains` is called beside that over `every` domain, MEAN; a single domain is its own mean.

    >>> mean_of(["all"], ["all", "happy"]), mean_of(["happy", "all"], ["all", "happy"])
    ('all', 'mean')
    """
    if set(domains) == set(every):
        return MEAN
    return domains[0] if len(domains) == 1 else f"mean of {', '.join(domains)}"


def about(context: Mapping[str, Any]) -> dict[str, str]:
    """A test context's id; its cluster: whose reply is ranked or, where nobody is named, what is answered; its partner:
    who is answered, or nothing where nobody is named.

    Own data name nobody, and may have many answers to one message: the `words_hash` of the first turn after a greeting,
    as in clusters of generators' rows.
    """
    opening = context["context"][greeting(context.get("context_speakers", ()))]
    cluster = responder(context) or words_hash(opening)
    return {"id": context["id"], "cluster": cluster, "partner": answered(context)}


def labelled(rows: Iterable[Mapping[str, Any]], **labels: str) -> Rows:
    """The rows with the columns `labels` (model, domain, subset) added."""
    return [{**labels, **row} for row in rows]


def of_model(rows: Rows, subset: str, domain: str, model: str) -> Rows:
    """The rows of one model of a subset and domain."""
    wanted = {"subset": subset, "domain": domain, "model": model}
    return [row for row in rows if wanted.items() <= row.items()]


def values_of(rows: Sequence[Mapping[str, Any]]) -> Values:
    """The scores of each domain and model with their values by unit, in the order of the rows.

    A context is in the same unit in every domain that has it, so that the mean over domains resamples it as one.
    """
    clustered, partners = enough_clusters(rows), len({row["partner"] for row in rows if row["partner"]}) >= FEWEST
    grouped: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for row in rows:
        grouped.setdefault(row["domain"], {}).setdefault(row["model"], []).append(row)
    return {
        domain: {
            model: ratios(each, clustered) | (_by_partner(each) if partners else {}) for model, each in models.items()
        }
        for domain, models in grouped.items()
    }


def _by_partner(rows: Sequence[Mapping[str, Any]]) -> dict[str, Ratio]:
    """The scores by whom the responder answers."""
    people = [row["partner"] or row["id"] for row in rows]
    return {
        f"{name}{_BY_PARTNER}": Ratio.of(
            ((unit, each, 1.0) for unit, each in zip(people, values, strict=True)), _share(name)
        )
        for name, values in by_metric(rows).items()
    }


def either(name: str, ratios: Mapping[str, Ratio]) -> list[str]:
    """The score `name` by each kind of unit that there is: responders, and those whom they answer.

    Two people take part in a context, and each recurs in others.
    """
    return [each for each in (name, f"{name}{_BY_PARTNER}") if each in ratios]


def ratios(rows: Sequence[Mapping[str, Any]], clustered: bool | None = None) -> dict[str, Ratio]:
    """The scores of one model's rows, each a mean over contexts, by unit; clustered: as `evaluation.units` has it."""
    return {
        name: by_unit(rows, "id", values, share=_share(name), clustered=clustered)
        for name, values in by_metric(rows).items()
    }


def _share(name: str) -> bool:
    return name.startswith("r@")


def telling(names: Iterable[str], candidates: int) -> list[str]:
    """The scores without R@k for as many candidates as a context has at most or more, which is 1 for any model.

    >>> telling(["mrr", "r@1", "r@50"], 50)
    ['mrr', 'r@1']
    """
    return [name for name in names if not name.startswith("r@") or int(name[2:]) < candidates]


def _groups(values: Values) -> Iterator[tuple[str, list[str]]]:
    """Each domain alone, then MEAN: all of them."""
    yield from ((domain, [domain]) for domain in values)
    yield MEAN, list(values)


def scores(values: Values, seed: int) -> pd.DataFrame:
    """The scores with their 95 % intervals: columns domain (MEAN is last), model, score, value, low and high.

    low and high are NaN where there is no interval (`metrics.bootstrap.interval`), and hold the intervals by both kinds
    of units (`either`).
    """
    estimates = []
    for group, domains in _groups(values):
        for model, names in values[domains[0]].items():
            for name in (each for each in names if not each.endswith(_BY_PARTNER)):
                kinds = [[values[domain][model][kind] for domain in domains] for kind in either(name, names)]
                low, high = _hull([interval(ratios, seed) for ratios in kinds])
                estimate = {"value": score(kinds[0]), "low": low, "high": high}
                rounded = {key: round(each, PLACES) for key, each in estimate.items()}
                estimates.append({"domain": group, "model": model, "score": name, **rounded})
    return pd.DataFrame(estimates)


def _hull(intervals: Sequence[tuple[float, float] | None]) -> tuple[float, float]:
    """What holds all of them; NaN where one is missing."""
    known = [each for each in intervals if each]
    if len(known) < len(intervals):
        return math.nan, math.nan
    lows, highs = zip(*known, strict=True)
    return min(lows), max(highs)


def comparisons(values: Values, pairs: Iterable[tuple[str, str]], seed: int, family: str) -> list[dict[str, Any]]:
    """Records of the paired tests of MRR, per domain (MEAN is last) and pair of models (before, after).

    Of the tests by each kind of units (`either`), the larger p counts, and the interval holds both. family: of the
    tests of the mean; those of single domains are of its `families.by_domain`. p_holm is not set yet.
    """
    wanted, rows = list(pairs), []
    for group, domains in _groups(values):
        tests = [
            Comparison.of(
                before,
                after,
                "mrr",
                _test(
                    [values[domain][before] for domain in domains], [values[domain][after] for domain in domains], seed
                ),
                family if group == MEAN else by_domain(family),
            )
            for before, after in wanted
        ]
        rows += records(tests, domain=group)
    return rows


def _test(before: Sequence[Mapping[str, Ratio]], after: Sequence[Mapping[str, Ratio]], seed: int) -> PairedTest:
    tests = [
        compare([each[name] for each in before], [each[name] for each in after], seed)
        for name in either("mrr", before[0])
    ]
    low, high = min(test.low for test in tests), max(test.high for test in tests)
    return replace(max(tests, key=lambda test: test.p), low=low, high=high)


def log_line(rows: Rows) -> str:
    """For a log: MRR 0.431 over 100 contexts."""
    return f"MRR {fmean(1 / row['rank'] for row in rows):.3f} over {len(rows)} contexts"
