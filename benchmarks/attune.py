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

from attune.determinism import pin, prepare

VARIANTS: dict[str, dict[str, Any]] = {
    "attune": {},
    "the last turn alone": {"every_turn": False},
    "co-attention instead of the cosines": {"matching": "co_attention", "score_scale": 0.1},
    "means of all turns and of all persona": {"matching": "bi_encoder", "score_scale": 1.0},
    "no further negatives": {"extra_negatives": 0},
    "co-attention beside the cosines": {"matching": "joint"},
}


def ranks(model: Any, inputs: Any, rows: list[dict[str, Any]]) -> dict[str, float]:
    """Each context's reciprocal rank among all distinct replies of `rows`."""
    from attune.candidates import in_batch
    from attune.cobert.evaluation import evaluate
    from attune.scores import by_example

    return by_example(evaluate(model, inputs, rows, in_batch(rows, len(rows), seed=0)))["mrr"]


def main(processed: str, encoder: str) -> None:
    from attune import parameters
    from attune.cobert.model import inputs_for, start
    from attune.cobert.training import train
    from attune.files import read_parquet
    from attune.intervals import compare, mean
    from attune.recipes import resolved

    settings = parameters.load()
    rows = {split: read_parquet(Path(processed) / f"{split}.parquet") for split in ("train", "valid")}
    whole: dict[str, float] | None = None
    print(
        "| variant | MRR untrained | trained | difference from attune (95 %) | p | seconds |\n|---|---|---|---|---|---|"
    )
    for name, changes in VARIANTS.items():
        recipe = resolved(settings, "attune") | changes
        pin(recipe["seed"], recipe["threads"])
        model = start(Path(encoder), recipe)
        inputs = inputs_for(model, Path(encoder))
        before = mean([ranks(model, inputs, rows["valid"])])
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            train(model, rows, inputs, recipe, Path(folder))
        seconds = time.perf_counter() - begun
        found = ranks(model, inputs, rows["valid"])
        whole = whole or found
        test = compare([whole], [found], settings.seed)
        beside = f"{test['difference']:+.3f} ({test['low']:+.3f} to {test['high']:+.3f}) | {test['p']:.3f}"
        print(f"| {name} | {before:.3f} | {mean([found]):.3f} | {beside} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    prepare()
    main(*sys.argv[1:])
