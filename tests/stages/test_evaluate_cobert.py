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
    train("baseline")
    train("tuned")
    for target in ("one", "two"):
        evaluate_cobert.main("recipes", "encoder", "pec", "models", f"{target}.json", f"{target}.parquet")
    assert sha256(Path("one.json")) == sha256(Path("two.json"))
    assert sha256(Path("one.parquet")) == sha256(Path("two.parquet"))
    found = read_json(Path("one.json"))["small"]["happy"]
    assert set(found) == {"untrained", "baseline", "tuned"}
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
        evaluate_cobert.main("recipes", "encoder", "pec", "models", "m.json", "m.parquet")
    assert not Path("m.json").exists()
