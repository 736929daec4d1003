from attune.generators.held_out import hold_out, sample
from attune.generators.prompts import examples
from tests.generators.tiny import dialogue_rows

EXAMPLES = examples(dialogue_rows())
CONVERSATIONS = [example.conversation for example in EXAMPLES]


def test_a_conversation_is_held_out_whole_or_not_at_all() -> None:
    positions = hold_out(CONVERSATIONS, share=0.25, most=200, seed=1)
    train, held = ([EXAMPLES[at] for at in part] for part in positions)
    assert {e.conversation for e in train}.isdisjoint(e.conversation for e in held)
    assert len({e.conversation for e in held}) == 3
    assert sorted(e.id for e in train + held) == sorted(e.id for e in EXAMPLES)


def test_held_out_rows_are_at_most_so_many() -> None:
    assert len(hold_out(CONVERSATIONS, share=0.5, most=5, seed=1)[1]) == 4


def test_the_draw_depends_on_the_seed_and_not_on_the_order_of_rows() -> None:
    assert sample(EXAMPLES, 4, seed=1) != sample(EXAMPLES, 4, seed=2)
    ids = {e.id for e in sample(EXAMPLES, 4, seed=1)}
    assert ids == {e.id for e in sample(EXAMPLES[::-1], 4, seed=1)}
