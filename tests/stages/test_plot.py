from pathlib import Path

import pytest
from matplotlib.image import imread

from attune import figures, schemas
from attune.files import sha256, write_csv, write_json, write_parquet
from stages.plot import main, read_csv, table
from tests.test_parameters import changed

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
)


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

    generators = parameters.load().generators
    for name in generators:
        steps = [
            {"step": step, "epoch": 0.0, "train_loss": loss, "valid_loss": 4.0} for step, loss in ((0, None), (9, 3.5))
        ]
        write_csv(Path(f"metrics/curves/generators/{name}.csv"), steps)
    write_json(Path("metrics/cobert_intervals.json"), {"small": RANKING["small"] | {"mean": RANKING["small"]["all"]}})
    write_json(
        Path("metrics/generators.json"), {name: {"base_perplexity": 40.0, "perplexity": 20.0} for name in generators}
    )
    return tmp_path


def test_every_figure_is_drawn_twice_the_same(project: Path) -> None:
    for target in ("one", "two"):
        main("dialogues", "metrics", target)
    for name in FIGURES:
        picture = imread(project / "one" / f"{name}.png")
        assert min(picture.shape[:2]) > 200
        assert picture[..., :3].std() > 0.05  # something is drawn
        assert sha256(project / "one" / f"{name}.png") == sha256(project / "two" / f"{name}.png")


@pytest.mark.usefixtures("project")
def test_the_table_has_a_row_a_model() -> None:
    assert len(table(RANKING)) == 8
    main("dialogues", "metrics", "plots")
    rows = read_csv(Path("plots/cobert_scores.csv"))
    assert [row["domain"] for row in rows] == ["happy"] * 4 + ["all"] * 4
    assert {name: rows[0][name] for name in ("subset", "model", "mrr", "mrr_low", "mrr_high")} == {
        "subset": "small", "model": "untrained", "mrr": "0.25", "mrr_low": "0.2", "mrr_high": "0.35",
    }  # fmt: skip


def test_bars_are_as_high_as_the_scores() -> None:
    figure = figures.comparison(RANKING, "mrr", "MRR", chance=0.05)
    heights = {round(bar.get_height(), 6) for bar in figure.axes[0].patches}
    assert heights == {0.25}
    assert len(figure.axes[0].patches) == 8


def test_bars_carry_their_intervals() -> None:
    figure = figures.comparison(RANKING, "mrr", "MRR")
    lines = [segment for lines in figure.axes[0].collections for segment in lines.get_segments()]
    assert len(lines) == 8
    for (_, low), (_, high) in lines:
        assert (low, high) == (pytest.approx(0.2), pytest.approx(0.35))


def test_the_emotions_shares_are_of_their_split() -> None:
    figure = figures.emotion_distribution({"train": ["sad", "sad", "proud", "sad"], "test": ["proud"]})
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["proud", "sad"]
    assert [bar.get_width() for bar in figure.axes[0].patches] == [25, 75, 100, 0]
