from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from attune.core.tokens import token_ids
from attune.generators import encoding
from attune.generators.encoding import Prompt, Room, encode, encode_prompt
from attune.generators.prompts import Example, prompt_parts, reply_text
from attune.inference.decoding import stop_token_ids
from tests.generators.sentencepiece import bpe
from tests.generators.tiny import CHAT, END, example, gpt, tokenizer

WORDS = tokenizer()
BEGIN = WORDS.bos_token_id


def ids(text: str) -> list[int]:
    return WORDS(text, add_special_tokens=False)["input_ids"]


def test_a_reply_ends_with_eos_and_the_prompt_begins_with_bos() -> None:
    row = encode(example(), WORDS, Room(64))
    assert row.prompt == [BEGIN, *ids(prompt_parts(example(), 2, True, (), WORDS).text)]
    assert row.reply == [*ids(" I am sorry."), WORDS.eos_token_id]


@pytest.mark.parametrize(
    ("after", "end"),
    [("<|mark|>\n", "<|mark|>"), (" <|mark|>", "<|mark|>"), ("\n", END), (END, END), ("<|mark|>" + END, "<|mark|>")],
)
def test_a_reply_ends_with_what_the_chat_template_ends_a_turn_with(after: str, end: str) -> None:
    """As Gemma's and Phi-3's end; the model would else learn one end, and see its earlier turns end with another."""
    words = tokenizer()
    words.add_special_tokens({"additional_special_tokens": ["<|mark|>"]})
    words.chat_template = (
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}"
        f"{{% if m.role == 'assistant' %}}{after}{{% endif %}}{{% endfor %}}[assistant]"
    )
    assert words.decode(encode(example(), words, Room(90)).reply[-1:]) == end
    assert words.convert_tokens_to_ids(end) in stop_token_ids(gpt(), words, lines=True)


def test_the_oldest_exchange_goes_first_and_the_question_stays() -> None:
    asked = example(history=("I am sad.", "Why?", "It rains.", "Oh."))
    for kept in (4, 2, 0):
        wanted = [BEGIN, *ids(prompt_parts(asked, kept, True, (), WORDS).text)]
        assert encode_prompt(asked, WORDS, Room(len(wanted))) == Prompt(wanted, [], kept)
        assert len(encode_prompt(asked, WORDS, Room(len(wanted) - 1)).ids) < len(wanted)


def test_the_system_text_goes_after_all_history() -> None:
    asked = example(system="Be brief.")
    with_system = [BEGIN, *ids(prompt_parts(asked, 0, True, (), WORDS).text)]
    assert encode_prompt(asked, WORDS, Room(len(with_system))).ids == with_system
    assert not encode_prompt(asked, WORDS, Room(len(with_system))).without_system
    without = [BEGIN, *ids(prompt_parts(asked, 0, False, (), WORDS).text)]
    for text, room in (("Be brief.", len(with_system) - 1), ("Be brief. " * 20, len(without))):
        prompt = encode_prompt(replace(asked, system=text), WORDS, Room(room))
        assert (prompt.ids, prompt.without_system) == (without, True)
    assert not encode_prompt(replace(asked, system=" "), WORDS, Room(len(without))).without_system


def test_a_question_too_long_keeps_its_end_its_role_and_the_cue() -> None:
    asked = example("My cat ran away. " * 9, history=())
    row = encode(asked, WORDS, Room(32))
    assert row.length == 32
    assert row.reply == [*ids(" I am sorry."), WORDS.eos_token_id]
    assert WORDS.decode(row.prompt[1:]).startswith("Speaker: ")
    assert WORDS.decode(row.prompt[1:]).endswith("ran away.\nListener:")
    assert encode_prompt(asked, WORDS, Room(32)).shortened
    assert not encode_prompt(example("My cat ran away. " * 9), WORDS, Room(400)).shortened


DEFAULT = "{% if messages[0].role != 'system' %}[system]I am a helpful machine of many words.\n{% endif %}" + CHAT


