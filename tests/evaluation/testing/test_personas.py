import itertools
from typing import Any

from attune.evaluation.testing.personas import exchanged, without


def rows(personas: str) -> list[dict[str, object]]:
    return [row(name) | {"id": f"{at}"} for at, name in enumerate(personas)]


def row(*personas: str, dropped: int = 0, response: str = "oh .") -> dict[str, Any]:
    return {"id": "x", "personas": list(personas), "dropped_personas": dropped, "response": response}


def given(*people: dict[str, Any]) -> list[list[str]]:
    """The personas that the rows are given."""
    return [each["personas"] for each in exchanged(people, seed=1)]


def test_personas_are_exchanged_with_different_ones_and_each_is_used_as_often() -> None:
    for personas in ("abcdef", "aabbc", "aaabbb", "abacadbb"):
        found = given(*rows(personas))
        assert all(each != [own] for each, own in zip(found, personas, strict=True))
        assert sorted(each for (each,) in found) == sorted(personas)
        assert given(*rows(personas)) == found
    assert exchanged(rows("abcdef"), seed=1) != exchanged(rows("abcdef"), seed=2)


def test_another_draw_gives_other_people_s_personas() -> None:
    draws = [exchanged(rows("abcdef"), seed=1, draw=draw) for draw in range(3)]
    assert draws[0] == exchanged(rows("abcdef"), seed=1)
    assert not any(one == other for one, other in itertools.combinations(draws, 2))


def test_without_a_second_person_there_is_nothing_to_exchange() -> None:
    assert exchanged(rows("aa"), seed=1) == []
    assert given(row("a"), row()) == []
    assert exchanged([], seed=1) == []


def test_nobody_keeps_a_persona_that_most_rows_have() -> None:
    for personas in ("aaab", "aaaabc"):
        assert all(each != [own] for each, own in zip(given(*rows(personas)), personas, strict=True))


def test_rows_without_a_persona_take_no_part() -> None:
    assert given(row("a"), row(), row("b"), row()) == [["b"], [], ["a"], []]


def test_one_person_s_rows_lack_different_sentences() -> None:
    """a's and b's lists of three, each without what the reply repeats: nobody gets sentences of theirs."""
    a = [row("a1", "a2", dropped=1), row("a2", "a3", dropped=1), row("a1", "a2", "a3")]
    b = [row("b1", "b3", dropped=1), row("b1", "b2", "b3"), row("b2", "b3", dropped=1)]
    people = given(*a, *b)
    assert {each[0] for person in people[:3] for each in person} == {"b"}
    assert {each[0] for person in people[3:] for each in person} == {"a"}


def test_a_whole_list_joins_the_parts_of_it() -> None:
    parts = row("i have a dog .", dropped=1), row("i am old .", dropped=1), row("i have a dog .", "i am old .")
    assert given(*parts) == []
    assert given(*parts, row("b", "c"), row("b", "c"), row("b", "c"))[:3] == [["b", "c"]] * 3


def test_one_who_has_most_rows_gets_what_the_others_have_in_turn() -> None:
    people = given(*[row("a1", "a2")] * 6, row("b"), row("c"))
    assert sorted(each for (each,) in people[:6]) == [*"bbbccc"]


def test_lists_that_cannot_be_one_are_of_two_people() -> None:
    assert given(row("a1", "c"), row("a2", "c")) == [["a2", "c"], ["a1", "c"]]
    assert given(row("a1", dropped=2), row("b1", dropped=2)) == [["b1"], ["a1"]]
    one = row("a1", "a2", dropped=1), row("a2", "a3", dropped=1)
    assert given(*one, row("a1", "x", dropped=1))[:2] == [["a1", "x"], ["a1", "x"]]


def test_a_sentence_that_the_reply_repeats_is_not_given() -> None:
    assert given(row("a"), row("i love tea .", "b", response="no .")) == [["i love tea .", "b"], ["a"]]
    assert given(row("a", response="yes , i love tea !"), row("i love tea .", "b")) == [["b"], ["a"]]


def test_where_own_personas_give_replies_away_so_do_others() -> None:
    own = row("i love tea .", "i ski .", response="yes , i love tea !")
    assert given(own, row("i love tea .", "i swim ."))[0] == ["i love tea .", "i swim ."]


def test_a_row_without_its_persona_is_otherwise_the_same() -> None:
    before = rows("ab")
    assert without(before) == [each | {"personas": []} for each in before]
    assert before == rows("ab")
