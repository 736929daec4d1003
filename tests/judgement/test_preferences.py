import itertools
import json
import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import pytest
from scipy.stats import binomtest, norm
from scipy.stats import t as student

from attune.core.errors import AttuneError
from attune.core.files import read_csv, read_json, write_csv
from attune.judgement import export_pairs, judge_pairs
from attune.judgement.agreement import _krippendorff, agreement
from attune.judgement.answers import VISITOR, Judgement, Thumb, read_answers
from attune.judgement.preferences import first_preferred, fit, strengths, thumbs_up, win_rates
from tests.judgement.annotators import STRENGTHS, answer, write_replies


@pytest.fixture
def found(tmp_path: Path) -> dict[str, Any]:
    """The analysis of three simulated annotators' answers."""
    write_replies(tmp_path / "answers.parquet", contexts=100)
    judged = tmp_path / "judged"
    export_pairs.main(["--replies", str(tmp_path / "answers.parquet"), "--target", str(judged)])
    files = [tmp_path / f"{name}.csv" for name in ("ann", "ben", "cem")]
    for seed, path in enumerate(files):
        answer(judged / "key.csv", path, path.stem, seed)
    target = tmp_path / "judgements.json"
    judge_pairs.main(["--key", str(judged / "key.csv"), "--answers", *map(str, files), "--target", str(target)])
    return read_json(target)


def test_the_analysis_finds_what_simulated_annotators_prefer(found: dict[str, Any]) -> None:
    """A tenth of the verdicts are ties, which pull every preference a little towards one half."""
    assert [each["system"] for each in found["strengths"]] == ["good", "fair", "poor"]
    for each in found["strengths"]:
        assert each["strength_low"] < each["strength"] < each["strength_high"]
        assert each["strength"] == pytest.approx(STRENGTHS[each["system"]], abs=0.35)
    for each in found["win_rates"]:
        ahead = STRENGTHS[each["system"]] - STRENGTHS[each["other"]]
        expected = 0.9 / (1 + math.exp(-ahead)) + 0.05
        assert each["win_rate_low"] < expected < each["win_rate_high"]
        assert each["p"] <= each["p_holm"] < 0.01
        assert each["wins"] + each["ties"] + each["losses"] == 3 * each["contexts"] == 300
    position = found["position"]
    assert position["first_preferred_low"] < 0.5 < position["first_preferred_high"]
    low, alpha, high = (found["agreement"].pop(name) for name in ("alpha_low", "alpha", "alpha_high"))
    assert 0.1 < low < alpha < high < 0.9
    assert found["agreement"] == {"annotators": 3, "pairs": 300, "pairs_judged_by_several": 300}


def judgements(*rows: tuple[str, str, str, str, float]) -> list[Judgement]:
    return [Judgement(*row) for row in rows]


def test_win_rates_by_hand() -> None:
    """x against y: a win, a loss shown second, a tie, and a win shown second."""
    given = judgements(
        ("ann", "1", "x", "y", 1.0),
        ("ann", "2", "y", "x", 1.0),
        ("ann", "3", "x", "y", 0.5),
        ("ann", "4", "y", "x", 0.0),
    )
    (record,) = win_rates(given, 13)
    assert (record["wins"], record["ties"], record["losses"], record["win_rate"]) == (2, 1, 1, 0.625)
    assert first_preferred(given, 13)["first_preferred"] == 0.625


def test_p_are_corrected_for_the_number_of_pairs() -> None:
    """x always beats y, and both are as good as z: the smallest of three p counts three times, the others are 1."""
    won = [Judgement("a", str(at), "x", "y", 1.0) for at in range(12)]
    even = [Judgement("a", str(at), name, "z", float(at % 4 < 2)) for name in "xy" for at in range(12)]
    records = win_rates(won + even, 13)
    ps = [each["p"] for each in records]
    assert [(each["system"], each["other"]) for each in records] == [("x", "y"), ("x", "z"), ("y", "z")]
    assert ps[0] < 0.003
    assert [each["p_holm"] for each in records] == pytest.approx([3 * ps[0], 1, 1], abs=3e-4)


