"""The report's section about text that test sets share with train sets and retrieval banks."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from attune.report import html
from attune.report.names import corpus_title, listed
from attune.report.scores import MINUS, format_of

HEADING = "Test text in the training data"
_ABOUT = (
    "A test example overlaps where any run of {n} words of its context and reply also occurs in the train set; it is "
    "mostly contained where at least {mostly:.0f} % of its runs do. The former is GPT-3's measure (Brown et al. 2020, "
    "appendix C), the latter PaLM's (Chowdhery et al. 2022, section 8). Turns of fewer than {n} words cannot overlap."
)
_SPLIT = (
    "Scores of the test examples that overlap and of the others, by their replies, for the test sets whose scored "
    "replies are of both kinds. "
    "Gain: by how many nats per token a generator is better than its untrained base. A larger gain on "
    "overlapping examples may be memory; the difference is not tested. n: the people, situations or else conversations "
    "that the intervals draw from; with fewer than six there is no interval."
)
_NONE_SPLIT = "In no test set do some scored replies overlap and others not."


def section(found: Mapping[str, Any], names: Mapping[str, str]) -> tuple[str, str]:
    """Heading and HTML body; found: what the stage contamination wrote. names: systems in words."""
    overlaps = pd.DataFrame(found["overlaps"])
    about = f"<p>{_ABOUT.format(n=found['n'], mostly=100 * found['mostly'])}</p>"
    return HEADING, (
        f"<p>{escape(_sentence(overlaps, found['n']))}</p>"
        + html.folded("Each test set", about + html.table(_own(overlaps)))
        + html.folded("Each test set against each train set and retrieval bank", html.table(_matrix(overlaps)))
        + html.folded("Scores by overlap", f"<p>{_SPLIT}</p>" + _splits([*found["ranking"], *found["losses"]], names))
    )


def _sentence(overlaps: pd.DataFrame, n: int) -> str:
    """How much of each test set stands in its own train set; test sets of which nothing does are counted, and those
    whose turns are all too short for a run are named.
    """
    own = overlaps[overlaps["test"] == overlaps["source"]]
    some = own[own["example"] > 0].sort_values("example", ascending=False)
    shares = [f"{_percent(row['example'])} % of {_title(row['test'])}" for row in some.to_dict("records")]
    short = [_title(test) for test in own[own["rows_with_ngrams"] == 0]["test"]]
    none = len(own) - len(some) - len(short)
    shares += [f"none of {none} {'other ' if shares else ''}test set{'s' * (none > 1)}"] if none else []
    told = [f"Test examples that share a run of {n} words with their train set: {', '.join(shares)}."] if shares else []
    told += [line] if (line := _across(overlaps)) else []
    told += [f"No test example of {listed(short)} has a turn of {n} words, which could be shared."] if short else []
    return " ".join(told)


def _across(overlaps: pd.DataFrame) -> str:
    """Which train sets of other corpora have text of more than one in a hundred examples of a test set."""
    kinds = overlaps["test"].str.split("/").str[0], overlaps["source"].str.split("/").str[0]
    known = overlaps[(kinds[0] != kinds[1]) & (kinds[1] != "index") & (overlaps["example"] > 0.01)]
    shares = [
        f"{_percent(row['example'])} % of {_title(row['test'])} with {_title(row['source'])}"
        for row in known.to_dict("records")
    ]
    return f"Across corpora: {', '.join(shares)}; do not test a model of one on the other." if shares else ""


def _own(overlaps: pd.DataFrame) -> pd.DataFrame:
    """One row per test set: how much of it stands in its own train set."""
    return pd.DataFrame(
        {
            "Test set": _title(row["test"]),
            "Test examples": row["rows"],
            "Overlap with the train set (%)": _share(row["example"]),
            "By their reply (%)": _share(row["reply"]),
            "Mostly contained in it (%)": _share(row["mostly_contained"]),
        }
        for row in overlaps[overlaps["test"] == overlaps["source"]].to_dict("records")
    )


def _matrix(overlaps: pd.DataFrame) -> pd.DataFrame:
    """One row per test set, one column per train set or bank: the overlapping examples in percent."""
    table = overlaps.assign(example=overlaps["example"].map(_share)).pivot(
        index="test", columns="source", values="example"
    )
    table = table[overlaps["source"].unique()].rename(index=_title, columns=lambda name: f"{_title(name)} (%)")
    return table.rename_axis(index="Test set", columns=None).reset_index()


def _splits(records: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    table = _split(records, names)
    return f"<p>{_NONE_SPLIT}</p>" if table.empty else html.table(table)


def _percent(share: float) -> str:
    """A share in whole percent, and one that is not 0 never as 0."""
    return "under 1" if 0 < share < 0.005 else f"{100 * share:.0f}"


def _share(share: float) -> html.Cell:
    return html.Cell(_percent(share), share)


def _split(records: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "System": names.get(each["system"], each["system"]),
            "Test set": _title(each["test"]),
            "Score": format_of(each["score"]).title,
            "Overlapping": _cell(each, "overlapping"),
            "Others": _cell(each, "other"),
        }
        for each in records
        if each["split"] == "reply" and each["overlapping_units"] and each["other_units"]
    )


def _cell(row: Mapping[str, Any], part: str) -> html.Cell:
    """A score with its interval, where it has one, and with the number of units."""
    form = format_of(row["score"])
    value, *ends = (
        form.text(row[f"{part}{end}"]).replace("-", MINUS) for end in ("", "_low", "_high") if f"{part}{end}" in row
    )
    units = row[f"{part}_units"]
    # Gains may be negative, and a dash between negative numbers would be read as a minus.
    about = ", ".join([*([" to ".join(ends)] if ends else []), f"n = {units}"])
    return html.Cell(html.with_interval(value, about), row[part])


def _title(name: str) -> str:
    """A test set, train set or bank in words; name: the path of its folder."""
    kind, *rest = name.split("/")
    if kind == "index":
        return f"Bank of {corpus_title(rest[0])}"
    return ", ".join([corpus_title(kind), *rest])
