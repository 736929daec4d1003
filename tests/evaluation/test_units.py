import pytest

from attune.core.people import responder
from attune.evaluation.units import FEWEST, by_unit, units


def rows(*clusters: str) -> list[dict[str, str]]:
    return [{"id": str(at), "cluster": cluster} for at, cluster in enumerate(clusters)]


PEOPLE = [f"person {at}" for at in range(FEWEST)]


def test_one_persons_examples_are_one_unit_and_those_of_nobody_known_are_apart() -> None:
    assert units(rows(*PEOPLE, PEOPLE[0], "", ""), "id") == [*PEOPLE, PEOPLE[0], "7", "8"]


def test_too_few_people_for_any_verdict_are_no_units() -> None:
    """A bot that answers everything would leave one unit, and no interval."""
    assert units(rows(*["bot"] * 9), "id") == [str(at) for at in range(9)]
    assert units(rows(*PEOPLE[1:], PEOPLE[1]), "id") == [str(at) for at in range(FEWEST)]


def test_values_are_summed_by_unit() -> None:
    found = by_unit(rows(*PEOPLE, PEOPLE[0]), "id", [1, 0, 0, 0, 0, 0, 3], [2.0] * 7)
    assert (found.numerator[PEOPLE[0]], found.denominator[PEOPLE[0]]) == (4, 4)
    assert found.value == pytest.approx(4 / 14)
    assert by_unit(rows("", ""), "id", [1, 0]).denominator == {"0": 1, "1": 1}


@pytest.mark.parametrize("nobody", [{}, {"response_speaker": "responder"}, {"response_speaker": "[deleted]"}])
def test_whoever_is_not_named_is_nobody(nobody: dict[str, str]) -> None:
    assert responder(nobody) == ""
    assert responder({"response_speaker": "ann"}) == "ann"
