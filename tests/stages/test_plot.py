from pathlib import Path

import pyarrow as pa
import pytest
from matplotlib.image import imread

from attune.core.files import read_csv, sha256, write_csv, write_json, write_parquet
from attune.corpora import schemas
from attune.report.figures import cobert, corpora, generators
from stages.plot import main, table
from tests.project import changed

SCORES = {"loss": 2.0, "mrr": 0.25, "r@1": 0.1, "r@10": 0.5, "r@50": 0.9}
SCORES |= {
    f"{name}_{end}": value + shift for name, value in SCORES.items() for end, shift in (("low", -0.05), ("high", 0.1))
}
MODELS = ("untrained", "baseline", "tuned", "attune")
RANKING = {"small": {domain: dict.fromkeys(MODELS, SCORES) for domain in ("happy", "all")}}
FIGURES = (
    "emotion_distribution",
    "training_loss",
    "loss_comparison",
    "mrr_comparison",
    "generator_loss",
    "generator_perplexity",
    "rag_perplexity",
    "decoding_sweep",
    "text_lengths",
    "emotion_confusion",
)
REPEATED = {"replies_repeated_3grams": 0.2, "replies_repeated_3grams_low": 0.1, "replies_repeated_3grams_high": 0.4}


def schemas_row(schema: pa.Schema, given: dict[str, object]) -> dict[str, object]:
    return dict.fromkeys(schema.names) | given


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    changed(tmp_path, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy", "all"]))
    for split in ("train", "test"):
        rows = [
            {
                "conv_id": f"{split}{number}",
                "emotion": emotion,
                "situation": "",
                "speakers": [0],
                "utterances": ["hi"],
            }
            for number, emotion in enumerate(["sad", "proud", "sad"])
        ]
        write_parquet(Path(f"dialogues/{split}.parquet"), rows, schemas.DIALOGUES)
    curve = [
        {"epoch": 0, "step": 0, "train_loss": None, "valid_loss": 5.0, "valid_mrr": 0.1, "valid_r@1": 0.0},
        {"epoch": 1, "step": 7, "train_loss": 4.0, "valid_loss": 3.0, "valid_mrr": 0.2, "valid_r@1": 0.1},
    ]
    for recipe in MODELS[1:]:
        for domain in ("happy", "all"):
            write_csv(Path(f"metrics/curves/cobert/{recipe}-small-{domain}.csv"), curve)
    from attune import parameters

    names = list(parameters.load().generators)
    for name in names:
        steps = [
            {"step": step, "epoch": 0.0, "train_loss": loss, "valid_loss": 4.0} for step, loss in ((0, None), (9, 3.5))
        ]
        write_csv(Path(f"metrics/curves/generators/{name}.csv"), steps)
    write_json(Path("metrics/cobert_intervals.json"), {"small": RANKING["small"] | {"mean": RANKING["small"]["all"]}})
    write_json(Path("metrics/generators.json"), {name: {"base_perplexity": 40.0, "perplexity": 20.0} for name in names})
    perplexity = {"perplexity": 20.0, "perplexity_low": 18.0, "perplexity_high": 23.0}
    systems = [f"{name}{variant}" for name in names[:2] for variant in ("", "+rag", "+persona_rag")]
    write_json(Path("metrics/generators_intervals.json"), dict.fromkeys([*systems, *names], perplexity))
    points = {point: REPEATED | {"distinct_2": value} for point, value in (("0.1/5/0.99", 0.3), ("0.9/30/0.95", 0.6))}
    write_json(Path("probe.json"), {"accuracy": 0.5, "confusion": {"sad": {"sad": 1, "proud": 1}, "proud": {"sad": 2}}})
    pec = {"context": ["hi there"], "response": "hello", "personas": ["i ski ."]}
    rows = [schemas_row(schemas.PEC, pec)] * 3
    write_parquet(Path("processed/pec/large/all/train.parquet"), rows, schemas.PEC)
    rows = [schemas_row(schemas.REPLIES, {"input": "I won!", "target": "Well done."})]
    write_parquet(Path("processed/empathetic_dialogues/train.parquet"), rows, schemas.REPLIES)
    rows = [schemas_row(schemas.INSTRUCTIONS, {"prompt": "What is it?", "completion": "It is a spoon."})]
    for corpus in ("openassistant_guanaco", "openorca"):
        write_parquet(Path(f"processed/{corpus}/train.parquet"), rows, schemas.INSTRUCTIONS)
    write_json(Path("metrics/decoding.json"), {names[-1]: points})
    return tmp_path


def test_every_figure_is_drawn_twice_the_same(project: Path) -> None:
    for target in ("one", "two"):
        main("dialogues", "processed", "probe.json", "metrics", target)
    for name in FIGURES:
        picture = imread(project / "one" / f"{name}.png")
        assert min(picture.shape[:2]) > 200
        assert picture[..., :3].std() > 0.05  # something is drawn
        for kind in ("png", "svg"):
            assert sha256(project / "one" / f"{name}.{kind}") == sha256(project / "two" / f"{name}.{kind}")


@pytest.mark.usefixtures("project")
def test_the_table_has_a_row_a_model() -> None:
    assert len(table(RANKING)) == 8
    main("dialogues", "processed", "probe.json", "metrics", "plots")
    rows = read_csv(Path("plots/cobert_scores.csv"))
    assert [row["domain"] for row in rows] == ["happy"] * 4 + ["all"] * 4
    assert {name: rows[0][name] for name in ("subset", "model", "mrr", "mrr_low", "mrr_high")} == {
        "subset": "small", "model": "untrained", "mrr": "0.25", "mrr_low": "0.2", "mrr_high": "0.35",
    }  # fmt: skip


def test_bars_are_as_high_as_the_scores() -> None:
    figure = cobert.comparison(RANKING, "mrr", "MRR", chance=0.05)
    heights = {round(bar.get_height(), 6) for bar in figure.axes[0].patches}
    assert heights == {0.25}
    assert len(figure.axes[0].patches) == 8


def test_bars_carry_their_intervals() -> None:
    figure = cobert.comparison(RANKING, "mrr", "MRR")
    lines = [segment for lines in figure.axes[0].collections for segment in lines.get_segments()]
    assert len(lines) == 8
    for (_, low), (_, high) in lines:
        assert (low, high) == (pytest.approx(0.2), pytest.approx(0.35))


def test_the_emotions_shares_are_of_their_split() -> None:
    figure = corpora.emotion_distribution({"train": ["sad", "sad", "proud", "sad"], "test": ["proud"]})
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["proud", "sad"]
    assert [bar.get_width() for bar in figure.axes[0].patches] == [25, 75, 100, 0]


def test_points_of_the_sweep_stand_where_their_scores_are() -> None:
    figure = generators.sweep({"g": {"0.1/5/0.99": REPEATED | {"distinct_2": 0.3}}})
    (line, *_) = figure.axes[0].lines
    assert list(zip(*line.get_data(), strict=True)) == [(0.3, 20.0)]
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.1/5/0.99"]


def test_the_confusion_is_the_share_of_each_emotion() -> None:
    figure = corpora.confusion({"sad": {"sad": 1, "proud": 3}}, 0.25)
    assert figure.axes[0].images[0].get_array().tolist() == [[0, 0], [0.75, 0.25]]
    assert "right on 25 %" in figure.axes[0].get_title()
