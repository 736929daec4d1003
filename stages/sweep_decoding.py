"""Replies at each point of a grid of decoding settings.

`python -m stages.sweep_decoding base_models=FOLDER generators=FOLDER data=FOLDER embedder=FOLDER scores=JSON \
rows=PARQUET`

data: the folder that each generator's `rows` are in.
"""

from pathlib import Path
from typing import Any

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import read_parquet, write_json, write_parquet
from attune.evaluation.generation.semantics import with_similarity
from attune.evaluation.generation.sweep import sweep_scores
from attune.evaluation.schemas import SWEPT
from attune.evaluation.tables import nested
from attune.parameters import Parameters
from attune.parameters.decoding import Point
from stages import start

Rows = list[dict[str, Any]]


def main(*, base_models: Path, generators: Path, data: Path, embedder: Path, scores: Path, rows: Path) -> None:
    from attune.index.embedding import load_embedder

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    points: dict[tuple[str, str], Rows] = {}
    for name in settings.generation.sweep.generators:
        points |= sweep(settings, name, base_models, generators / name, data)
    encoder, size = load_embedder(embedder), settings.index.batch_size
    points = {point: with_similarity(part, encoder, size) for point, part in points.items()}
    write_json(scores, nested(sweep_scores(points, settings.seed), ["generator", "point"]))
    write_parquet(rows, [row for part in points.values() for row in part], SWEPT)


def sweep(settings: Parameters, name: str, base_models: Path, model: Path, data: Path) -> dict[tuple[str, str], Rows]:
    """The replies of the generator `name` to the same examples, by (generator, point).

    They are of those held out from its training, so that what is chosen by them is not tested on them.

    Those of all points are written together: the more rows in a batch, the less time each takes.
    """
    from attune.evaluation.testing.sampling import about
    from attune.generators.held_out import hold_out, opening
    from attune.generators.prompts import examples
    from attune.inference.generator import Generator

    entry, generation = settings.generators[name], settings.generation
    rows = examples(read_parquet(data / entry.rows / "train.parquet"), entry.instruction)
    _, held_out = hold_out([each.conversation for each in rows], [opening(each) for each in rows], settings.seed)
    prompts = [rows[at] for at in held_out[: generation.sweep.examples]]
    generator = Generator.from_pretrained(model, base_models / entry.base, generation.max_new_tokens, passage_tokens=0)
    points = generation.sweep.points
    asked = [(label(point), each) for point in points for each in prompts]
    decodings = [generation.decoding_of(name).sampling(**point.model_dump()) for point in points for _ in prompts]
    replies = generator.replies([each for _, each in asked], decodings, generation.batch_size, settings.seed)
    found: dict[tuple[str, str], Rows] = {(name, label(point)): [] for point in points}
    for (point, each), reply in zip(asked, replies, strict=True):
        written = {"reply": reply.text, "truncated": reply.truncated}
        found[name, point].append({"generator": name, "point": point, **about(each), **written})
    print(f"{name}: {len(replies)} replies at {', '.join(map(label, points))}", flush=True)
    return found


def label(point: Point) -> str:
    """temperature/top_k/top_p, as the third report writes it."""
    return f"{point.temperature:g}/{point.top_k}/{point.top_p:g}"


if __name__ == "__main__":
    start(main)
