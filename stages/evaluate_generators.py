"""Score every generator and let it reply: `python -m stages.evaluate_generators PROCESSED_ROOT BASES_ROOT
GENERATORS_ROOT METRICS_JSON ROWS_PARQUET`.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa

from attune.files import read_parquet, write_json, write_parquet
from attune.parameters import load
from stages import start

ROWS = pa.schema([(name, pa.string()) for name in ("generator", "id", "prompt", "target", "reply")])


def main(processed: str, bases: str, generators: str, metrics: str, replies: str) -> None:
    from attune.determinism import pin
    from attune.generation.evaluation import evaluate
    from attune.generation.prompts import examples

    parameters = load()
    pin(parameters.seed, parameters.threads)
    scores: dict[str, dict[str, float]] = {}
    rows: list[dict[str, Any]] = []
    for name, generator in parameters.generators.items():
        tests = examples(read_parquet(Path(processed) / generator.corpus / "test.parquet"))
        folders = Path(bases) / generator.base, Path(generators) / name
        scores[name], written = evaluate(generator, *folders, tests, parameters.generation, parameters.seed)
        rows += [{"generator": name, **row} for row in written]
    write_json(Path(metrics), scores)
    write_parquet(Path(replies), rows, ROWS)


if __name__ == "__main__":
    start(main)
