"""docs/platforms.md says how far a GPU's results are from the committed ones."""

import pytest

from attune.core.files import read_json
from benchmarks.harness import RESULTS
from tests.project import ROOT

PAGE = " ".join((ROOT / "docs/platforms.md").read_text(encoding="utf-8").split())


@pytest.mark.usefixtures("committed_results")
def test_a_gpu_s_results_are_as_near_to_the_committed_ones_as_it_says() -> None:
    found, ranked = read_json(RESULTS / "main_job_gpu.json"), read_json(ROOT / "metrics/cobert.json")
    mrr = {
        (model, subset, domain): abs(value - ranked[subset][domain][model]["mrr"])
        for subset, domains in found["mrr"].items()
        for domain, models in domains.items()
        for model, value in models.items()
    }
    # Of this one the untrained weights are kept since then.
    del mrr["attune", "small", "all"]
    then, now = (figures["small"]["all"]["attune"] for figures in (found["mrr"], ranked))
    kept = f"(MRR {now['mrr']:.3f}, in that run {then:.3f})".replace(" 0.", " .")
    assert f"`attune` on the small subset of `all` now keeps its untrained weights {kept}" in PAGE
    assert (len(mrr), max(mrr.values()) <= 0.0006) == (23, True)
    assert "MRRs differ from the committed ones by at most 0.0006" in PAGE
    assert f"in {found['seconds'] // 60} min {found['seconds'] % 60} s" in PAGE
