import pandas as pd

from attune.report.side_by_side import COLUMNS, schema, side_by_side

ROWS = [
    {"id": "c/1", "prompt": "I won!", "target": "Great.", "system": "a", "reply": "Oh."},
    {"id": "c/3", "prompt": "Hm.", "target": "What?", "system": "a", "reply": None},
    {"id": "c/1", "prompt": "I won!", "target": "Great.", "system": "a+rag", "reply": ""},
]


def test_prompts_stand_beside_what_each_system_replied() -> None:
    beside = side_by_side(pd.DataFrame(ROWS))
    assert beside.to_dict("records") == [{"id": "c/1", "prompt": "I won!", "target": "Great.", "a": "Oh.", "a+rag": ""}]


def test_prompts_and_systems_keep_their_order_and_a_missing_reply_is_none() -> None:
    rows = [
        {"id": identity, "prompt": "p", "target": "t", "system": system, "reply": "r"}
        for system, identity in (("b", "2"), ("b", "1"), ("a", "2"))
    ]
    beside = side_by_side(pd.DataFrame(rows))
    assert list(beside) == [*COLUMNS, "b", "a"]
    assert beside["id"].tolist() == ["2", "1"]
    assert beside["a"].tolist() == ["r", None]


def test_without_replies_the_table_has_its_columns_alone() -> None:
    beside = side_by_side(pd.DataFrame([ROWS[1]]))
    assert list(beside) == list(COLUMNS) == schema(beside).names
    assert beside.empty


def test_true_replies_are_no_column_of_a_system() -> None:
    beside = side_by_side(pd.DataFrame([*ROWS, ROWS[0] | {"system": "targets", "reply": "Great."}]))
    assert list(beside) == [*COLUMNS, "a", "a+rag"]
