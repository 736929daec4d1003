"""Tables for readers: scores with their intervals in one cell, and differences with their verdicts."""

import math
from collections.abc import Callable, Sequence
from html import escape

import pandas as pd

from attune.report import html
from attune.report.differences import Difference, families
from attune.report.scores import ScoreFormat, format_of
from attune.report.tables import keys, records, wide

Name = Callable[[str], str]
# Differences of a family that stand open, the largest effects first.
SHOWN = 3


def score_table(scores: pd.DataFrame, names: Sequence[str], name: Name, reference: str | None = None) -> str:
    """HTML of one row per system, best first by the first score, with the best value of each score in bold.

    scores: tidy. names: the scores shown, without those that no system has. name: a system in words. reference: a
    system that is no competitor, such as the true replies; it stands last and is never the best.
    """
    rows = wide(scores)
    shown = [each for each in names if each in rows and rows[each].notna().any()]
    *places, system = keys(scores)
    if shown:
        ascending = format_of(shown[0]).sense == "lower"
        rows = rows.sort_values(shown[0], ascending=ascending, kind="stable", na_position="last")
    order = [dict.fromkeys(scores[place]) for place in places]
    ranks = [[list(values).index(each) for each in rows[place]] for place, values in zip(places, order, strict=True)]
    last = [each == reference for each in rows[system]]
    rows = rows.iloc[sorted(range(len(rows)), key=lambda at: (last[at], *(rank[at] for rank in ranks)))]
    head = {"System": [name(str(each)) for each in rows[system]]}
    for place in places:
        head |= {place.capitalize(): list(rows[place])}
    return html.table(pd.DataFrame(head | _columns(rows, shown, places, rows[system] == reference)))


def _columns(rows: pd.DataFrame, shown: Sequence[str], places: list[str], apart: pd.Series) -> dict[str, list[object]]:
    groups = rows[places].agg(" ".join, axis="columns") if places else pd.Series("", index=rows.index)
    columns: dict[str, list[object]] = {}
    for score in shown:
        form = format_of(score)
        values = pd.to_numeric(rows[score])
        contest = values.mask(apart)
        best = contest.groupby(groups).transform("min" if form.sense == "lower" else "max")
        winners = (contest == best) & (form.sense is not None) & (len(rows) > 1)
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
    if low is not None and high is not None and not pd.isna(low):
        text += f' <span class="interval">{form.text(low)}–{form.text(high)}</span>'
    return html.Cell(text, value)


def difference_tables(found: Sequence[Difference], name: Name) -> str:
    """HTML of one table per family: what differs most is shown, the rest is folded."""
    parts = []
    for family, members in families(list(found)).items():
        clear = sorted((each for each in members if each.found), key=lambda each: -each.strength)
        rest = [each for each in members if not each.found]
        parts.append(f"<h3>{escape(family[:1].upper() + family[1:])}: {len(clear)} of {len(members)} differ</h3>")
        if clear:
            parts.append(_difference_table(clear[:SHOWN], name))
        if clear[SHOWN:]:
            parts.append(html.folded(f"{len(clear) - SHOWN} more that differ", _difference_table(clear[SHOWN:], name)))
        if rest:
            parts.append(html.folded(f"{len(rest)} without a clear difference", _difference_table(rest, name)))
    return "\n".join(parts)


def _effect(effect: float) -> html.Cell:
    return html.Cell("") if math.isnan(effect) else html.Cell(f"{effect:.2f}".replace("-", "−"), effect)


def _comparison(each: Difference, name: Name) -> str:
    base = each.before == f"base of {each.after}"
    return f"{name(each.after)} against {'its base model' if base else name(each.before)}"


def _difference_table(members: Sequence[Difference], name: Name) -> str:
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
    return html.table(pd.DataFrame(columns))