def test_judgements_of_one_context_are_one_unit() -> None:
    """Three annotators of the same ten contexts know less than thirty contexts would say."""
    several = [Judgement(name, str(at), "x", "y", float(at < 6)) for name in "abc" for at in range(10)]
    many = [Judgement("a", f"{name}{at}", "x", "y", float(at < 6)) for name in "abc" for at in range(10)]
    (few,), (more,) = win_rates(several, 13), win_rates(many, 13)
    assert few["win_rate"] == more["win_rate"] == 0.6
    assert few["win_rate_high"] - few["win_rate_low"] > more["win_rate_high"] - more["win_rate_low"]


def test_the_fit_is_where_expected_wins_are_the_observed_ones() -> None:
    """Two systems: the log-odds of the wins. Three: the maximum of the likelihood, whose gradient is 0."""
    two = fit(np.array([[[0.0, 6.0], [2.0, 0.0]]]))[0]
    assert two[0] - two[1] == pytest.approx(math.log(3), abs=1e-5)
    wins = np.array([[0.0, 7.0, 4.0], [3.0, 0.0, 6.0], [1.0, 2.0, 0.0]])
    logs = fit(wins[None])[0]
    games = wins + wins.T
    for row in range(3):
        expected = sum(
            games[row, other] / (1 + math.exp(logs[other] - logs[row])) for other in range(3) if other != row
        )
        assert expected == pytest.approx(wins[row].sum(), abs=1e-4)


def test_a_system_that_always_wins_is_not_infinitely_strong() -> None:
    """Four wins and the added tie: 4.5 to 0.5."""
    records = strengths([Judgement("a", str(at), "x", "y", 1.0) for at in range(4)], 13)
    assert records[0]["strength"] - records[1]["strength"] == pytest.approx(math.log(9), abs=1e-3)
    assert [records[0][end] for end in ("strength_low", "strength_high")] == [None, None]


def test_a_unanimous_win_rate_is_no_certainty() -> None:
    """Of ten contexts that all say the same, the exact bound: 0.025 to the power of 1 / 10. Of four there is none."""
    (always,) = win_rates([Judgement("a", str(at), "x", "y", 1.0) for at in range(10)], 13)
    assert [always[name] for name in ("win_rate_low", "win_rate", "win_rate_high")] == [0.6915, 1.0, 1.0]
    (never,) = win_rates([Judgement("a", str(at), "x", "y", 0.0) for at in range(10)], 13)
    assert [never[name] for name in ("win_rate_low", "win_rate", "win_rate_high")] == [0.0, 0.0, 0.3085]
    few = [Judgement("a", str(at), "x", "y", 1.0) for at in range(4)]
    assert "win_rate_low" not in win_rates(few, 13)[0]
    assert "x is preferred to y in 100 % (no interval: fewer than 6 units), corrected p = 0.12" in "".join(
        judge_pairs.sentences(judge_pairs.analysis(few, [], 13))
    )


@pytest.mark.parametrize("won", range(11))
def test_a_win_rate_differs_from_a_half_where_its_interval_says_so(won: int) -> None:
    (found,) = win_rates([Judgement("a", str(at), "x", "y", float(at < won)) for at in range(10)], 13)
    assert found["win_rate_low"] <= found["win_rate"] <= found["win_rate_high"]
    assert (found["p"] < 0.05) == (found["win_rate_low"] > 0.5 or found["win_rate_high"] < 0.5)


def lopsided(won: int, units: int = 30) -> list[Judgement]:
    return [Judgement("a", str(at), "x", "y", float(at < won)) for at in range(units)]


def test_the_interval_of_a_lopsided_win_rate_is_as_wide_as_the_exact_one() -> None:
    """Of 30 units, from either side; the bounds of Clopper and Pearson by SciPy's own test."""
    lows = []
    for won in (26, 28, 29, 30):
        exact = binomtest(won, 30).proportion_ci(method="exact")
        found, other = (win_rates(lopsided(each), 13)[0] for each in (won, 30 - won))
        assert found["win_rate_low"] <= exact.low + 1e-4
        assert found["win_rate_high"] >= exact.high - 1e-4
        assert found["win_rate_low"] == pytest.approx(1 - other["win_rate_high"], abs=1e-4)
        lows.append(found["win_rate_low"])
    assert lows == sorted(lows)  # more wins are more evidence


@pytest.mark.parametrize("preferred", [0.73, 0.9])
def test_the_interval_of_a_win_rate_holds_the_truth_as_often_as_it_says(preferred: float) -> None:
    """Of all that 30 units can say, by its probability. Counts are whole, so that it is not .95 exactly."""
    holds = 0.0
    for won in range(10, 31):
        (found,) = win_rates(lopsided(won), 13)
        inside = found["win_rate_low"] <= preferred <= found["win_rate_high"]
        holds += inside * math.comb(30, won) * preferred**won * (1 - preferred) ** (30 - won)
    assert holds > 0.94


