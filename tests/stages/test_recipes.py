import json
from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_parquet
from stages.recipes import main
from tests.project import changed
from tests.stages.running import run_without_large


def test_recipes_are_written_out_whole(sample: Path, tmp_path: Path) -> None:
    changed(tmp_path, ("lr", 3e-5))
    done = run_without_large(
        tmp_path, "stages.recipes", f"candidates={sample / 'subset/pec/candidates'}", "target=data/recipes"
    )
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


def test_more_candidates_than_replies_are_refused_before_any_training(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pools = sample / "subset/pec/candidates"
    most = len({row["response"] for row in read_parquet(pools / "happy.parquet")})
    assert most < len({row["response"] for row in read_parquet(pools / "all.parquet")})
    message = rf"the test split of happy has {most} different replies, and cobert\.candidates is {most + 1}"
    elsewhere = [("cobert.domains", ["all"]), ("personas.domain", "all")]
    for changes in ([("cobert.domains", ["all", "happy"])], [*elsewhere[:1], ("personas.domain", "happy")]):
        changed(tmp_path, ("cobert.candidates", most + 1), *changes)
        with pytest.raises(
            AttuneError,
            match=rf"{message}; set it to at most {most}, or use a larger source; if .*`dvc repro --force download`",
        ):
            main(candidates=pools, target=Path("out"))
        assert not Path("out").exists()
    # Too many for any domain: what is named suits each of them.
    fewest = len({row["response"] for row in read_parquet(pools / "offmychest.parquet")})
    assert fewest < most
    changed(tmp_path, ("cobert.candidates", 10 * most))
    with pytest.raises(AttuneError, match=rf"split of offmychest has {fewest} .* set it to at most {fewest},"):
        main(candidates=pools, target=Path("out"))
    for key, value in (("candidates", most), ("domains", ["all"]), ("drawn_from", "in_batch")):
        fitting = {"candidates": most + 1, "domains": ["happy"], "drawn_from": "test_split"} | {key: value}
        changed(tmp_path, *((f"cobert.{name}", each) for name, each in fitting.items()))
        main(candidates=pools, target=Path("out"))
