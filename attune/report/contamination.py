"""The report's section about text that test sets share with train sets and retrieval banks."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from attune.report import html

HEADING = "Does test text also stand in the training data?"
_ABOUT = (
    "A test example overlaps where any run of {n} words of its reply (<code>reply</code>), or of its context and reply "
    "(<code>example</code>), also stands in the train set; it is mostly contained where at least {mostly:.0f} % of its "
    "runs do. The former is GPT-3's measure (Brown et al. 2020, appendix C), the latter PaLM's (Chowdhery et al. 2022, "
    "section 8). Turns of fewer than {n} words cannot overlap."
)
_SPLIT = (
    "Scores of the test examples that overlap and of the others, by their replies, for the test sets that have both. "
    "<code>gain</code> is by how many nats per token a generator is better than its untrained base: where it is larger "
    "for what overlaps, part of it is memory."
)


def section(found: Mapping[str, Any]) -> tuple[str, str]:
    """Heading and HTML body; found: what the stage contamination wrote."""
    overlaps = pd.DataFrame(found["overlaps"])
    return HEADING, (
        f"<p>{_ABOUT.format(n=found['n'], mostly=100 * found['mostly'])}</p>"
        + html.bullets(_sentences(overlaps))
        + "<h3>Share of each test set's examples that overlap (reply or context) with each train set and bank</h3>"
        + html.table(_matrix(overlaps))
        + f"<h3>Scores by overlap</h3><p>{_SPLIT}</p>"
        + html.table(_split([*found["ranking"], *found["losses"]]))
    )


def _sentences(overlaps: pd.DataFrame) -> list[str]:
    """One per test set: how much of it stands in its own train set."""
    return [
        f"{row['test']}: of {row['rows']} test examples, {100 * row['example']:.0f} % overlap with the train set, "
        f"{100 * row['reply']:.0f} % by their reply; {100 * row['mostly_contained']:.0f} % are mostly contained in it"
        for row in overlaps[overlaps["test"] == overlaps["source"]].to_dict("records")
    ]


def _matrix(overlaps: pd.DataFrame) -> pd.DataFrame:
    """One row per test set, one column per train set or bank."""
    table = overlaps.pivot(index="test", columns="source", values="example")
    return table[overlaps["source"].unique()].reset_index()


def _split(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    both = [each for each in records if each["split"] == "reply" and each["overlapping_units"] and each["other_units"]]
    columns = ["test", "system", "score"]
    for name in ("overlapping", "other"):
        columns += [f"{name}_units", name, f"{name}_low", f"{name}_high"]
    return pd.DataFrame(both).reindex(columns=columns)
