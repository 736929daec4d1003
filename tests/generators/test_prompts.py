from attune.generators.prompts import examples, prompt_parts, reply_text
from attune.generators.roles import INSTRUCTION
from tests.generators.tiny import CHAT, dialogue_rows, example, tokenizer

WORDS = tokenizer()


def test_turns_are_marked_by_role_and_end_where_the_reply_begins() -> None:
    assert prompt_parts(example(), 2, True, (), WORDS).text == (
        "Speaker: I am sad.\nListener: Why?\nSpeaker: My cat ran away.\nListener:"
    )
    assert prompt_parts(example(), 0, True, (), WORDS).text == "Speaker: My cat ran away.\nListener:"
    assert reply_text(example(), WORDS) == " I am sorry."


def test_who_said_a_turn_decides_its_role_also_of_two_in_a_row() -> None:
    """In the rows of a corpus 0 is who begins; its listener replies."""
    row = dialogue_rows()[1]
    for speakers, roles in (([0, 1, 0], "SLS"), ([0, 0, 1], "SSL"), ([1, 0, 0], "LSS")):
        (asked,) = examples([row | {"speakers": speakers}])
        text = prompt_parts(asked, 2, True, (), WORDS).text
        assert "".join(line[0] for line in text.splitlines()[:-1]) == roles
        assert text.endswith("\nListener:")


def test_the_system_text_stands_apart_from_the_question() -> None:
    row = {"id": "o", "turn": 1, "system": "Be brief.", "history": [], "prompt": "Why?", "completion": "So."}
    (asked,) = examples([row | {"kind": "task"}])
    assert asked.roles == INSTRUCTION
    assert prompt_parts(asked, 0, True, (), WORDS).text == "System: Be brief.\n\nQuestion: Why?\nAnswer:"
    assert prompt_parts(asked, 0, False, (), WORDS).text == "Question: Why?\nAnswer:"


def test_a_chat_template_decides_where_there_is_one() -> None:
    words = tokenizer()
    words.chat_template = CHAT
    asked = example(system="Be kind.")
    assert prompt_parts(asked, 2, True, (), words).text == (
        "[system]Be kind.\n[user]I am sad.\n[assistant]Why?\n[user]My cat ran away.\n[assistant]"
    )
    assert reply_text(asked, words) == "I am sorry."


def test_a_template_without_a_system_role_gets_the_text_with_the_first_turn() -> None:
    words = tokenizer()
    words.chat_template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + CHAT
    )
    asked = example(system="Be kind.")
    assert prompt_parts(asked, 2, True, ("One.",), words).text == (
        "[user]Be kind.\n\nOne.\n\nI am sad.\n[assistant]Why?\n[user]My cat ran away.\n[assistant]"
    )


def test_the_target_is_never_inside_the_prompt() -> None:
    for asked in examples(dialogue_rows()):
        assert asked.reply not in prompt_parts(asked, len(asked.history), True, (), WORDS).text


def test_an_instruction_stands_where_a_corpus_has_no_system_text() -> None:
    (asked, *_) = examples(dialogue_rows(), "Be kind.")
    assert prompt_parts(asked, 0, True, (), WORDS).text.startswith("System: Be kind.\n\nSpeaker: ")
    row = {"id": "o", "turn": 1, "history": [], "prompt": "Why?", "completion": "So.", "kind": "task"}
    own, none = examples([row | {"system": "Be brief."}, row | {"system": ""}], "Be kind.")
    assert (own.system, none.system) == ("Be brief.", "Be kind.")


def test_as_many_passages_are_read_as_are_asked_for() -> None:
    passages = [{"text": "one"}, {"text": "two"}, {"text": "three"}]
    rows = [dialogue_rows()[0] | {"passages": passages}]
    found = [examples(rows, passages=count)[0].passages for count in (0, 2, None)]
    assert found == [(), ("one", "two"), ("one", "two", "three")]


def test_passages_stand_apart_from_each_other_and_from_what_follows_however_they_end() -> None:
    wanted = "System: Be kind.\n\nOne.\n\nTwo.\n\nSpeaker: My cat ran away.\nListener:"
    asked = example(system="Be kind.")
    for passages in (("One.\n\n", "Two.\n\n"), ("One.", "Two."), ("\nOne.\n", " ", "Two. ")):
        assert prompt_parts(asked, 0, True, passages, WORDS).text == wanted


PEC_ROW = {
    "id": "p",
    "context": ["i won !", "at last !", "what did you win ?", "a goat ."],
    "context_speakers": ["ann", "ben", "carl", "ann"],
    "response": "congratulations .",
    "response_speaker": "carl",
    "personas": ["i keep goats .", "i 'm a baker ."],
}


def test_a_turn_is_whose_it_was_and_those_of_one_side_are_joined() -> None:
    (asked,) = examples([PEC_ROW], "Be kind.")
    assert (asked.id, asked.conversation, asked.reply) == ("p/4", "p", "congratulations .")
    words = tokenizer()
    words.chat_template = CHAT
    text = prompt_parts(asked, 3, True, (), words, asked.persona).text
    assert text == (
        "[system]Be kind.\n\nYou are someone who says about yourself: i keep goats . i 'm a baker .\n"
        "[user]i won !\nat last !\n[assistant]what did you win ?\n[user]a goat .\n[assistant]"
    )


def test_a_conversation_may_begin_or_end_with_whoever_replies() -> None:
    words = tokenizer()
    words.chat_template = CHAT
    (asked,) = examples([PEC_ROW | {"response_speaker": "ann"}])
    assert prompt_parts(asked, 3, True, (), words).text == (
        "[assistant]i won !\n[user]at last !\nwhat did you win ?\n[assistant]a goat .\n[assistant]"
    )
    assert prompt_parts(asked, 2, True, (), WORDS).text == (
        "Speaker: at last !\nSpeaker: what did you win ?\nListener: a goat .\nListener:"
    )
    refusal = "{% if messages[0].role != 'user' %}{{ raise_exception('The user is first') }}{% endif %}"
    words.chat_template = refusal + CHAT
    assert prompt_parts(asked, 3, True, (), words).text == (
        "[user]at last !\nwhat did you win ?\n[assistant]a goat .\n[assistant]"
    )


def test_a_persona_stands_in_the_system_text_of_a_model_without_a_template() -> None:
    (asked,) = examples([PEC_ROW])
    assert prompt_parts(asked, 0, True, (), WORDS, asked.persona[:1]).text == (
        "System: You are someone who says about yourself: i keep goats .\n\nSpeaker: a goat .\nListener:"
    )
