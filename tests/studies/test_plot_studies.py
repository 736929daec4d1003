from pathlib import Path

import pytest
from matplotlib.image import imread

from attune import parameters
from attune.core.files import sha256, write_json
from attune.evaluation.ranking.baselines import BASELINES
from attune.report.figures.registry import on_page
from studies.plot_studies import main
from tests.project import changed
from tests.report.everyday_numbers import EVERYDAY
from tests.report.seed_numbers import SEEDS

SCORES = {"mrr": 0.3, "mrr_low": 0.2, "mrr_high": 0.4}


@pytest.fixture
def _metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = parameters.load(changed(tmp_path))
    domains = settings.cobert.domains
    methods = [*BASELINES, "untrained", *settings.compare.recipes, *settings.cobert.recipes]
    scores = {name: SCORES | {"gflops": float(number)} for number, name in enumerate(methods)}
    write_json(Path("metrics/compare.json"), dict.fromkeys([*domains, "mean"], scores))
    write_json(Path("metrics/personas.json"), dict.fromkeys(("0", "5", "10"), SCORES))
    write_json(Path("metrics/transfer.json"), dict.fromkeys(domains, dict.fromkeys(domains, SCORES)))
    write_json(Path("metrics/seeds.json"), SEEDS)
    write_json(Path("metrics/everyday.json"), EVERYDAY)


@pytest.mark.slow
@pytest.mark.usefixtures("_metrics")
def test_the_figures_are_drawn_twice_the_same() -> None:
    for target in ("one", "two"):
        main(metrics=Path("metrics"), figures=Path(target))
    one, two = ({path.name: sha256(path) for path in Path(target).iterdir()} for target in ("one", "two"))
    assert len(one) > 5
    assert one == two


@pytest.mark.usefixtures("_metrics")
def test_the_figures_are_drawn(tmp_path: Path) -> None:
    main(metrics=Path("metrics"), figures=Path("one"))
    names = {record.name for record in on_page("studies")}
    assert {path.stem for path in Path("one").iterdir()} == names
    for name in names:
        picture = imread(tmp_path / "one" / f"{name}.png")
        assert min(picture.shape[:2]) > 200
        assert picture[..., :3].std() > 0.05
