"""The report's lines about the empathy probes; nothing where there are none."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from attune.evaluation.generation.semantics import EMPATHY
from attune.report import html
from attune.report.tables import keys, wide

_ABOUT = (
    "Empathy in EPITOME's three mechanisms (Sharma et al. 2020): the replies' mean expected level, 0 (absent) to 2 "
    "(strong), with 95 % intervals. The probes were trained on posts and replies of Reddit's peer support; how they do "
    "on posts that they were not trained on, beside always guessing the commonest level (chance), comes first."
)


def part(probe: Mapping[str, Any], *scores: pd.DataFrame) -> str:
    """HTML of the probes' quality, and of the levels in each tidy table of scores, folded; empty without probes."""
    if "empathy" not in probe:
        return ""
    quality = pd.DataFrame([{"mechanism": name, **values} for name, values in probe["empathy"].items()])
    columns = [f"{mechanism}{end}" for mechanism in EMPATHY for end in ("", "_low", "_high")]
    levels = [html.table(wide(each).reindex(columns=[*keys(each), *columns])) for each in scores]
    return html.folded("Empathy", f"{html.about(_ABOUT)}{html.table(quality)}{''.join(levels)}")