@pytest.mark.parametrize(("won", "tied"), [(6, 0), (6, 1), (6, 3), (5, 4), (7, 4), (9, 7), (8, 0)])
@pytest.mark.parametrize("lost", [0, 1])
def test_no_exact_bound_contradicts_the_test(won: int, tied: int, lost: int) -> None:
    """Ties leave the exact interval wide, which the test does not count; from either side."""
    points = [1.0] * won + [0.5] * tied + [0.0] * lost
    for given in (points, [1 - each for each in points]):
        (found,) = win_rates([Judgement("a", str(at), "x", "y", each) for at, each in enumerate(given)], 13)
        assert found["win_rate_low"] <= found["win_rate"] <= found["win_rate_high"]
        assert (found["p"] < 0.05) == (found["win_rate_low"] > 0.5 or found["win_rate_high"] < 0.5)


def test_the_interval_of_a_strength_holds_the_truth_as_often_as_it_says() -> None:
    """Of all that 30 units can say, by its probability, where 73 % of verdicts are for x."""
    holds = 0.0
    for won in range(11, 30):
        x = next(each for each in strengths(lopsided(won), 13) if each["system"] == "x")
        inside = x["strength_low"] <= math.log(0.73 / 0.27) / 2 <= x["strength_high"]
        holds += inside * math.comb(30, won) * 0.73**won * 0.27 ** (30 - won)
    assert holds > 0.95


def test_verdicts_in_both_orders_are_one_value_and_their_agreement_is_told() -> None:
    """On 1 the verdict is the same in both orders; on 2 it is for what is shown first."""
    both = judgements(
        ("ann", "1", "x", "y", 1.0),
        ("ann", "1", "y", "x", 0.0),
        ("ann", "2", "x", "y", 1.0),
        ("ann", "2", "y", "x", 1.0),
    )
    ben = judgements(("ben", "1", "x", "y", 1.0), ("ben", "2", "x", "y", 0.5))
    found = agreement(both + ben, 13)
    assert (found["alpha"], found["judged_in_both_orders"], found["consistent"]) == (1, 2, 0.5)
    assert "consistent" not in agreement(ben, 13)
    told = judge_pairs.sentences(judge_pairs.analysis(both + ben, [], 13))
    assert "2 judgements in both orders, the same verdict in 50 % (no interval: fewer than 6 units)" in told


def test_the_same_order_twice_and_visitors_are_not_both_orders() -> None:
    """Ann has judged two exports of a pair in one order; the visitors of 1 may be two people."""
    ann = judgements(("ann", "1", "x", "y", 1.0), ("ann", "1", "x", "y", 0.0))
    visitors = judgements((VISITOR, "1", "x", "y", 1.0), (VISITOR, "1", "y", "x", 1.0))
    assert "consistent" not in agreement(ann + visitors, 13)
    assert agreement([*ann, *visitors, Judgement("ann", "1", "y", "x", 0.0)], 13)["judged_in_both_orders"] == 1


def test_a_language_model_says_nothing_about_position() -> None:
    """It is asked in both orders; what it prefers by position alone is a tie, in whichever order the form has it."""
    model = judgements(("model:j", "1", "x", "y", 0.5), ("model:j", "1", "y", "x", 0.5))
    ann = judgements(("ann", "1", "x", "y", 1.0), ("ann", "2", "x", "y", 1.0))
    assert first_preferred(model + ann, 13)["first_preferred"] == 1
    found = judge_pairs.analysis(model, [], 13)
    assert found["position"] == {}
    assert "consistent" not in found["agreement"]
    told = judge_pairs.sentences(found)
    assert not [line for line in told if "shown first" in line or "both orders" in line]
    assert any(line.startswith("x is preferred to y in 50 %") for line in told)


def test_no_alpha_has_its_reason() -> None:
    ties = [Judgement(name, str(at), "x", "y", 0.5) for name in ("ann", "ben") for at in range(8)]
    for given, reason in (
        (ties, "none, for all verdicts on the 8 pairs that several judged are ties, and alpha needs another"),
        (ties[:8], "none, for no two annotators judged the same"),
    ):
        first = judge_pairs.sentences(judge_pairs.analysis(given, [], 13))[0]
        assert first.endswith(f"Krippendorff's alpha: {reason}")


