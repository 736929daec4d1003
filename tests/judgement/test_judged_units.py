"""What belongs together in a corpus is one unit when judgements of it are analysed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from attune.core.files import read_csv, read_json, write_csv, write_parquet
from attune.evaluation.schemas import EVERYDAY
from attune.evaluation.units import FEWEST
from attune.judgement import export_pairs, judge_pairs
from attune.judgement.agreement import agreement
from attune.judgement.answers import VISITOR, Judgement
from attune.judgement.preferences import first_preferred, strengths, units_of, win_rates
from tests.judgement.annotators import answer, write_replies

# Three contexts of each of eight people, whose three are alike; the annotators disagree about the last two people.
PEOPLE, EACH = 8, 3
ALONE = [
    Judgement(name, f"{person}/{at}", first, second, float(won == (first == "x")), f"{person}/{at}")
    for person in range(PEOPLE)
    for at in range(EACH)
    for name, won in (("ann", person % 3 > 0), ("ben", (person % 3 > 0) != (person > 5)))
    for first, second in (("x", "y"), ("y", "x"))[: 1 + (name == "ann")]
]


def of_people(judgements: Sequence[Judgement]) -> list[Judgement]:
    return [replace(each, cluster=f"person {each.context[0]}") for each in judgements]


def of_conversations(judgements: Sequence[Judgement]) -> list[Judgement]:
    """Nobody is named."""
    return [replace(each, conversation=each.context[0]) for each in judgements]


def inconsistent(judgements: Sequence[Judgement]) -> list[Judgement]:
    """About the replies of two people, Ann's verdict is another in the other order."""
    return [
        replace(each, points=1.0) if each.annotator == "ann" and each.context < "2" else each for each in judgements
    ]


INTERVALS: dict[str, Callable[[list[Judgement]], dict[str, Any]]] = {
    "win_rate": lambda given: win_rates(given, 13)[0],
    "strength": lambda given: strengths(given, 13)[0],
    "alpha": lambda given: agreement(given, 13),
    "consistent": lambda given: agreement(inconsistent(given), 13),
    "first_preferred": lambda given: first_preferred(inconsistent(given), 13),
}


@pytest.mark.parametrize("together", [of_people, of_conversations])
@pytest.mark.parametrize("name", INTERVALS)
def test_contexts_that_belong_together_tell_less_than_as_many_that_do_not(
    name: str, together: Callable[[list[Judgement]], list[Judgement]]
) -> None:
    """Contexts that are alike are as good as one: the interval is wider by the root of three, and as few units need."""
    apart, whole = INTERVALS[name](ALONE), INTERVALS[name](together(ALONE))
    assert whole[name] == apart[name]
    widths = [each[f"{name}_high"] - each[f"{name}_low"] for each in (apart, whole)]
    assert 1.3 * widths[0] < widths[1] < 2.7 * widths[0]


def test_a_test_exchanges_all_verdicts_on_one_person() -> None:
    """x wins always: p is the chance that all or none of the units are exchanged."""
    always = [Judgement("ann", each.context, "x", "y", 1.0, each.conversation) for each in ALONE]
    (apart,), (whole,) = win_rates(always, 13), win_rates(of_people(always), 13)
    assert [(each["contexts"], each["units"]) for each in (apart, whole)] == [(24, 24), (24, 8)]
    assert apart["p"] < 0.001
    assert whole["p"] == pytest.approx(2 / 2**8, abs=0.003)


def test_contexts_of_too_few_people_are_units_by_conversation() -> None:
    few = [each for each in of_people(ALONE) if int(each.context[0]) < FEWEST - 1]
    assert units_of(few) == [each.conversation for each in few]
    enough = [each for each in of_people(ALONE) if int(each.context[0]) < FEWEST]
    assert set(units_of(enough)) == {each.cluster for each in enough}


def test_a_pair_of_few_people_has_these_as_units_where_all_judgements_have_enough() -> None:
    """Six contexts of five people, of the eight that were judged; five can never be significant."""
    about = [f"person {at}" for at in (0, 0, 1, 2, 3, 4)]
    few = [Judgement("ann", str(at), "x", "z", 1.0, str(at), person) for at, person in enumerate(about)]
    (both,) = [each for each in win_rates([*of_people(ALONE), *few], 13) if each["other"] == "z"]
    assert (both["contexts"], both["units"]) == (6, 5)
    assert both["p"] > 0.05
    assert "win_rate_low" not in both