@pytest.mark.parametrize(
    ("template", "system", "start"),
    [
        (CHAT, "", "[user]"),
        (CHAT, "Be kind.", "[system]Be kind.\n[user]"),
        (CHAT, "Be kind. " * 9, "[user]"),  # takes more than half of the room
        (DEFAULT, "", "[system]I am a helpful machine of many words.\n[user]"),
        (DEFAULT, "Be kind.", "[system]Be kind.\n[user]"),
        (None, "Be kind.", f"{WORDS.bos_token}System: Be kind.\n\nSpeaker:"),
        (None, "Be kind. " * 9, f"{WORDS.bos_token}Speaker:"),
    ],
)
def test_only_the_text_of_a_question_too_long_is_cut(template: str | None, system: str, start: str) -> None:
    words = tokenizer()
    words.chat_template = template
    end = "\nListener:" if template is None else "\n[assistant]"
    asked = example("My cat ran away. " * 30, system=system)
    prompt = encode_prompt(asked, words, Room(80))
    text = words.decode(prompt.ids)
    assert len(prompt.ids) == 80
    assert prompt.shortened
    assert text.startswith(start)
    assert text.endswith(f"My cat ran away.{end}")
    assert text[len(start) : -len(end)].strip() in "My cat ran away. " * 30
    assert words.decode(encode(asked, words, Room(100)).prompt).startswith(start)


def test_a_question_is_not_called_shortened_where_only_what_precedes_it_is_cut() -> None:
    words = tokenizer()
    words.chat_template = DEFAULT
    asked = example(system="Be kind.", history=())
    whole = len(encode_prompt(asked, words, Room(400)).ids)
    for room, shortened in ((whole, False), (whole - 1, True), (len(ids("My cat ran away.\n[assistant]")) + 1, False)):
        prompt = encode_prompt(asked, words, Room(room))
        assert (len(prompt.ids), prompt.shortened) == (room, shortened)
        assert ("My cat ran away." in words.decode(prompt.ids)) is not shortened


@pytest.mark.parametrize("template", [None, CHAT])
def test_a_system_text_that_does_not_fit_leaves_the_history_its_room(template: str | None) -> None:
    words = tokenizer()
    words.chat_template = template
    asked = example(system="Be kind. " * 30, persona=SENTENCES)
    prompt = encode_prompt(asked, words, Room(110, persona=30))
    assert prompt.turns == 2
    text = words.decode(prompt.ids)
    assert "Be kind" not in text
    assert text.endswith(prompt_parts(asked, 2, False, (), words, SENTENCES).text)


def test_a_reply_too_long_loses_its_end_and_so_its_eos() -> None:
    row = encode(example(reply="I am sorry. " * 20), WORDS, Room(32))
    assert len(row.reply) == 16
    assert WORDS.eos_token_id not in row.reply
    assert WORDS.decode(row.prompt).endswith("Listener:")


def test_a_long_reply_takes_the_room_that_its_prompt_leaves() -> None:
    asked = example(history=(), reply="I am sorry. " * 5)
    prompt, reply = prompted_by(asked, 0), [*ids(reply_text(asked, WORDS)), WORDS.eos_token_id]
    assert len(reply) > len(prompt)
    whole = encode(asked, WORDS, Room(len(prompt) + len(reply)))
    assert (whole.prompt, whole.reply) == (prompt, reply)
    cut = encode(asked, WORDS, Room(len(prompt) + len(reply) - 1))
    assert (cut.prompt, cut.reply) == (prompt, reply[:-1])


@pytest.mark.parametrize("template", [None, CHAT])
@pytest.mark.parametrize("limit", [60, 100, 160, 400])
def test_as_much_of_a_reply_is_scored_beside_other_passages_and_personas(template: str | None, limit: int) -> None:
    words = tokenizer()
    words.chat_template = template
    room = Room(limit, 30, limit + 30, persona=20)
    asked = example(history=(), reply="I am sorry. " * 120)
    personas = ((), SENTENCES[:1], SENTENCES, ("I have a dog.", *SENTENCES))
    changed = [replace(asked, persona=each) for each in personas] + [replace(asked, passages=PASSAGES)]
    replies = [encode(each, words, room).reply for each in changed]
    assert replies == [replies[0]] * len(changed)
    assert len(replies[0]) >= limit // 2
    if limit == 160:  # more than half of the room
        assert len(replies[0]) > limit // 2


