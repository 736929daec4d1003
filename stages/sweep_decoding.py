"""Replies at each point of a grid of decoding settings.

`python -m stages.sweep_decoding BASES GENERATORS PROCESSED METRICS ROWS`
"""

from pathlib import Path
from typing import Any

from attune.core.files import read_parquet, write_json, write_parquet
from attune.evaluation.generation.summary import PLACES, means, variety, with_interval
from attune.evaluation.schemas import SWEPT
from attune.metrics.bootstrap import rounded
from attune.parameters import Parameters, load
from attune.parameters.generators import Decoding, Point
from stages import start


def main(bases: str, generators: str, processed: str, metrics: str, target: str) -> None:
    from attune.core.determinism import pin

    settings = load()
    pin(settings.seed, settings.threads)
    scores: dict[str, dict[str, Any]] = {}
    rows: list[dict[str, Any]] = []
    for name in settings.generation.sweep.generators:
        found = write(settings, name, Path(bases), Path(generators), Path(processed))
        scores[name] = {point: summary(part, settings.seed) for point, part in found.items()}
        rows += [{"generator": name, "point": point, **row} for point, part in found.items() for row in part]
    write_json(Path(metrics), scores)
    write_parquet(Path(target), rows, SWEPT)


def label(point: Point) -> str:
    """As the third report writes it: temperature/top_k/top_p."""
    return f"{point.temperature:g}/{point.top_k}/{point.top_p:g}"


def write(
    settings: Parameters, name: str, bases: Path, generators: Path, processed: Path
) -> dict[str, list[dict[str, Any]]]:
    """The generator's replies to the same held-out examples at each point."""
    from attune.generators.held_out import sample
    from attune.generators.prompts import examples
    from attune.inference.generator import loaded

    generator, generation = settings.generators[name], settings.generation
    corpus = processed / generator.corpus.removesuffix("_rag") / "test.parquet"
    tests = sample(examples(read_parquet(corpus), generator.instruction), generation.sweep.examples, settings.seed)
    ready = loaded(generator, bases / generator.base, generators / name, generation.max_new_tokens, 0)
    found = {}
    for point in generation.sweep.points:
        decoding = Decoding(method="sampling", **point.model_dump())
        replies = ready.replies(tests, decoding, generation.batch_size, settings.seed)
        found[label(point)] = [
            {
                "id": each.id,
                "conversation": each.conversation,
                "prompt": each.question,
                "reply": reply.text,
                "cut": reply.cut,
            }
            for each, reply in zip(tests, replies, strict=True)
        ]
        print(f"{name} {label(point)}: {len(replies)} replies", flush=True)
    return found


def summary(rows: list[dict[str, Any]], seed: int) -> dict[str, float]:
    """Diversity over all replies; repetition, truncation and the other faults as means with intervals."""
    return rounded(variety([row["reply"] for row in rows]), PLACES) | with_interval(means(rows), seed)


if __name__ == "__main__":
    start(main)
