from pathlib import Path

import pytest
from matplotlib.image import imread

from attune.core.files import sha256, write_json
from attune.report.figures import cobert
from stages.plot_studies import main
from tests.project import changed

SCORES = {"mrr": 0.3, "mrr_low": 0.2, "mrr_high": 0.4}
METHODS = (
    "tfidf", "bm25", "cosine", "cosine_persona", "untrained", "bi_encoder", "poly_encoder", "no_persona", "baseline",
    "tuned", "attune",
)  # fmt: skip


def test_the_figures_are_drawn_twice_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    changed(tmp_path)
    write_json(
        Path("metrics/compare.json"),
        dict.fromkeys(("all", "happy", "offmychest", "mean"), dict.fromkeys(METHODS, SCORES)),
    )
    write_json(Path("metrics/personas.json"), dict.fromkeys(("0", "5", "10"), SCORES))
    domains = ("all", "happy", "offmychest")
    write_json(Path("metrics/transfer.json"), dict.fromkeys(domains, dict.fromkeys(domains, SCORES)))
    for target in ("one", "two"):
        main("metrics", target)
    for name in ("matching_methods", "persona_ablation", "transfer"):
        picture = imread(tmp_path / "one" / f"{name}.png")
        assert min(picture.shape[:2]) > 200
        assert picture[..., :3].std() > 0.05
        assert sha256(Path(f"one/{name}.png")) == sha256(Path(f"two/{name}.png"))


def test_points_stand_where_the_scores_are_and_numbers_in_order() -> None:
    scores = {count: SCORES | {"mrr": value} for count, value in (("10", 0.3), ("0", 0.1), ("5", 0.2))}
    axes = cobert.personas(scores, "100 candidates").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "5", "10"]
    assert list(axes.lines[0].get_ydata()) == [0.1, 0.2, 0.3]
    axes = cobert.methods({"mean": {"tfidf": SCORES, "tuned": SCORES | {"mrr": 0.35, "loss": 2.0}}}, "100").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["tuned", "tfidf"]
