from typing import Any

import pandas as pd
import pytest

from attune.report.differences import Difference, differences, in_brackets, p_text
from attune.report.score_tables import difference_tables

MRR: dict[str, Any] = {"family": "f", "before": "a", "after": "b", "score": "mrr", "effect": 0.4}


def test_the_verdict_agrees_with_the_score_s_sense() -> None:
    found = {"difference": -0.1, "low": -0.2, "high": -0.05, "p": 0.001, "p_holm": 0.004}
    assert Difference(**MRR, **found).verdict == "worse"
    assert Difference(**MRR | {"score": "loss"}, **found).verdict == "better"
    assert Difference(**MRR | {"score": "emotion_match"}, **found).verdict == "lower"


@pytest.mark.parametrize(
    ("low", "p_holm", "verdict"),
    [(0.01, 0.01, "better"), (0.01, 0.13, "no difference after correction"), (-0.01, 0.13, "no difference found")],
)
def test_nothing_is_found_against_the_interval_or_the_corrected_p(low: float, p_holm: float, verdict: str) -> None:
    assert Difference(**MRR, difference=0.05, low=low, high=0.1, p=0.01, p_holm=p_holm).verdict == verdict
    assert Difference(**MRR, difference=0.05, low=-0.01, high=0.1, p=0.01, p_holm=0.01).verdict == "no difference found"


def test_a_loss_is_shown_as_the_change_of_perplexity() -> None:
    each = Difference(**MRR | {"score": "loss"}, difference=-0.693147, low=-1.0, high=0.0, p=1.0, p_holm=1.0)
    assert (each.size, each.interval) == ("−50.0 %", "−63.2 % to 0.0 %")


def test_a_p_at_the_resamples_limit_is_a_bound_also_when_corrected() -> None:
    each = Difference(**MRR, difference=0.05, low=0.01, high=0.1, p=0.0001, p_holm=0.0012)
    assert (each.p_text, each.p_holm_text) == ("≤ 0.0001", "≤ 0.0012")
    assert Difference(**MRR, difference=0.05, low=0.01, high=0.1, p=0.0001, p_holm=1.0).p_holm_text == "1.00"
    assert [p_text(p) for p in (0.00005, 0.0012, 0.0412, 0.734)] == ["≤ 0.0001", "0.0012", "0.041", "0.73"]


def test_too_few_examples_have_no_interval_and_no_effect() -> None:
    open_ends = dict.fromkeys(("low", "high", "effect"))
    (each,) = differences(pd.DataFrame([MRR | open_ends | {"difference": 0.1, "p": 0.5, "p_holm": 1.0}]))
    assert in_brackets(each) == "(95 % interval none, for too few examples, corrected p = 1.00)"
    assert each.verdict == "no difference found"
    assert "none, for too few examples" in difference_tables([each], str)
