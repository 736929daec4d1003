import pytest

from attune.corpora.question_types import question_type


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How do I bake bread?", "how-to"),
        ("What is the capital of France?", "factual"),
        ("Is it better to rent or to buy?", "subjective"),
        ("Premise: A dog runs. Hypothesis: An animal moves.", "task"),
        ("Can you fix it?", "ambiguous"),
    ],
)
def test_the_type_of_a_question(question: str, expected: str) -> None:
    assert question_type(question) == expected
