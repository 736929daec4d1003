from attune.report.power import about, first_report
from tests.report.power_numbers import POWER


def test_the_paragraph_says_what_the_first_report_s_finding_tells_and_does_not() -> None:
    text = first_report(POWER)
    assert "only half of the fine-tuned models outperformed the baseline in MRR, with test sets of 20 and 100" in text
    assert "if fine-tuning changed nothing, at most half of them come out ahead in 66 % of experiments with 20" in text
    assert "if it made every one better by 0.02, still in 42 %, and in 19 % with 100" in text
    assert "It does speak against one of 0.1, with which it happens in 2 % and 0 %" in text
    assert "better by 0.02, 2 % are seen to be (their interval is above 0) with 20 contexts and 8 % with 100" in text
    assert text.endswith("of those better by 0.1, 22 % and 86 %.")


def test_the_contexts_that_a_difference_needs_and_the_small_test_set_stand_beside_it() -> None:
    page = about(POWER)
    assert "2500 to see 0.02, 400 to see 0.05, 100 to see 0.1" in page
    assert (
        "small subset on its own test contexts alone, mean MRR of the domains: baseline 0.250 (0.125 to 0.375)" in page
    )
    assert about(POWER | {"own": {"scores": {}, "tests": []}}).count("<li>") == 0
