"""What metrics/power.json holds, made up."""

from typing import Any

PAIR = {"before": "baseline", "after": "tuned"}
SCORES = {"mrr": 0.25, "mrr_low": 0.125, "mrr_high": 0.375}
OUTPERFORM = {
    20: {0.0: (0.66, 0.01), 0.02: (0.42, 0.02), 0.1: (0.02, 0.22)},
    100: {0.0: (0.67, 0.02), 0.02: (0.19, 0.08), 0.1: (0.0, 0.86)},
}
POWER: dict[str, Any] = {
    "interval": [{**PAIR, "contexts": size, "half_width": 1.5 / size**0.5 / 4} for size in (20, 100, 500)],
    "needed": [{**PAIR, "difference": each, "contexts": round(1 / each**2)} for each in (0.02, 0.05, 0.1)],
    "outperform": [
        {
            **PAIR, "contexts": size, "difference": each, "models": 6, "better": 3.5, "at_most_half": half,
            "significant": seen,
        }
        for size, by_difference in OUTPERFORM.items()
        for each, (half, seen) in by_difference.items()
    ],
    "own": {"scores": {"small": {"mean": {"baseline": SCORES, "tuned": SCORES}}}, "tests": []},
}  # fmt: skip
