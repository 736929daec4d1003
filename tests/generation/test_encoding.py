from attune.generation.encoding import encode, encode_prompt
from attune.generation.prompts import prompt_text
from tests.generation.tiny import example, tokenizer

WORDS = tokenizer()
BEGIN = WORDS.bos_token_id


def ids(text: str) -> list[int]:
    return WORDS(text, add_special_tokens=False)["input_ids"]


def test_a_reply_ends_with_eos_and_the_prompt_begins_with_bos() -> None:
    row = encode(example(), WORDS, 64)
    assert row.prompt == [BEGIN, *ids(prompt_text(example(), 2, True, WORDS))]
    assert row.reply == [*ids(" I am sorry."), WORDS.eos_token_id]


def test_the_oldest_exchange_goes_first_and_the_question_stays() -> None:
    asked = example(history=("I am sad.", "Why?", "It rains.", "Oh."))
    for kept in (4, 2, 0):
        wanted = [BEGIN, *ids(prompt_text(asked, kept, True, WORDS))]
        assert encode_prompt(asked, WORDS, len(wanted)) == wanted
        assert len(encode_prompt(asked, WORDS, len(wanted) - 1)) < len(wanted)


def test_the_system_text_goes_after_all_history() -> None:
    asked = example(system="Be brief.")
    with_system = [BEGIN, *ids(prompt_text(asked, 0, True, WORDS))]
    assert encode_prompt(asked, WORDS, len(with_system)) == with_system
    without = [BEGIN, *ids(prompt_text(asked, 0, False, WORDS))]
    assert encode_prompt(asked, WORDS, len(with_system) - 1) == without


def test_a_question_too_long_keeps_its_end_and_the_cue() -> None:
    asked = example("My cat ran away. " * 9, history=())
    row = encode(asked, WORDS, 32)
    assert row.length == 32
    assert row.reply == [*ids(" I am sorry."), WORDS.eos_token_id]
    assert WORDS.decode(row.prompt[1:]).endswith("ran away.\nListener:")


def test_a_reply_too_long_loses_its_end_and_so_its_eos() -> None:
    row = encode(example(reply="I am sorry. " * 20), WORDS, 32)
    assert len(row.reply) == 16
    assert WORDS.eos_token_id not in row.reply
    assert WORDS.decode(row.prompt).endswith("Listener:")
