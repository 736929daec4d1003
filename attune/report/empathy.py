"""The report's tables about the empathy probes; nothing where there are none."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from attune.evaluation.generation.semantics import EMPATHY
from attune.evaluation.generation.summary import TARGETS
from attune.report import html
from attune.report.score_tables import score_table
from attune.report.scores import format_of

_ABOUT = (
    "Empathy in EPITOME's three mechanisms (Sharma et al. 2020): the replies' mean expected level, 0 (absent) to 2 "
    "(strong), with 95 % intervals. The probes were trained on posts and replies of Reddit's peer support; how they do "
    "on posts that they were not trained on, beside always guessing the commonest level (chance), comes first."
)


def part(probe: Mapping[str, Any], name: Callable[[str], str], *scores: pd.DataFrame) -> str:
    """HTML of the probes' quality, and of the levels in each tidy table of scores, folded; empty without probes.

    name: a system in words.
    """
    if "empathy" not in probe:
        return ""
    levels = [score_table(each[each["score"].isin(EMPATHY)], EMPATHY, name, [TARGETS]) for each in scores]
    return html.folded("Empathy", html.about(_ABOUT) + html.table(_quality(probe["empathy"])) + "".join(levels))


def _quality(probes: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """One row per mechanism."""
    return pd.DataFrame(
        {
            "Mechanism": format_of(mechanism).title,
            "Accuracy": html.Cell(_accuracy(each), each["accuracy"]),
            "Chance accuracy": each["chance_accuracy"],
            "F1 (macro)": each["f1"],
            "Chance F1": each["chance_f1"],
            "Replies": each["replies"],
        }
        for mechanism, each in probes.items()
    )


def _accuracy(quality: Mapping[str, float]) -> str:
    """HTML, with the interval, which the probe of a few posts has not."""
    text = f"{quality['accuracy']:.3f}"
    if "accuracy_low" not in quality:
        return text
    return html.with_interval(text, f"{quality['accuracy_low']:.3f}–{quality['accuracy_high']:.3f}")
