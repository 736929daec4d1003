from attune.evaluation.testing.personas import exchanged, without


def rows(personas: str) -> list[dict[str, object]]:
    return [{"id": f"{at}", "personas": [name]} for at, name in enumerate(personas)]


def test_personas_are_exchanged_with_different_ones_and_each_is_used_as_often() -> None:
    for personas in ("abcdef", "aabbc", "aaabbb", "abacadbb"):
        given = exchanged(rows(personas), seed=1)
        assert all(each["personas"] != [own] for each, own in zip(given, personas, strict=True))
        assert sorted(each["personas"][0] for each in given) == sorted(personas)
        assert exchanged(rows(personas), seed=1) == given
    assert exchanged(rows("abcdef"), seed=1) != exchanged(rows("abcdef"), seed=2)


def test_where_there_is_no_other_persona_it_stays() -> None:
    assert exchanged(rows("aa"), seed=1) == rows("aa")
    assert exchanged([], seed=1) == []


def test_a_row_without_its_persona_is_otherwise_the_same() -> None:
    given = rows("ab")
    assert without(given) == [{"id": "0", "personas": []}, {"id": "1", "personas": []}]
    assert given == rows("ab")
