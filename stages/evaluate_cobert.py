"""Rank the test contexts' replies with every CoBERT, trained elsewhere, and with the untrained encoder.

`python -m stages.evaluate_cobert RECIPES ENCODER PROCESSED MODELS METRICS ROWS`
"""

from pathlib import Path
from typing import Any

import pyarrow as pa

from attune import parameters
from attune.determinism import pin
from attune.files import read_json, read_parquet, write_json, write_parquet
from stages import start

ROWS = pa.schema(
    [(name, pa.string()) for name in ("model", "subset", "domain", "id")]
    + [("rank", pa.int32()), ("response", pa.string()), ("first", pa.string())]
)


def main(recipes: str, encoder: str, processed: str, models: str, metrics: str, rows: str) -> None:
    from attune.cobert.evaluation import candidate_texts, evaluate, saved, untrained

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    options = settings.cobert
    first = read_json(Path(recipes) / f"{options.recipes[0]}.json")
    found: dict[str, Any] = {}
    ranked: list[dict[str, Any]] = []
    for subset in options.subsets:
        for domain in options.domains:
            tests = read_parquet(Path(processed) / subset / domain / "test.parquet")
            pool = [row["response"] for row in read_parquet(Path(processed) / "candidates" / f"{domain}.parquet")]
            candidates = candidate_texts(tests, pool, options.candidates, settings.seed)
            for name in ("untrained", *options.recipes):
                folder = Path(models) / f"{name}-{subset}-{domain}"
                model = untrained(Path(encoder), first) if name == "untrained" else saved(folder)
                scores, each = evaluate(*model, tests, candidates)
                found.setdefault(subset, {}).setdefault(domain, {})[name] = scores
                ranked += [{"model": name, "subset": subset, "domain": domain, **row} for row in each]
                print(f"{subset} {domain} {name}: " + ", ".join(f"{key} {value}" for key, value in scores.items()))
    write_json(Path(metrics), found)
    write_parquet(Path(rows), ranked, ROWS)


if __name__ == "__main__":
    start(main)
