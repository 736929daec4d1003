"""What metrics/seeds.json holds, made up."""

from typing import Any


def estimate(mean: float, *by_seed: float) -> dict[str, Any]:
    seeds = {str(13 + at): value for at, value in enumerate(by_seed)}
    return {"mean": mean, "sd": 0.01, "low": mean - 0.1, "high": mean + 0.1, "by_seed": seeds}


MRR = {"domain": "all", "score": "mrr"}
SEEDS: dict[str, Any] = {
    "seeds": [13, 14, 15],
    "varies": "order",
    "method": "hierarchical bootstrap",
    "ranking": [
        {"model": "tuned", **MRR, **estimate(0.375, 0.35, 0.375, 0.4)},
        {"model": "attune", **MRR, **estimate(0.5, 0.48, 0.5, 0.52)},
        {"before": "tuned", "after": "attune", **MRR, **estimate(0.125, 0.13, 0.125, 0.12)},
    ],
    "generators": [{"model": "full", "score": "perplexity", **estimate(15.5, 15.25, 15.5, 15.75)}],
}