def test_a_reply_is_cut_where_it_is_asked_for() -> None:
    asked = example(reply="I am sorry. " * 4)
    whole = encode(asked, WORDS, Room(200))
    assert encode(asked, WORDS, Room(200), 7) == replace(whole, reply=whole.reply[:7])


PASSAGES = ("Speaker: I won.\nListener: Well done!\n\n", "Speaker: I lost it all.\nListener: Oh no.\n\n")


def sizes() -> list[int]:
    return [len(ids(passage)) for passage in PASSAGES]


def test_passages_stand_before_the_prompt_best_first() -> None:
    asked = example(passages=PASSAGES)
    assert WORDS.decode(encode_prompt(asked, WORDS, Room(60, sum(sizes()))).ids[1:]) == (
        "".join(PASSAGES) + prompt_parts(asked, 2, True, (), WORDS).text
    )


def test_the_passages_that_a_prompt_holds_are_named() -> None:
    row = encode(example(passages=PASSAGES), WORDS, Room(60, sizes()[0], 160))
    assert row.passages == PASSAGES[:1]
    assert encode(example(), WORDS, Room(60, 99)).passages == ()


def test_a_passage_over_the_budget_is_left_out_whole() -> None:
    asked, alone = example(passages=PASSAGES), encode_prompt(example(), WORDS, Room(60)).ids
    for budget, kept in (
        (sum(sizes()) - 1, PASSAGES[:1]),
        (sizes()[0], PASSAGES[:1]),
        (sizes()[1], PASSAGES[1:]),
        (9, ()),
    ):
        wanted = [BEGIN, *ids(prompt_parts(asked, 2, True, kept, WORDS).text)]
        assert encode_prompt(asked, WORDS, Room(60, budget)).ids == wanted
    assert encode_prompt(asked, WORDS, Room(60, 0)).ids == alone


def test_passages_never_take_the_room_of_what_was_said() -> None:
    alone = encode_prompt(example(), WORDS, Room(60)).ids
    asked = example(passages=PASSAGES)
    whole = len(alone) + sizes()[0]
    assert encode_prompt(asked, WORDS, Room(60, 99, whole)).ids == [BEGIN, *ids(PASSAGES[0]), *alone[1:]]
    assert encode_prompt(asked, WORDS, Room(60, 99, whole - 1)).ids == alone
    cut = encode_prompt(example("My cat ran away. " * 9, history=(), passages=PASSAGES), WORDS, Room(20, 99)).ids
    assert len(cut) == 20


def test_a_chat_template_gets_passages_with_the_system_text() -> None:
    words = tokenizer()
    words.chat_template = CHAT
    asked = example(system="Be kind.", history=(), passages=("One.\n\n",))
    text = words.decode(encode_prompt(asked, words, Room(60, 20)).ids)
    assert text == "[system]Be kind.\n\nOne.\n[user]My cat ran away.\n[assistant]"


SENTENCES = ("I won.", "I lost it all.")


def with_persona(**given: Any) -> Example:
    return example(system="Be kind.", persona=SENTENCES, **given)


def prompted(asked: Example, kept: int, sentences: int) -> list[int]:
    return [BEGIN, *ids(prompt_parts(asked, kept, True, (), WORDS, SENTENCES[:sentences]).text)]


def test_as_many_sentences_of_a_persona_are_read_as_the_room_allows() -> None:
    size = [len(ids(sentence)) for sentence in SENTENCES]
    for persona, sentences in ((sum(size), 2), (sum(size) - 1, 1), (size[0], 1), (0, 0)):
        prompt = encode_prompt(with_persona(), WORDS, Room(200, persona=persona))
        assert prompt.ids == prompted(with_persona(), 2, sentences)
        assert prompt.left_out == (2 - sentences if persona else 0)  # trained without a persona, it reads none
        assert (Room(200, persona=persona) - 5).persona == persona


