from dataclasses import replace

from attune.generators.held_out import HELD_OUT_ROWS, MEASURED_ROWS, hold_out, opening, sample
from attune.generators.prompts import examples
from tests.generators.tiny import dialogue_rows, example

EXAMPLES = examples(dialogue_rows())
MORE = [
    replace(
        each, id=f"{copy} {each.id}", conversation=f"{copy} {each.conversation}", situation=f"{copy} {each.situation}"
    )
    for copy in range(3)
    for each in EXAMPLES
]
CONVERSATIONS = [each.conversation for each in MORE]
OPENINGS = [opening(each) for each in MORE]


def test_a_conversation_is_held_out_whole_or_not_at_all() -> None:
    positions = hold_out(CONVERSATIONS, OPENINGS, seed=1)
    train, held = ([MORE[at] for at in part] for part in positions)
    assert {e.conversation for e in train}.isdisjoint(e.conversation for e in held)
    assert len({e.conversation for e in held}) == 4
    assert sorted(e.id for e in train + held) == sorted(e.id for e in MORE)


def test_held_out_rows_are_at_most_so_many() -> None:
    names = [f"c{at // 5}" for at in range(1000)]
    assert len(hold_out(names, names, seed=1)[1]) == 5 * (HELD_OUT_ROWS // 5) < HELD_OUT_ROWS


def test_the_share_of_conversations_is_rounded_to_the_nearest_number_of_them() -> None:
    for count, held_out in ((4, 1), (14, 1), (16, 2), (30, 3)):
        names = [str(at) for at in range(count)]
        assert len(hold_out(names, names, seed=1)[1]) == held_out


def test_an_opening_is_the_first_turn_however_it_is_written() -> None:
    first = opening(example("I  am SAD", history=()))
    assert first == opening(example("My cat ran away.", history=("I am sad.", "Why?")))
    assert first != opening(example("I am glad.", history=()))
    told = [replace(example(text, history=()), situation="My cat ran away.") for text in ("I am sad.", "Come home!")]
    assert opening(told[0]) == opening(told[1]) == opening(example("my cat ran away", history=()))


def test_a_greeting_is_no_opening() -> None:
    greeted = example("My cat ran away.", history=("Hello!", "I am sad.", "Why?"), greeting=1)
    assert opening(greeted) == opening(example("Oh.", history=("I am sad.", "Why?")))
    assert opening(replace(greeted, greeting=0)) == opening(example("hello", history=()))


def test_what_replies_to_a_message_that_is_not_trained_on_comes_first() -> None:
    names = [f"c{number}" for number in range(300)]
    openings = [f"{number}" if number % 5 else f"shared {number % 10}" for number in range(300)]
    train, held = hold_out(names, openings, seed=1)
    known = [openings[at] in {openings[each] for each in train} for at in held]
    assert (len(train), len(held)) == (270, 30)
    assert MEASURED_ROWS <= known.count(False) < 30
    assert known == sorted(known)


def test_if_some_that_are_measured_would_be_known_none_is() -> None:
    names = [f"c{number}" for number in range(300)]
    openings = [f"shared {number // 2}" if number % 5 else f"{number}" for number in range(300)]
    for seed in range(5):
        train, held = hold_out(names, openings, seed=seed)
        assert {openings[at] for at in train}.isdisjoint(openings[at] for at in held[:MEASURED_ROWS])


def test_if_all_would_be_known_conversations_with_one_opening_stay_together() -> None:
    # Five conversations share an opening, other five another one, and one of these has both.
    rows = [(f"c{at}", f"{at // 5}") for at in range(60)] + [(f"c{at}", f"{at // 5 + 1}") for at in range(0, 60, 10)]
    for seed in range(5):
        train, held = hold_out(*zip(*rows, strict=True), seed=seed)
        assert sorted(train + held) == list(range(len(rows)))
        assert len({rows[at][0] for at in held}) == 10
        assert {rows[at][1] for at in train}.isdisjoint(rows[at][1] for at in held)
        assert {rows[at][0] for at in train}.isdisjoint(rows[at][0] for at in held)


def test_then_a_row_of_each_opening_comes_before_the_second_of_any() -> None:
    names, openings = [f"c{at // 2}" for at in range(240)], [f"{at // 8}" for at in range(240)]
    _, held = hold_out(names, openings, seed=1)
    of = [openings[at] for at in held]
    assert len(of) == 24
    assert len({*of[:3]}) == len({*of[3:6]}) == len({*of}) == 3


def test_an_opening_that_most_rows_share_is_trained_on() -> None:
    names = [f"c{number}" for number in range(20)]
    openings = ["hi"] * 17 + ["a", "b", "c"]
    for seed in range(10):
        train, held = hold_out(names, openings, seed=seed)
        assert openings[held[0]] != "hi"
        assert "hi" in {openings[at] for at in train}


def test_two_openings_that_all_share_take_no_half_of_the_rows() -> None:
    names = [f"c{number}" for number in range(400)]
    train, held = hold_out(names, ["hi", "hello"] * 200, seed=1)
    assert (len(train), len(held)) == (368, 32)


def test_where_all_conversations_share_one_opening_they_are_divided_all_the_same() -> None:
    train, held = hold_out(["a", "a", "b"], ["hi"] * 3, seed=1)
    assert {len(train), len(held)} == {1, 2}
    assert hold_out(["a", "a"], ["hi", "hi"], seed=1)[0] == []


def test_the_groups_depend_on_the_seed_and_not_on_the_order_of_rows() -> None:
    rows = [replace(each, situation=f"{at // 6}") for at, each in enumerate(MORE)]
    found = []
    for given in (rows, rows[::-1]):
        names, openings = [each.conversation for each in given], [opening(each) for each in given]
        found.append({given[at].id for at in hold_out(names, openings, seed=1)[1]})
    assert found[0] == found[1]


def test_the_draw_depends_on_the_seed_and_not_on_the_order_of_rows() -> None:
    assert sample(EXAMPLES, 4, seed=1) != sample(EXAMPLES, 4, seed=2)
    ids = {e.id for e in sample(EXAMPLES, 4, seed=1)}
    assert ids == {e.id for e in sample(EXAMPLES[::-1], 4, seed=1)}
