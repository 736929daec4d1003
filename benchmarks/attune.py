"""Ablation of the recipe `attune`: `python -m benchmarks.attune DATA ENCODER`.

Every variant changes one part of the recipe, is trained once (seeds are not varied) and ranks all distinct test replies
for each test context; differences from the full recipe are paired over units (people, where there are enough). The
validation split has no part in that, since the training chooses by it. DATA: a folder with train.parquet, valid.parquet
and test.parquet, such as data/processed/pec/large/happy.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attune.core.determinism import pin, prepare
from tools import described

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
    "turns and replies of 30 word pieces": {"turn_length": 30},
    "means of all turns and of all persona": {"matching": "bi_encoder", "score_scale": 1.0},
    "no persona": {"num_personas": 0},
    "no extra negatives": {"extra_negatives": 0},
    "four layers frozen": {"frozen_layers": 4},
    "three epochs in any case": {"early_stopping": None},
    "all of the encoder's change kept": {"interpolate": False},
    "the matcher's weights at the encoder's rate": {"matcher_lr": None},
}


def mrr(ranker: Any, rows: list[dict[str, Any]]) -> Any:
    """The MRR over `rows`, whose distinct replies are the candidates of each: an `attune.metrics.ratio.Ratio`."""
    from attune.evaluation.ranking.candidates import in_batch
    from attune.evaluation.ranking.evaluate import evaluate
    from attune.evaluation.ranking.summary import ratios

    return ratios(evaluate(ranker, rows, in_batch(rows, len(rows), seed=0)))["mrr"]


def measured(encoder: Path, recipe: dict[str, Any], rows: dict[str, list[dict[str, Any]]]) -> tuple[Any, Any, float]:
    """The MRR over rows["test"] before and after the training (as `mrr`), and the seconds that the training takes."""
    from attune.cobert.model import inputs_for, untrained
    from attune.cobert.training import train
    from attune.inference.ranker import Ranker

    pin(recipe["seed"], recipe["threads"])
    model = untrained(encoder, recipe)
    ranker = Ranker(model, inputs_for(model, encoder))
    before = mrr(ranker, rows["test"])
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        train(model, rows, ranker.inputs, recipe, Path(folder))
    seconds = time.perf_counter() - begun
    return before, mrr(ranker, rows["test"]), seconds


def main(words: Sequence[str] | None = None) -> None:
    """words: those of the command line, which are the process's own by default."""
    from attune import parameters
    from attune.core.files import read_parquet
    from attune.metrics.bootstrap import PairedTest, compare
    from attune.metrics.multiplicity import holm
    from benchmarks.harness import require

    parser = described(__doc__)
    parser.add_argument("data", type=Path, help="the folder of the rows")
    parser.add_argument("encoder", type=Path, help="such as models/base/encoder")
    chosen = parser.parse_args(words)
    files = {split: chosen.data / f"{split}.parquet" for split in ("train", "valid", "test")}
    require(*files.values(), chosen.encoder)
    settings = parameters.load()
    rows = {split: read_parquet(path) for split, path in files.items()}
    full: Any = None
    tests: dict[str, PairedTest] = {}
    print("| variant | MRR untrained | trained | difference from attune (95 %) | seconds |\n|---|---|---|---|---|")
    for name, changes in VARIANTS.items():
        before, trained, seconds = measured(chosen.encoder, settings.recipe("attune") | changes, rows)
        full = full or trained
        test = tests[name] = compare([full], [trained], settings.seed)
        difference = f"{test.difference:+.3f} ({test.low:+.3f} to {test.high:+.3f})"
        print(f"| {name} | {before.value:.3f} | {trained.value:.3f} | {difference} | {seconds:.0f} |", flush=True)
    print("\np of each difference, corrected for their number by Holm's method:")
    changed = list(tests)[1:]
    for name, p in zip(changed, holm([tests[name].p for name in changed]), strict=True):
        print(f"{p:.3f} {name}")


if __name__ == "__main__":
    prepare()
    main()
