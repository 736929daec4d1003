from typing import Any

import pytest

from attune.report.power import about, first_report
from tests.report.power_numbers import POWER

UNDECIDED = "the finding cannot distinguish an improvement of 0.02 from none; it "


def test_the_paragraph_says_what_the_first_report_s_finding_tells_and_does_not() -> None:
    text = first_report(POWER)
    assert "only half of the fine-tuned models outperformed the baseline in MRR, with 20 and 100 test contexts" in text
    assert (
        "We simulated experiments with 6 models, each tested on its own 20 or 100 contexts drawn from ours. At most "
        "half of the models come out ahead in 66 % (20 contexts) and 67 % (100) of the experiments if fine-tuning "
        "changes nothing, in 42 and 19 % if it improves every model by 0.02, and in 2 and 0 % if by 0.1."
    ) in text
    assert f"{UNDECIDED}speaks against an improvement of 0.1." in text
    assert "One model's improvement of 0.02 is seen (interval above 0) in 2 and 8 %" in text
    assert text.endswith("one of 0.1 in 22 and 86 %.")


@pytest.mark.parametrize(
    ("difference", "few", "many", "verdict"),
    [
        (0.1, 0.43, 0.21, f"{UNDECIDED}cannot distinguish an improvement of 0.1 from none."),
        (0.1, 0.05, 0.0499, f"{UNDECIDED}speaks against an improvement of 0.1, but only with 100 contexts."),
        (
            0.02,
            0.04,
            0.0,
            "the finding speaks against an improvement of 0.02; it speaks against an improvement of 0.1.",
        ),
    ],
)
def test_what_the_finding_speaks_against_follows_from_the_numbers(
    difference: float, few: float, many: float, verdict: str
) -> None:
    shares = {20: few, 100: many}
    rows = [
        row | ({"at_most_half": shares[row["contexts"]]} if row["difference"] == difference else {})
        for row in POWER["outperform"]
    ]
    assert f"Below 5 % counts as unlikely: {verdict}" in first_report(POWER | {"outperform": rows})


def test_contexts_without_variation_are_said_to_tell_nothing() -> None:
    nothing = {"models": 0, "better": None, "at_most_half": None, "significant": None}
    page = about(
        POWER
        | {
            "needed": [row | {"contexts": None} for row in POWER["needed"]],
            "outperform": [row | nothing for row in POWER["outperform"]],
        },
        {},
    )
    assert "between tuned and baseline is not known: these contexts show no variation to estimate it from." in page
    assert "20 and 100 test contexts. These contexts show no variation from which to simulate" in page
    assert "%" not in page


def test_a_single_model_is_one() -> None:
    rows: list[dict[str, Any]] = [row | {"models": 1} for row in POWER["outperform"]]
    text = first_report(POWER | {"outperform": rows})
    assert (
        "We simulated experiments with 1 model, tested on its own 20 or 100 contexts drawn from ours. It does" in text
    )
    assert "if it improves the model by 0.02" in text


def test_the_contexts_that_a_difference_needs_and_the_small_test_set_stand_beside_it() -> None:
    page = about(POWER, {})
    assert "2,500 for 0.02, 400 for 0.05, 100 for 0.1" in page
    assert (
        "small subset on its own test contexts alone, mean MRR of the domains: baseline 0.250 (0.125 to 0.375)" in page
    )
    assert "fine-tuning</summary>\n<p>The first report found" in page
    assert about(POWER | {"own": {"scores": {}, "tests": []}}, {}).count("<li>") == 0
    alone = {"scores": {"small": {"mean": {"baseline": {"mrr": 0.25}}}}, "tests": []}
    assert "mean MRR of the domains: baseline 0.250.<" in about(POWER | {"own": alone}, {})
    renamed = about(POWER, {"baseline": "the first recipe"})
    assert "see a difference in MRR between tuned and the first recipe (95 %" in renamed
    assert "mean MRR of the domains: the first recipe 0.250 (" in renamed
