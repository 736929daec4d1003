"""Score all generators' rows.

`python -m stages.compare_generators ROWS_FOLDER SITUATIONS EMBEDDER METRICS INTERVALS TESTS PROBE ROWS`

SITUATIONS: EmpatheticDialogues' train conversations, on which the emotion probe is trained and cross-validated. PROBE:
its accuracy and confusions. ROWS: all rows with similarity and emotions, a parquet.
"""

from pathlib import Path
from typing import Any

from attune.core.determinism import pin
from attune.core.errors import AttuneError
from attune.core.files import read_parquet, write_json, write_parquet
from attune.evaluation.generation import summary as generated
from attune.evaluation.generation.emotion_probe import Probe, train
from attune.evaluation.schemas import SCORED
from attune.metrics.bleu import signatures
from attune.parameters import Parameters, load
from stages import start


def main(
    folder: str, situations: str, embedder: str, metrics: str, intervals: str, tests: str, probe: str, target: str
) -> None:
    settings = load()
    pin(settings.seed, settings.threads)
    rows = gathered(settings, Path(folder))
    rows += generated.targets_of([row for row in rows if row["generator"] == dialogue(settings)])
    found = with_meanings(rows, Path(situations), Path(embedder), settings.index.batch_size)
    systems = generated.by_system(rows)
    targets = systems.pop(generated.TARGETS, [])
    scores = {name: generated.scores(part) for name, part in systems.items()}
    widths = {name: generated.intervals(part, settings.seed) for name, part in systems.items()}
    if targets:
        scores[generated.TARGETS] = generated.replies_scores(targets)
        widths[generated.TARGETS] = generated.with_interval(generated.means(targets), settings.seed)
    write_json(Path(metrics), scores)
    write_json(Path(intervals), widths)
    write_json(Path(tests), generated.tests(systems, list(settings.generators), settings.seed))
    heard = generated.with_interval({"accuracy": found.accuracy}, settings.seed)
    write_json(Path(probe), heard | {"confusion": found.confusion(), "signatures": signatures()})
    write_parquet(Path(target), rows, SCORED)
    print(f"{len(systems)} systems; the emotion probe is right on {found.accuracy.value:.3f} of held-out situations")


def dialogue(settings: Parameters) -> str | None:
    """A generator of EmpatheticDialogues, whose test rows all of them share."""
    names = [name for name, each in settings.generators.items() if each.corpus.startswith("empathetic")]
    return names[0] if names else None


def gathered(settings: Parameters, folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name in settings.generators:
        path = folder / f"{name}.parquet"
        if not path.is_file():
            raise AttuneError(f"{path} is missing; `dvc repro evaluate_generator@{name}` writes it")
        rows += read_parquet(path)
    return rows


def with_meanings(rows: list[dict[str, Any]], situations: Path, embedder: Path, batch_size: int) -> Probe:
    """Put similarity, the emotions heard and whether they match into the rows with a reply; returns the probe."""
    from attune.index.embedding import embed, load_embedder

    encoder = load_embedder(embedder)
    told = read_parquet(situations)
    texts = [row["situation"] for row in told]
    probe = train(embed(encoder, texts, batch_size), [row["emotion"] for row in told], texts)
    written = [row for row in rows if row["reply"] is not None]
    replies, targets, prompts = (
        embed(encoder, [row[column] for row in written], batch_size) for column in ("reply", "target", "prompt")
    )
    heard, said = probe.emotions(replies), probe.emotions(prompts)
    for row, reply, target, own, theirs in zip(written, replies, targets, heard, said, strict=True):
        there = bool(row["reply"].strip())
        row |= {"similarity": float(reply @ target) if there else 0.0, "emotion": own if there else None}
        row |= {"prompt_emotion": theirs, "emotion_match": float(there and own == theirs)}
    return probe


if __name__ == "__main__":
    start(main)