def test_the_persona_outlasts_the_history_and_the_instruction_the_persona() -> None:
    asked = with_persona()
    for kept, sentences in ((2, 2), (0, 2), (0, 1), (0, 0)):
        wanted = prompted(asked, kept, sentences)
        prompt = encode_prompt(asked, WORDS, Room(len(wanted), persona=99))
        assert (prompt.ids, prompt.left_out) == (wanted, 2 - sentences)
        assert len(encode_prompt(asked, WORDS, Room(len(wanted) - 1, persona=99)).ids) < len(wanted)


def test_a_shortened_history_begins_with_whoever_does_not_reply() -> None:
    for history, own, turns in (
        (("a", "b", "c"), (), (3, 2, 0)),
        (("a", "b"), (True, False, True), (2, 1, 0)),
        (("a", "b", "c"), (False, True, False, False), (3, 1, 0)),
    ):
        asked = example(history=history, own=own)
        sizes = range(len(prompted_by(asked, 0)), len(prompted_by(asked, len(history))) + 1)
        found = {encode_prompt(asked, WORDS, Room(size)).turns for size in sizes}
        assert found == set(turns)


def prompted_by(asked: Example, kept: int) -> list[int]:
    return [BEGIN, *ids(prompt_parts(asked, kept, True, (), WORDS).text)]


ENDING_IN_A_SPACE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n\n{% endfor %}assistant: "


@pytest.mark.parametrize("template", [None, CHAT, ENDING_IN_A_SPACE])
@pytest.mark.parametrize("made", [tokenizer, bpe, partial(bpe, normalised=False)])
def test_prompt_and_reply_are_the_tokens_of_their_joined_text(made: Callable[[], Any], template: str | None) -> None:
    words = made()
    words.chat_template = template
    begin = [words.bos_token_id] if template is None else []
    asked = example(history=())
    for reply in ("I am sorry.", '"Oh."', "1, 2", "“no”"):
        row = encode(replace(asked, reply=reply), words, Room(200))
        text = prompt_parts(asked, 0, True, (), words).text + reply_text(replace(asked, reply=reply), words)
        assert row.prompt + row.reply == [
            *begin,
            *words(text, add_special_tokens=False)["input_ids"],
            words.eos_token_id,
        ]
        assert row.prompt == encode_prompt(asked, words, Room(200)).ids  # what the reply is written to


@pytest.mark.parametrize("template", [None, CHAT, ENDING_IN_A_SPACE])
def test_a_long_reply_leaves_its_prompt_what_it_was_measured_with(template: str | None) -> None:
    """Whatever the room: the prompt that half of it holds stays whole, and the reply takes all the rest, or nearly."""
    words = bpe()
    words.chat_template = template
    asked = example("Why?", history=("I am sad.", "Why?"), reply="I am sorry to hear that. " * 9)
    for room in range(30, 90):
        row, prompt = encode(asked, words, Room(room)), encode_prompt(asked, words, Room(room - room // 2)).ids
        assert row.prompt == prompt
        assert room - 1 <= row.length <= room


def test_a_long_history_is_not_read_again_for_every_turn_that_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0

    def counted(words: Any, *parts: str) -> list[int]:
        nonlocal read
        read += sum(map(len, parts))
        return token_ids(words, *parts)

    monkeypatch.setattr(encoding, "token_ids", counted)
    asked = example(history=("It rains on me every day.",) * 400)
    assert encode_prompt(asked, WORDS, Room(300)).turns > 4
    assert read < 3 * sum(map(len, asked.history))


@pytest.mark.parametrize("template", [None, CHAT])
@pytest.mark.parametrize("made", [tokenizer, bpe])
def test_an_end_of_text_that_somebody_wrote_ends_nothing(made: Callable[[], Any], template: str | None) -> None:
    words = made()
    end, words.chat_template = words.eos_token, template
    said = f"My son wrote {end} on it."
    asked = example(said, history=(said, said), system=said, reply=said, persona=(said,), passages=(said,))
    row = encode(asked, words, Room(900, 200, 900, 200))
    first = [] if template else [words.bos_token_id]
    assert not {*row.prompt[len(first) :], *row.reply[:-1]} & {words.eos_token_id, words.bos_token_id}
    assert row.reply[-1] == words.eos_token_id
    assert row.passages == (said,)
