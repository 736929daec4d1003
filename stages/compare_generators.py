"""Score all generators' rows, and retrieved beside written replies, with intervals and paired tests.

`python -m stages.compare_generators raw=FOLDER evaluations=FOLDER answered=PARQUET situations=PARQUET embedder=FOLDER \
scores=JSON intervals=JSON tests=JSON answered_scores=JSON answered_tests=JSON probe=JSON rows=PARQUET \
answered_rows=PARQUET`

raw: data/raw, with EPITOME's labels where params.yaml names them. evaluations: one file per generator. answered:
what the stage retrieve_and_write wrote. situations: train conversations with emotions, on which the emotion probe is
trained and cross-validated. probe: its accuracy and confusions. rows, answered_rows: all rows with similarity and
emotions.
"""

from pathlib import Path
from typing import Any

from attune import parameters
from attune.core.determinism import pin
from attune.core.errors import AttuneError
from attune.core.files import read_parquet, write_json, write_parquet
from attune.corpora import EPITOME, record_of
from attune.evaluation.comparison import corrected, records
from attune.evaluation.generation import summary
from attune.evaluation.generation.comparisons import answer_comparisons, comparisons
from attune.evaluation.generation.emotion_probe import Probe
from attune.evaluation.generation.empathy import qualities, trained_probes, with_columns, with_empathy
from attune.evaluation.generation.semantics import trained_probe, with_passage_similarity, with_semantics
from attune.evaluation.schemas import ANSWERED_SCORED, RETRIEVED, SCORED
from attune.evaluation.tables import nested
from attune.index.embedding import load_embedder
from attune.metrics.bleu import signatures
from attune.metrics.bootstrap import with_intervals
from attune.parameters import Parameters
from stages import start

Rows = list[dict[str, Any]]


def main(
    *,
    raw: Path,
    evaluations: Path,
    answered: Path,
    situations: Path,
    embedder: Path,
    scores: Path,
    intervals: Path,
    tests: Path,
    answered_scores: Path,
    answered_tests: Path,
    probe: Path,
    rows: Path,
    answered_rows: Path,
) -> None:
    settings = parameters.load()
    pin(settings.seed, settings.threads)
    generated, answers = read_rows(settings, evaluations), read_parquet(answered)
    encoder, size = load_embedder(embedder), settings.index.batch_size
    trained = trained_probe(read_parquet(situations), encoder, size)
    scored = with_passage_similarity(with_semantics(generated, trained, encoder, size), encoder, size)
    answers = with_semantics([*answers, *summary.true_answers(answers)], trained, encoder, size)
    empathy = trained_probes(raw / EPITOME.name if EPITOME.name in settings.corpora else None, encoder, size)
    scored, answers = (with_empathy(each, empathy, encoder, size) for each in (scored, answers))
    systems = summary.by_system(scored)
    table = summary.scores(systems, settings.seed)
    write_json(scores, nested(table, ["system"], intervals=False))
    write_json(intervals, nested(summary.estimated_scores(table), ["system"]))
    write_json(tests, corrected(records(comparisons(systems, settings.generators, settings.seed))))
    answering = summary.grouped(answers)
    write_json(answered_scores, nested(summary.answer_scores(answering, settings.seed), ["system"]))
    compared = answer_comparisons(answering, RETRIEVED, settings.generators, settings.seed)
    write_json(answered_tests, corrected(records(compared)))
    probes = probe_scores(trained, settings.seed) | qualities(empathy, settings.seed)
    write_json(probe, probes | {"signatures": signatures()})
    write_parquet(rows, scored, with_columns(SCORED, empathy))
    write_parquet(answered_rows, answers, with_columns(ANSWERED_SCORED, empathy))
    print(f"{len(systems)} systems; the emotion probe is right on {trained.accuracy.value:.3f} of held-out situations")


def probe_scores(trained: Probe, seed: int) -> dict[str, Any]:
    """The emotion probe's accuracy on held-out situations, with its interval, and its confusions."""
    accuracy = with_intervals({"accuracy": [trained.accuracy]}, seed, summary.PLACES)
    return accuracy | {"confusion": trained.confusion()}


def read_rows(settings: Parameters, evaluations: Path) -> Rows:
    """The rows of all generators, and those of the targets that generators of a corpus with passages share."""
    rows: Rows = []
    for name in settings.generators:
        path = evaluations / f"{name}.parquet"
        if not path.is_file():
            raise AttuneError(f"{path} is missing; `dvc repro evaluate_generator@{name}` writes it")
        rows += read_parquet(path)
    shared = [name for name, each in settings.generators.items() if record_of(each.corpus).has_passages][:1]
    return rows + summary.targets_of([row for row in rows if row["generator"] in shared])


if __name__ == "__main__":
    start(main)
