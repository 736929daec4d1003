"""What each part of the recipe `attune` is worth: `python -m benchmarks.attune PROCESSED ENCODER`.

Every variant is trained as the recipe is, but for one change, and ranks every distinct validation reply for each
validation context; the difference from the whole recipe is paired over contexts. PROCESSED: a folder of processed PEC
with train.parquet and valid.parquet, such as data/processed/pec/large/happy. One training each: seeds are not varied.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from attune.core.determinism import pin, prepare

VARIANTS: dict[str, dict[str, Any]] = {
    "attune": {},
    "the last turn alone": {"every_turn": False},
    "co-attention alone": {"matching": "co_attention", "score_scale": 0.1, "attention_scale": 0.1},
    "co-attention alone, as sharp as the paper's": {
        "matching": "co_attention",
        "score_scale": 0.1,
        "attention_scale": 1.0,
    },
    "the cosines alone": {"matching": "cosines"},
    "means of all turns and of all persona": {"matching": "bi_encoder", "score_scale": 1.0},
    "no further negatives": {"extra_negatives": 0},
    "no persona": {"num_personas": 0},
    "four layers frozen": {"frozen_layers": 4},
}


def mrr(model: Any, inputs: Any, rows: list[dict[str, Any]]) -> Any:
    """Of each context's reply among all distinct replies of `rows`, an `attune.intervals.Ratio`."""
    from attune.evaluation.ranking.candidates import in_batch
    from attune.evaluation.ranking.evaluate import evaluate
    from attune.metrics.bootstrap import Ratio
    from attune.metrics.ranking import by_example

    return Ratio.mean(by_example(evaluate(model, inputs, rows, in_batch(rows, len(rows), seed=0)))["mrr"])


def main(processed: str, encoder: str) -> None:
    from attune import parameters
    from attune.cobert.model import inputs_for, start
    from attune.cobert.training import train
    from attune.core.files import read_parquet
    from attune.metrics.bootstrap import compare
    from attune.parameters.recipes import resolved

    settings = parameters.load()
    rows = {split: read_parquet(Path(processed) / f"{split}.parquet") for split in ("train", "valid")}
    whole: Any = None
    print(
        "| variant | MRR untrained | trained | difference from attune (95 %) | p | seconds |\n|---|---|---|---|---|---|"
    )
    for name, changes in VARIANTS.items():
        recipe = resolved(settings, "attune") | changes
        pin(recipe["seed"], recipe["threads"])
        model = start(Path(encoder), recipe)
        inputs = inputs_for(model, Path(encoder))
        before = mrr(model, inputs, rows["valid"]).value
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            train(model, rows, inputs, recipe, Path(folder))
        seconds = time.perf_counter() - begun
        found = mrr(model, inputs, rows["valid"])
        whole = whole or found
        test = compare([whole], [found], settings.seed)
        beside = f"{test['difference']:+.3f} ({test['low']:+.3f} to {test['high']:+.3f}) | {test['p']:.3f}"
        print(f"| {name} | {before:.3f} | {found.value:.3f} | {beside} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    prepare()
    main(*sys.argv[1:])
