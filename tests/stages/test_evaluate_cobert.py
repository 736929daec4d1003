from pathlib import Path

import pytest

from attune.errors import AttuneError
from attune.files import read_json, sha256
from stages import evaluate_cobert
from tests.stages.cobert_project import project, train
from tests.test_parameters import changed


def test_trained_models_are_evaluated_beside_the_untrained_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch)
    for recipe in ("baseline", "tuned", "attune"):
        train(recipe)
    for target in ("one", "two"):
        others = [f"{target}-{name}.json" for name in ("intervals", "tests")]
        evaluate_cobert.main("recipes", "encoder", "pec", "models", f"{target}.json", *others, f"{target}.parquet")
    widths = read_json(Path("one-intervals.json"))["small"]
    assert set(widths) == {"happy", "mean"}
    assert widths["mean"] == widths["happy"]
    assert widths["happy"]["tuned"]["mrr_low"] < widths["happy"]["tuned"]["mrr"] < widths["happy"]["tuned"]["mrr_high"]
    tests = read_json(Path("one-tests.json"))["small"]["happy"]
    difference = widths["happy"]["tuned"]["mrr"] - widths["happy"]["baseline"]["mrr"]
    assert tests["baseline to tuned"]["difference"] == pytest.approx(difference, abs=2e-6)
    assert len(tests) == 6
    assert sha256(Path("one.json")) == sha256(Path("two.json"))
    assert sha256(Path("one.parquet")) == sha256(Path("two.parquet"))
    found = read_json(Path("one.json"))["small"]["happy"]
    assert set(found) == {"untrained", "baseline", "tuned", "attune"}
    assert set(found["tuned"]) == {"loss", "mrr", "r@1", "r@10", "r@50"}
    assert found["tuned"]["mrr"] > found["untrained"]["mrr"]
    assert found["tuned"]["loss"] < found["untrained"]["loss"]
    assert found["tuned"]["r@10"] == 1


def test_a_domain_with_fewer_replies_than_candidates_says_what_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, monkeypatch)
    changed(tmp_path, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy"]), ("cobert.candidates", 100))
    with pytest.raises(AttuneError, match=r"needs 99; set cobert\.candidates to at most 16"):
        evaluate_cobert.main("recipes", "encoder", "pec", "models", "m.json", "i.json", "t.json", "m.parquet")
    assert not Path("m.json").exists()
