import json
from pathlib import Path

from tests.stages.running import run
from tests.test_parameters import changed


def test_recipes_are_written_out_whole(tmp_path: Path) -> None:
    changed(tmp_path, ("lr", 3e-5))
    done = run(tmp_path, "stages.recipes", "data/recipes")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "data/recipes").iterdir()) == [
        "baseline.json",
        "tuned.json",
    ]
    assert json.loads((tmp_path / "data/recipes/baseline.json").read_text())["lr"] == 3e-5
    assert json.loads((tmp_path / "data/recipes/tuned.json").read_text())["lr"] == 5e-5
