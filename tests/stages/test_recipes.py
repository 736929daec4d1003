import json
from pathlib import Path

from tests.project import changed
from tests.stages.running import run_without_large


def test_recipes_are_written_out_whole(tmp_path: Path) -> None:
    changed(tmp_path, ("lr", 3e-5))
    done = run_without_large(tmp_path, "stages.recipes", "target=data/recipes")
    assert done.returncode == 0, done.stderr
    names = {
        "attune", "baseline", "tuned", "bi_encoder", "hard_negatives", "poly_encoder", "max_sim", "cross_encoder",
        "no_persona",
    }  # fmt: skip
    ablation = {f"personas_{count}" for count in (0, 1, 5, 10, 20)}
    assert {path.stem for path in (tmp_path / "data/recipes").iterdir()} == names | ablation
    for count in (0, 20):
        recipe = json.loads((tmp_path / f"data/recipes/personas_{count}.json").read_text())
        assert recipe == json.loads((tmp_path / "data/recipes/tuned.json").read_text()) | {"num_personas": count}
    rates = {path.stem: json.loads(path.read_text())["lr"] for path in (tmp_path / "data/recipes").iterdir()}
    assert [name for name, rate in rates.items() if rate == 3e-5] == ["baseline"]
    assert rates["tuned"] == 5e-5
