from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from matplotlib.image import imread

from attune import parameters
from attune.core.files import read_csv, sha256, write_csv, write_json, write_parquet
from attune.corpora import CORPORA, dialogue_corpora
from attune.report.figures.registry import on_page
from stages.plot import main
from tests.project import changed
from tests.report.power_numbers import POWER

pytestmark = pytest.mark.usefixtures("without_large")

SCORES = {"loss": 2.0, "mrr": 0.25, "r@1": 0.1, "r@10": 0.5, "r@50": 0.9}
SCORES |= {
    f"{name}_{end}": value + shift for name, value in SCORES.items() for end, shift in (("low", -0.05), ("high", 0.1))
}
MODELS = ("untrained", "baseline", "tuned", "attune")
RANKING = {"small": {domain: dict.fromkeys(MODELS, SCORES) for domain in ("happy", "all", "mean")}}
REPEATED = {"replies_repeated_3grams": 0.2, "replies_repeated_3grams_low": 0.1, "replies_repeated_3grams_high": 0.4}
ANSWERED = {"similarity": 0.4, "similarity_low": 0.3, "similarity_high": 0.5, "emotion_match": 0.1, "self_bleu": 7.5}
ANSWERED |= {"replies": 12}
TEXTS: dict[str, dict[str, Any]] = {
    "pec": {"context": ["hi there"], "response": "hello", "personas": ["i ski ."]},
    "empathetic_dialogues": {"input": "I won!", "target": "Well done."},
    "openassistant_guanaco": {"prompt": "What is it?", "completion": "It is a spoon."},
    "openorca": {"prompt": "What is it?", "completion": "It is a spoon."},
}


def filled(schema: pa.Schema, columns: dict[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(schema.names) | columns


def write_corpora() -> None:
    schema = dialogue_corpora()[0].schemas.conversations
    for split in ("train", "test"):
        rows = [
            filled(schema, {"conv_id": f"{split}{number}", "emotion": emotion, "utterances": ["hi"]})
            for number, emotion in enumerate(["sad", "proud", "sad"])
        ]
        write_parquet(Path(f"dialogues/{split}.parquet"), rows, schema)
    for name, corpus in CORPORA.items():
        rows = [filled(corpus.schemas.rows, TEXTS[name])] * 3
        write_parquet(Path("processed") / name / corpus.train_rows, rows, corpus.schemas.rows)


def write_cobert() -> None:
    curve = [
        {"epoch": 0, "step": 0, "train_loss": None, "valid_loss": 5.0, "valid_mrr": 0.1, "valid_r@1": 0.0},
        {"epoch": 1, "step": 7, "train_loss": 4.0, "valid_loss": 3.0, "valid_mrr": 0.2, "valid_r@1": 0.1},
    ]
    for recipe in MODELS[1:]:
        for domain in ("happy", "all"):
            write_csv(Path(f"metrics/curves/cobert/{recipe}-small-{domain}.csv"), curve)
    write_json(Path("metrics/cobert_intervals.json"), RANKING)
    write_json(Path("metrics/power.json"), POWER)


def write_generators() -> None:
    names = list(parameters.load().generators)
    for name in names:
        steps = [
            {"step": step, "epoch": 0.0, "train_loss": loss, "valid_loss": 4.0} for step, loss in ((0, None), (9, 3.5))
        ]
        write_csv(Path(f"metrics/curves/generators/{name}.csv"), steps)
    scores = {"base_perplexity": 40.0, "perplexity": 20.0, "examples": 9}
    write_json(Path("metrics/generators.json"), dict.fromkeys(names, scores))
    perplexity = {"perplexity": 20.0, "perplexity_low": 18.0, "perplexity_high": 23.0}
    systems = [f"{name}{variant}" for name in names[:2] for variant in ("", "+rag", "+persona_rag")]
    systems += [f"{names[1]}+oracle_rag", f"{names[2]}+no_persona", f"{names[2]}+other_persona"]
    write_json(Path("metrics/generators_intervals.json"), dict.fromkeys([*systems, *names], perplexity))
    write_json(Path("metrics/retrieved_and_written.json"), dict.fromkeys(["retrieved", *names, "targets"], ANSWERED))
    points = {point: REPEATED | {"distinct_2": value} for point, value in (("0.1/5/0.99", 0.3), ("0.9/30/0.95", 0.6))}
    points["0.1/5/0.99"]["best"] = True
    write_json(Path("metrics/decoding.json"), {names[-1]: points})
    confusion = {"sad": {"sad": 1, "proud": 1}, "proud": {"sad": 2}}
    write_json(Path("probe.json"), {"accuracy": 0.5, "confusion": confusion, "signatures": {}})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    changed(tmp_path, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy", "all"]))
    write_corpora()
    write_cobert()
    write_generators()
    return tmp_path


def plot(figures: str) -> None:
    main(
        dialogues=Path("dialogues"),
        processed=Path("processed"),
        probe=Path("probe.json"),
        metrics=Path("metrics"),
        figures=Path(figures),
        scores_csv=Path("plots/cobert_scores.csv"),
    )


@pytest.mark.slow
def test_every_figure_is_drawn_twice_the_same(project: Path) -> None:
    for target in ("one", "two"):
        plot(target)
    one, two = ({path.name: sha256(path) for path in (project / target).iterdir()} for target in ("one", "two"))
    assert len(one) > 10
    assert one == two


def test_every_figure_is_drawn_and_the_table_has_one_row_per_model(project: Path) -> None:
    plot("one")
    names = {record.name for record in on_page("report")}
    files = {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    assert {path.name for path in (project / "one").iterdir()} == files
    for name in names:
        picture = imread(project / "one" / f"{name}.png")
        assert min(picture.shape[:2]) > 200
        assert picture[..., :3].std() > 0.05  # something is drawn
    rows = read_csv(Path("plots/cobert_scores.csv"))
    assert len(rows) == 8
    assert [row["domain"] for row in rows] == ["happy"] * 4 + ["all"] * 4
    assert {name: rows[0][name] for name in ("subset", "model", "mrr", "mrr_low", "mrr_high")} == {
        "subset": "small", "model": "untrained", "mrr": "0.25", "mrr_low": "0.2", "mrr_high": "0.35",
    }  # fmt: skip
