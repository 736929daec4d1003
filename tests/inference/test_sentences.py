import pytest

from attune.inference.sentences import ends_whole, whole_sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("That is hard. What did you", "That is hard."),
        ("That is hard! I mean it", "That is hard!"),
        ("I wish I knew… Perhaps it", "I wish I knew…"),
        ('He said "no way." And then', 'He said "no way."'),
        ("It costs 3.50 euros. Or 4.20 with", "It costs 3.50 euros."),
        ("1. Eat well.\n2. Sleep.\n3. Drink", "1. Eat well.\n2. Sleep."),
        ("1. Eat well.\n2.", "1. Eat well."),
        ("1. Eat well. 2.", "1. Eat well."),
        ("A spider has 8. That is", "A spider has 8."),
        ("one long sentence without an end", "one long sentence without an end"),
        ("1. an item without an end", "1. an item without an end"),
        ("真难过。我希望你", "真难过。"),
        ("他说「不要！」然后我", "他说「不要！」"),
        ("どうしたの？ 昨日は", "どうしたの？"),
        ("好好吃饭。2.", "好好吃饭。"),
        ("花了3.5元，然后", "花了3.5元，然后"),
        ("I am sorry. I went to see Dr. Smi", "I am sorry."),
        ("I am sorry. I asked Mrs. Hill and Mr.", "I am sorry."),
        ("He is ill. The church of St. Mary (Dr. Wu was", "He is ill."),
        ("Eat well. Some fruit, e.g. apples, i.e. what", "Eat well."),
        ("Eat well. E.g. apples, i.e.", "Eat well."),
        ("I see. He went to the U.S. last", "I see."),
        ("I see. He went to the U.S. and I read J. R. R. Tol", "I see."),
        ("I see. He read a book (J. Smith, I", "I see."),
        ("I see. I am an A.I. and", "I see."),
        ("I see. A land (the U.S.) that", "I see."),
        ("I see. He lives in the U.S.", "I see. He lives in the U.S."),
        ("Dr. Smi", "Dr. Smi"),
        ("You like it. So do I. We", "You like it. So do I."),
        ("I work for the F.B.I! And you", "I work for the F.B.I!"),
        ("I pay the rest. It is the best. We", "I pay the rest. It is the best."),
        ("", ""),
        ("A whole one.", "A whole one."),
    ],
)
def test_a_text_is_cut_after_its_last_whole_sentence(text: str, expected: str) -> None:
    assert whole_sentences(text) == expected


def test_whether_a_text_ends_with_a_whole_sentence() -> None:
    assert all(map(ends_whole, ("A whole one.", '"No!"', "是的。", "In the U.S.")))
    assert not any(map(ends_whole, ("That is", "Eat. 2.", "", "是的。但", "I saw Dr.")))
