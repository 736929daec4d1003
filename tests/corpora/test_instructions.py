from attune.corpora.instructions import answer_rows


def test_each_answer_is_a_row_with_the_turns_before_it() -> None:
    rows = answer_rows({"id": "g", "system": "Be brief.", "turns": ["q1", "a1", "q2", "a2"]})
    assert [(row["turn"], row["history"], row["prompt"], row["completion"]) for row in rows] == [
        (1, [], "q1", "a1"),
        (3, ["q1", "a1"], "q2", "a2"),
    ]
    assert {row["system"] for row in rows} == {"Be brief."}