def test_systems_without_a_common_opponent_have_no_common_scale() -> None:
    with pytest.raises(AttuneError, match="y, z and w were never compared, not even through a third system"):
        strengths(judgements(("a", "1", "w", "x", 1.0), ("a", "1", "y", "z", 1.0)), 13)


@pytest.mark.parametrize(("contexts", "pairs"), [(30, 2), (8, 6)])
def test_alpha_has_an_interval_over_contexts(contexts: int, pairs: int) -> None:
    """Two annotators agree on some two thirds; resampled by hand, with pairs of a context kept together.

    The percentiles are as far out as Student's t is for so few contexts.
    """
    draws = random.Random(1)
    ann = np.array([draws.randint(0, 1) for _ in range(contexts * pairs)], float)
    ben = np.array([each if draws.random() < 2 / 3 else 1 - each for each in ann])
    rows = [
        Judgement(name, f"c{at // pairs}", "x", f"y{at % pairs}", points)
        for name, values in (("ann", ann), ("ben", ben))
        for at, points in enumerate(values.tolist())
    ]
    found = agreement(rows, 13)
    by_context = np.stack([ann, ben]).reshape(2, contexts, pairs)
    resampled = []
    for _ in range(2000):
        table = by_context[:, [draws.randrange(contexts) for _ in range(contexts)]].reshape(2, -1)
        both_sides = np.hstack([table, 1 - table])
        resampled.append(krippendorff.alpha(both_sides, level_of_measurement="ordinal"))
    beyond = norm.cdf(student.ppf(0.025, contexts - 1) * math.sqrt(contexts / (contexts - 1)))
    expected = np.quantile(resampled, [beyond, 1 - beyond])
    assert [found["alpha_low"], found["alpha_high"]] == pytest.approx(expected.tolist(), abs=0.04)
    assert found["alpha_low"] < found["alpha"] < found["alpha_high"]


def test_agreement_is_perfect_absent_or_by_chance() -> None:
    """The same preferences in either order agree; one annotator, or one value, tells nothing."""
    same = [Judgement("ann", str(at), "x", "y", float(at % 2)) for at in range(4)]
    swapped = [Judgement("ben", str(at), "y", "x", float(not at % 2)) for at in range(4)]
    assert agreement(same + swapped, 13)["alpha"] == 1
    assert agreement(same, 13)["alpha"] is None
    against = [Judgement("ben", str(at), "x", "y", float(not at % 2)) for at in range(4)]
    # From both sides two values in equal numbers, no pair of them equal: 1 - 1 / (8 * 8 * 2 / (16 * 15)) = -0.875.
    assert agreement(same + against, 13)["alpha"] == pytest.approx(-0.875)
    always = [Judgement(name, str(at), "x", "y", 1.0) for name in ("ann", "ben") for at in range(4)]
    assert agreement(always, 13)["alpha"] == 1  # either system might have been preferred


def test_agreement_depends_neither_on_the_systems_names_nor_on_which_is_shown_first() -> None:
    """Most verdicts are for y or z, so that pairs from the other side would have other chances."""
    draws = random.Random(1)
    given = [
        Judgement(name, str(at), *systems, draws.choice((0.0, 0.0, 0.5, 1.0)))
        for at in range(20)
        for systems in (("x", "y"), ("x", "z"), ("y", "z"))
        for name in ("ann", "ben", "cem", VISITOR, VISITOR, VISITOR)  # the visitors' mean may be a third
    ]
    swapped = [replace(each, first=each.second, second=each.first, points=1 - each.points) for each in given]
    other = {"x": "y", "y": "x", "z": "z"}  # turns one pair alone around
    renamed = [replace(each, first=other[each.first], second=other[each.second]) for each in given]
    found = agreement(given, 13)
    assert None not in found.values()
    assert agreement(swapped, 13) == agreement(renamed, 13) == found


def test_thumbs_are_shares_by_system() -> None:
    given = [Thumb("1", "x", 1.0), Thumb("2", "x", 0.0), Thumb("3", "x", 1.0), Thumb("1", "y", 1.0)]
    records = {each["system"]: each for each in thumbs_up(given, 13)}
    assert records["x"]["up"] == pytest.approx(2 / 3, abs=1e-4)
    assert (records["x"]["thumbs"], records["y"]["up"]) == (3, 1)


