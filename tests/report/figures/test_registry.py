import re
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from attune import parameters
from attune.core.files import sha256, write_json
from attune.report.figures import registry
from attune.report.figures.record import FigureRecord
from attune.report.figures.registry import FIGURES
from attune.report.figures.style import subplots
from attune.report.results import Results
from tests.project import ROOT, changed
from tests.report.power_numbers import POWER


def test_names_are_unique_and_captions_are_one_line() -> None:
    assert len({record.name for record in FIGURES}) == len(FIGURES)
    for record in FIGURES:
        assert record.caption
        assert "\n" not in record.caption


def test_every_figure_that_a_module_draws_is_registered() -> None:
    text = Path(registry.__file__).read_text(encoding="utf-8")
    for module in ("cobert", "corpora", "generators"):
        source = Path(registry.__file__).with_name(f"{module}.py").read_text(encoding="utf-8")
        for name in re.findall(r"^def ([a-z]\w+)\(.*\) -> Figure:", source, re.MULTILINE):
            assert f"{module}.{name}(" in text, name


def test_no_other_code_names_a_figure() -> None:
    files = [*ROOT.glob("attune/**/*.py"), *ROOT.glob("stages/*.py"), *ROOT.glob("studies/*.py")]
    names = re.compile("|".join(f'"{record.name}"' for record in FIGURES if record.name != "transfer"))
    known = [path.relative_to(ROOT).as_posix() for path in files if names.search(path.read_text(encoding="utf-8"))]
    assert known == ["attune/report/figures/registry.py"]


def test_batches_have_at_most_so_many_candidates_and_no_chance(tmp_path: Path) -> None:
    scores = {"mrr": 0.25, "mrr_low": 0.2, "mrr_high": 0.35}
    write_json(tmp_path / "cobert_intervals.json", {"small": {"all": {"untrained": scores, "tuned": scores}}})
    (figure,) = (each for each in FIGURES if each.name == "mrr_comparison")
    for drawn_from, label, legend in (
        ("test_split", "test MRR (100 candidates)", ["all", "chance (0.052)"]),
        ("in_batch", "test MRR (at most 100 candidates)", ["all"]),
    ):
        keys = ("cobert.drawn_from", drawn_from), ("cobert.candidates", 100)
        settings = parameters.load(changed(tmp_path, ("cobert.subsets", ["small"]), *keys))
        drawn = figure.draw(Results(settings, metrics=tmp_path))
        assert drawn.get_supxlabel() == label
        assert sorted(text.get_text() for text in drawn.legends[0].get_texts()) == legend


def test_beside_what_other_recipes_start_from_the_untrained_model_has_its_recipe_s_name(tmp_path: Path) -> None:
    scores = {"mrr": 0.25, "mrr_low": 0.2, "mrr_high": 0.35, "gflops": 2.0}
    models = ("untrained", "baseline", "tuned before training")
    write_json(tmp_path / "compare.json", {"all": dict.fromkeys(models, scores), "mean": dict.fromkeys(models, scores)})
    settings = parameters.load(changed(tmp_path, ("cobert.domains", ["all"]), ("compare.domains", ["all"])))
    results = Results(settings, metrics=tmp_path)
    write_json(
        tmp_path / "cobert_intervals.json", {"large": {"all": dict.fromkeys(models[:2], scores | {"loss": 2.0})}}
    )
    pair = {"before": "untrained", "after": "baseline", "contexts": 20}
    power = POWER | {"interval": [pair | {"half_width": 0.1}], "needed": [pair | {"difference": 0.1}]}
    write_json(tmp_path / "power.json", power)
    for name in ("mrr_comparison", "loss_comparison", "contexts_needed"):
        (figure,) = (each.draw(results) for each in FIGURES if each.name == name)
        shown = str([text.get_text() for text in figure.findobj(Text)]).replace("\\n", " ")
        assert "baseline before training" in shown
        assert "untrained" not in shown
    for figure in (each for each in FIGURES if each.name.startswith("matching_")):
        axes = figure.draw(results).axes[0]
        shown = {text.get_text() for text in (*axes.get_yticklabels(), *axes.texts)}
        assert {"baseline before training", "tuned before training", "baseline"} <= shown
        assert "untrained" not in shown


def test_a_figure_promises_intervals_only_where_scores_have_them() -> None:
    (caption,) = (each.caption for each in FIGURES if each.name == "decoding_sweep")
    assert caption.endswith("with 95 % intervals where a score has one")


def test_a_failing_figure_leaves_the_folder_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Results) -> Figure:
        raise ValueError("no such score")

    monkeypatch.setattr(
        registry, "FIGURES", (FigureRecord("a", "A", lambda _: Figure()), FigureRecord("b", "B", fails))
    )
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "old.png").touch()
    with pytest.raises(ValueError, match="no such score"):
        registry.draw("report", Results(parameters.load(ROOT / "params.yaml")), tmp_path / "figures")
    assert [path.name for path in tmp_path.rglob("*")] == ["figures", "old.png"]


@pytest.mark.fault("a matplotlibrc of the user's that asks for LaTeX and another style", "the same figures")
def test_a_user_s_matplotlibrc_changes_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(_: Results) -> Figure:
        figure, (axes,) = subplots(3, 2)
        axes.plot([1, 2], label="50 % of $x_1")
        axes.text(0, 1, "#_&\\frac")
        axes.legend()
        return figure

    monkeypatch.setattr(registry, "FIGURES", (FigureRecord("a", "A", drawn),))
    results = Results(parameters.load(ROOT / "params.yaml"))
    registry.draw("report", results, tmp_path / "plain")
    theirs = {"text.usetex": True, "font.size": 30, "axes.facecolor": "black", "lines.linewidth": 9, "svg.id": "x"}
    with mpl.rc_context(theirs):
        registry.draw("report", results, tmp_path / "theirs")
    for name in ("a.png", "a.svg"):
        assert sha256(tmp_path / "plain" / name) == sha256(tmp_path / "theirs" / name)