def test_what_only_some_judged_has_people_as_units_where_all_judgements_have_enough() -> None:
    """Of eight people, Ben judged five, Ann five in both orders, and all others a language model: five are too few."""
    some = [each for each in of_people(inconsistent(ALONE)) if int(each.context[0]) < FEWEST - 1]
    model = [replace(each, annotator="model:m") for each in of_people(ALONE) if int(each.context[0]) >= FEWEST - 1]
    alone, found = agreement(some, 13), agreement([*some, *model], 13)
    assert alone["alpha"] == found["alpha"]
    assert (alone["alpha_low"] is None, found["alpha_low"] is None) == (False, True)
    assert "consistent_low" in alone
    assert "consistent_low" not in found
    assert "first_preferred_low" in first_preferred(some, 13)
    assert "first_preferred_low" not in first_preferred([*some, *model], 13)


def test_a_visitors_context_is_a_unit_beside_people() -> None:
    visitors = [Judgement(VISITOR, name, "x", "y", 1.0) for name in ("Hi.", "Hi.", "Hello.")]
    assert units_of([*of_people(ALONE), *visitors])[-3:] == ["Hi.", "Hi.", "Hello."]


def judged(folder: Path, key: Path) -> dict[str, Any]:
    answer(key, folder / "ann.csv", "ann", 1)
    words = ["--key", str(key), "--answers", str(folder / "ann.csv"), "--target", str(folder / "found.json")]
    judge_pairs.main(words)
    return read_json(folder / "found.json")


def test_people_reach_the_analysis_by_the_key(tmp_path: Path) -> None:
    write_replies(tmp_path / "answers.parquet", contexts=14, people=7)
    export_pairs.main(["--replies", str(tmp_path / "answers.parquet"), "--target", str(tmp_path / "judged")])
    for row in read_csv(tmp_path / "judged" / "key.csv"):
        at = int(row["id"].removeprefix("c").removesuffix("/1"))
        assert (row["conversation"], row["cluster"]) == (f"c{at}", f"person {at % 7}")
    for path in (tmp_path / "judged" / "form").iterdir():  # the annotators' part names nobody
        assert "person 1" not in path.read_text(), path
    found = judged(tmp_path, tmp_path / "judged" / "key.csv")
    assert {(each["contexts"], each["units"]) for each in found["win_rates"]} == {(14, 7)}


def test_everyday_messages_each_stand_for_themselves(tmp_path: Path) -> None:
    rows = [
        {"system": system, "id": f"glad {at}", "prompt": "Hi.", "target": "Oh.", "reply": system}
        for system in ("good", "poor")
        for at in range(3)
    ]
    write_parquet(tmp_path / "everyday.parquet", rows, EVERYDAY)
    export_pairs.main(["--replies", str(tmp_path / "everyday.parquet"), "--target", str(tmp_path / "judged")])
    (record,) = judged(tmp_path, tmp_path / "judged" / "key.csv")["win_rates"]
    assert (record["contexts"], record["units"]) == (3, 3)


@pytest.mark.fault("a key.csv of an earlier version, without people", "one sentence that says what to do")
def test_an_older_key_is_refused_and_another_export_fits_its_answers(tmp_path: Path) -> None:
    write_replies(tmp_path / "answers.parquet", contexts=7, people=7)
    words = ["--replies", str(tmp_path / "answers.parquet"), "--target"]
    export_pairs.main([*words, str(tmp_path / "judged")])
    key = tmp_path / "judged" / "key.csv"
    older = ("form", "pair", "id", "system_a", "system_b")
    write_csv(key, [{name: row[name] for name in older} for row in read_csv(key)])
    with pytest.raises(SystemExit, match=r"key\.csv has no column 'conversation'; .*; export the pairs again with"):
        judged(tmp_path, key)
    export_pairs.main([*words, str(tmp_path / "again")])
    given, _ = judge_pairs.read(tmp_path / "again" / "key.csv", [tmp_path / "ann.csv"], None)
    assert {each.cluster for each in given} == {f"person {at}" for at in range(7)}