def test_the_pages_file_is_read_by_the_same_analysis(tmp_path: Path) -> None:
    lines = [
        '{"conversation": ["Hi."], "system": "x", "verdict": "up", "time": "2025-01-01T10:00:00"}',
        '{"context": "Hi.", "system_a": "x", "system_b": "y", "verdict": "a", "time": "2025-01-01T10:00:00"}',
    ]
    (tmp_path / "thumbs.jsonl").write_text("\n".join(lines))
    judge_pairs.main(["--thumbs", str(tmp_path / "thumbs.jsonl"), "--target", str(tmp_path / "found.json")])
    found = read_json(tmp_path / "found.json")
    assert found["win_rates"][0]["win_rate"] == found["thumbs"][0]["up"] == 1


@pytest.mark.fault("a message in the file of thumbs with a line break of Unicode's", "it is read")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_message_with_any_line_break_is_one_line(tmp_path: Path, encoding: str) -> None:
    """As the page writes it; the file may have gone through an editor that saves as Windows does."""
    breaks = "\u2028\u2029\x85\x0b\x0c\x1c"
    rows = [{"context": [f"Hi{breaks}there {at}."], "system": "x", "verdict": "up"} for at in range(2)]
    text = "\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\r\n"
    (tmp_path / "thumbs.jsonl").write_bytes(text.encode(encoding))
    found = judge_pairs.analysis(*judge_pairs.read(None, [], tmp_path / "thumbs.jsonl"), 13)
    assert [(each["system"], each["thumbs"]) for each in found["thumbs"]] == [("x", 2)]
    (tmp_path / "thumbs.jsonl").write_bytes(text.encode(encoding) + b"{")
    with pytest.raises(AttuneError, match="line 3 is not JSON"):
        judge_pairs.read(None, [], tmp_path / "thumbs.jsonl")


KEY = [
    {"form": "f", "pair": f"p{at}", "id": "c", "system_a": "x", "system_b": "y", "conversation": "c", "cluster": ""}
    for at in (1, 2)
]
GOOD = {"form": "f", "annotator": "ann", "pair": "p1", "verdict": "a"}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([GOOD | {"verdict": "A"}], "answers.csv line 2: the verdict 'A' must be one of a, b, tie"),
        ([GOOD, GOOD | {"pair": "p3"}], "line 3: there is no pair 'p3' in .*key.csv"),
        ([GOOD | {"form": "g"}], "line 2: the answer is of the form 'g', and .* of 'f'"),
        ([GOOD | {"annotator": " "}], "line 2: the annotator has no name"),
        ([GOOD, GOOD | {"verdict": "b"}], "line 3: ann has answered pair p1 already, in .* line 2; remove one"),
        ([{"form": "f", "pair": "p1", "verdict": "a"}], "no column 'annotator'; its header must name form, annotator"),
    ],
)
def test_a_malformed_answer_is_one_sentence(tmp_path: Path, rows: list[dict[str, str]], sentence: str) -> None:
    write_csv(tmp_path / "key.csv", KEY)
    write_csv(tmp_path / "answers.csv", rows)
    words = ["--key", str(tmp_path / "key.csv"), "--answers", str(tmp_path / "answers.csv")]
    with pytest.raises(SystemExit, match=sentence):
        judge_pairs.main([*words, "--target", str(tmp_path / "found.json")])
    assert not (tmp_path / "found.json").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('f,"ann,p1,a\nf,ann,p2,b\n', "in the row that begins on line 2: unexpected end of data"),
        ('f,"ann\n(first\nweek)",p1,A\n', "answers.csv line 2: the verdict 'A'"),
        ("f,ann,p1\n", "line 2 has not as many fields as the header has names"),
        ("f,ann,p1,a,b\n", "line 2 has not as many fields as the header has names"),
    ],
)
@pytest.mark.fault("a file of answers with an unclosed quote", "one sentence with the line; no answer is lost unseen")
def test_a_malformed_row_of_answers_is_named_by_its_first_line(tmp_path: Path, text: str, sentence: str) -> None:
    write_csv(tmp_path / "key.csv", KEY)
    (tmp_path / "answers.csv").write_text(f"form,annotator,pair,verdict\n{text}")
    with pytest.raises(AttuneError, match=sentence):
        read_answers(tmp_path / "key.csv", [tmp_path / "answers.csv"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_answers_that_a_spreadsheet_saved_are_read(tmp_path: Path, encoding: str) -> None:
    write_csv(tmp_path / "key.csv", KEY)
    text = 'form,annotator,pair,verdict\r\nf,"Ann ""A""",p1,a\r\n\r\nf,"Ann ""A""",p2,tie\r\n'
    (tmp_path / "answers.csv").write_text(text, encoding=encoding, newline="")
    given = read_answers(tmp_path / "key.csv", [tmp_path / "answers.csv"])
    assert [(each.annotator, each.points) for each in given] == [('Ann "A"', 1.0), ('Ann "A"', 0.5)]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "line 2 is not JSON"),
        ("[1]", "line 2 is not a JSON object"),
        ('{"system": "x", "verdict": "up"}', "line 2 has neither `context` nor `conversation`"),
        ('{"context": "c", "system": "x", "verdict": "a"}', "line 2: the verdict 'a' must be one of up, down"),
        ('{"context": "c", "system_a": "x", "verdict": "a"}', "line 2 needs `system`, or .* system_b is None"),
        ("[" * 100_000, "line 2 is nested too deeply to be read; remove the line"),
        (
            r'{"context": "c", "system": "x\ud800", "verdict": "up"}',
            "line 2: system 'x.ud800' has half a surrogate",
        ),
        (
            r'{"context": "\ud800", "system": "x", "verdict": "up"}',
            "line 2: context '.ud800' has half a surrogate",
        ),
        ('{"context": "c", "system_a": "x", "system_b": "x", "verdict": "a"}', "line 2: .* are both 'x'; name the two"),
    ],
)
def test_a_malformed_thumb_is_one_sentence(tmp_path: Path, line: str, sentence: str) -> None:
    (tmp_path / "thumbs.jsonl").write_text(f"\n{line}\n")
    with pytest.raises(SystemExit, match=sentence):
        judge_pairs.main(["--thumbs", str(tmp_path / "thumbs.jsonl"), "--target", str(tmp_path / "found.json")])


