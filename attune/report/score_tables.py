"""Tables for readers: scores with their intervals in one cell, and differences with their verdicts."""

import math
from collections.abc import Callable, Collection, Sequence

import pandas as pd

from attune.report import html
from attune.report.differences import Difference, families, over_domains
from attune.report.scores import MINUS, ScoreFormat, format_of
from attune.report.tables import keys, records, wide

Name = Callable[[str], str]
# What the rows of a table are, by the column that names them; otherwise systems.
_ROWS = {"domain": "Domain"}


def score_table(scores: pd.DataFrame, names: Sequence[str], name: Name, references: Collection[str] = ()) -> str:
    """HTML of one row per system, best first by the first score, with the best value of each score in bold.

    Systems compete within their place (subset, corpus), where at least two do. scores: tidy. names: the scores shown,
    without those that no system has. name: a system in words. references: systems that are no competitors, such as the
    true replies; they stand last and are never the best.
    """
    if scores.empty:
        return html.table(scores)
    rows = wide(scores)
    shown = [each for each in names if each in rows and rows[each].notna().any()]
    *places, system = keys(scores)
    if shown:
        ascending = format_of(shown[0]).sense == "lower"
        rows = rows.sort_values(shown[0], ascending=ascending, kind="stable", na_position="last")
    order = [dict.fromkeys(scores[place]) for place in places]
    ranks = [[list(values).index(each) for each in rows[place]] for place, values in zip(places, order, strict=True)]
    last = [each in references for each in rows[system]]
    rows = rows.iloc[sorted(range(len(rows)), key=lambda at: (*(rank[at] for rank in ranks), last[at]))]
    head = {_ROWS.get(system, "System"): [name(str(each)) for each in rows[system]]}
    for place in places:
        head |= {place.capitalize(): list(rows[place])}
    return html.table(pd.DataFrame(head | _columns(rows, shown, places, rows[system].isin(references))))


def _columns(rows: pd.DataFrame, shown: Sequence[str], places: list[str], apart: pd.Series) -> dict[str, list[object]]:
    groups = rows[places].agg(" ".join, axis="columns") if places else pd.Series("", index=rows.index)
    columns: dict[str, list[object]] = {}
    for score in shown:
        form = format_of(score)
        values = pd.to_numeric(rows[score])
        contest = values.mask(apart)
        competing = contest.groupby(groups)
        best = competing.transform("min" if form.sense == "lower" else "max")
        winners = (contest == best) & (form.sense is not None) & (competing.transform("count") > 1)
        table = rows.assign(value=values, winner=winners)
        low, high = f"{score}_low", f"{score}_high"
        columns[form.header] = [
            _cell(form, row["value"], row.get(low), row.get(high), bool(row["winner"])) for row in records(table)
        ]
    return columns


def _cell(form: ScoreFormat, value: float, low: float | None, high: float | None, best: bool) -> html.Cell:
    if pd.isna(value):
        return html.Cell("")
    text = f"<b>{form.text(value)}</b>" if best else form.text(value)
    text = text.replace("-", MINUS)
    # An interval without width, as of what is 1 by definition, would claim to be exact.
    if low is not None and high is not None and form.text(low) != form.text(high):
        # A dash between negative numbers would be read as a minus.
        dash = " to " if low < 0 else "–"
        text = html.with_interval(text, f"{form.text(low)}{dash}{form.text(high)}".replace("-", MINUS))
    return html.Cell(text, value)


def difference_tables(found: Sequence[Difference], name: Name) -> str:
    """HTML of the largest effect of each family in one table, and of all its comparisons in a folded one.

    Families of single domains have no row in the first: they repeat what that of the means has.
    """
    leading, folds = [], []
    for family, members in families(list(found)).items():
        clear, rest = ([each for each in members if each.found is wanted] for wanted in (True, False))
        leading += sorted(over_domains(clear), key=lambda each: -each.strength)[:1]
        body = _difference_table(clear, name) if clear else ""
        if rest:
            body += html.folded(f"{len(rest)} without a clear difference", _difference_table(rest, name))
        folds.append(html.folded(f"{_title(family)}: {len(clear)} of {len(members)} differ", body))
    shown = html.about("The largest effect of each family:") + _difference_table(leading, name, True) if leading else ""
    return shown + "\n".join(folds)


def _title(family: str) -> str:
    return family[:1].upper() + family[1:]


def _effect(effect: float) -> html.Cell:
    return html.Cell("") if math.isnan(effect) else html.Cell(f"{effect:.2f}".replace("-", MINUS), effect)


def _comparison(each: Difference, name: Name) -> str:
    base = each.before == f"base of {each.after}"
    return f"{name(each.after)} against {'its base model' if base else name(each.before)}"


def _difference_table(members: Sequence[Difference], name: Name, several_families: bool = False) -> str:
    ordered = sorted(members, key=lambda each: -each.strength)
    columns: dict[str, list[object]] = {"Comparison": [_comparison(each, name) for each in ordered]}
    for place in ("subset", "domain"):
        values = [getattr(each, place) for each in ordered]
        if any(values):
            columns[place.capitalize()] = list(values)
    columns |= {
        "Score": [each.score_title for each in ordered],
        "Difference": [html.Cell(each.size, each.difference) for each in ordered],
        "95 % interval": [html.Cell(each.interval, each.low) for each in ordered],
        "Effect size": [_effect(each.effect) for each in ordered],
        "p": [html.Cell(each.p_text, each.p) for each in ordered],
        "p (Holm)": [html.Cell(each.p_holm_text, each.p_holm) for each in ordered],
        "Verdict": [html.Cell(f'<span class="{each.verdict.split()[0]}">{each.verdict}</span>') for each in ordered],
    }
    if several_families:
        columns["Family"] = [_title(each.family) for each in ordered]
    return html.table(pd.DataFrame(columns))