def test_answers_without_a_key_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="give --key and --answers, --thumbs, or both"):
        judge_pairs.main(["--answers", "a.csv", "--target", str(tmp_path / "found.json")])


def test_every_pair_has_both_orders_over_the_form(tmp_path: Path) -> None:
    """An annotator who always prefers what is shown first prefers no system."""
    write_replies(tmp_path / "answers.parquet", contexts=20)
    judged = tmp_path / "judged"
    export_pairs.main(["--replies", str(tmp_path / "answers.parquet"), "--target", str(judged)])
    rows = [GOOD | {"form": row["form"], "pair": row["pair"]} for row in read_csv(judged / "key.csv")]
    write_csv(tmp_path / "answers.csv", rows)
    found = judge_pairs.analysis(*judge_pairs.read(judged / "key.csv", [tmp_path / "answers.csv"], None), 13)
    assert found["position"]["first_preferred"] == 1
    assert {each["win_rate"] for each in found["win_rates"]} == {0.5}
    assert len(found["win_rates"]) == len(list(itertools.combinations(STRENGTHS, 2)))


def test_alpha_is_the_published_one_of_ordered_values() -> None:
    """Four observers' values of twelve units, for which Krippendorff (2011, section E) gives .815; 0: none."""
    values = ["123321412000", "123322412503", "033323422510", "123324412510"]
    table = np.array([[float(each) or np.nan for each in row] for row in values])
    alpha = _krippendorff([table[:, :5], table[:, 5:]])
    assert alpha == pytest.approx(0.815, abs=5e-4)


def test_a_tie_is_nearer_to_a_preference_than_the_other_preference_is() -> None:
    """By hand: pairs of verdicts 1 1, 1 .5, .5 .5 and 0 1, from both sides: five 1, five 0 and six .5.

    Of three values in these numbers .5 is one step from either preference, and these are two steps from each other.
    Observed: (1 + 1 + 4 + 4) / 8. By chance: 2 (5 * 6 * 1 + 6 * 5 * 1 + 5 * 5 * 4) / (16 * 15).
    """
    rows = [
        Judgement(name, str(at), "x", "y", points)
        for at, pair in enumerate([(1.0, 1.0), (1.0, 0.5), (0.5, 0.5), (0.0, 1.0)])
        for name, points in zip(("ann", "ben"), pair, strict=True)
    ]
    assert agreement(rows, 13)["alpha"] == pytest.approx(1 - (10 / 8) / (2 * 160 / 240))
