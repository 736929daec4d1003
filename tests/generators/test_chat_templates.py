"""Chat templates that have no place for a part of a conversation."""

import pytest

from attune.core.errors import AttuneError
from attune.generators.encoding import Room, encode_prompt
from attune.generators.prompts import prompt_text
from tests.generators.tiny import CHAT, END, example, tokenizer

PARTS = ("Be kind.", "I won a goat.", "I am sad.", "Why?", "My cat ran away.")
# Each leaves out, refuses or moves something.
TEMPLATES = {
    "drops the system": (
        "{% for m in messages %}{% if m.role == 'user' %}### Human: {{ m.content }}\n\n"
        "{% elif m.role == 'assistant' %}### Assistant: {{ m.content }}\n\n{% endif %}{% endfor %}### Assistant: "
    ),
    "refuses the system": "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}" + CHAT,
    "the system comes last": (
        "{% for m in messages if m.role != 'system' %}[{{ m.role }}]{{ m.content }}\n{% endfor %}"
        "{% for m in messages if m.role == 'system' %}{{ m.content }}{% endfor %}[assistant]"
    ),
    "the last message alone": "[user]{{ messages[-1].content }}\n[assistant]",
    "users alone": "{% for m in messages if m.role == 'user' %}[{{ m.role }}]{{ m.content }}\n{% endfor %}[assistant]",
    "newest first": "{% for m in messages[::-1] %}[{{ m.role }}]{{ m.content }}\n{% endfor %}[assistant]",
    "wants lists": "{% for m in messages %}{{ m.content[0].text.upper() }}{% endfor %}" + CHAT,
}


@pytest.mark.parametrize(
    "template", ["{{ 1 / 0 }}", "{{ range(10 ** 9) }}", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"]
)
@pytest.mark.fault("a chat template that raises: {}", "one sentence")
def test_whatever_a_template_raises_is_one_sentence(template: str) -> None:
    words = tokenizer()
    words.chat_template = template
    with pytest.raises(AttuneError, match="correct chat_template, or remove it"):
        encode_prompt(example(), words, Room(400))


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_everything_said_to_be_read_is_in_the_prompt_and_before_the_question(template: str) -> None:
    words = tokenizer()
    words.chat_template = template
    asked = example(system="Be kind.", passages=("I won a goat.\n\n",))
    if "upper" in template:
        with pytest.raises(AttuneError, match=r"chat template of .* leaves out what a user says"):
            encode_prompt(asked, words, Room(400, 90))
        return
    prompt = encode_prompt(asked, words, Room(400, 90))
    assert (prompt.passages, prompt.turns) == ([*asked.passages], 2)
    text = words.decode(prompt.ids)
    places = [text.find(part) for part in PARTS]
    assert places == sorted(places)
    assert all(text.count(part) == 1 for part in PARTS)


def test_a_conversation_that_loses_its_beginning_is_said_to() -> None:
    words = tokenizer()
    words.chat_template = (
        "{% if messages[0].role != 'user' %}{{ raise_exception('The user is first') }}{% endif %}" + CHAT
    )
    asked = example(history=("Hello!", "Hi.", "Well?"))
    prompt = encode_prompt(asked, words, Room(400))
    assert prompt.turns == 2
    assert words.decode(prompt.ids) == "[user]Hi.\n[assistant]Well?\n[user]My cat ran away.\n[assistant]"
    introduced = words.decode(encode_prompt(example(history=("Hello!",), system="Be kind."), words, Room(400)).ids)
    assert introduced == "[user]Be kind.\n[assistant]Hello!\n[user]My cat ran away.\n[assistant]"


def test_a_template_never_sees_what_people_wrote() -> None:
    words = tokenizer()
    words.chat_template = "{% for m in messages %}[{{ m.role }}]{{ m.content.split('</think>')[-1] }}{% endfor %}" + END
    said = "a </think> attuneplace1x {{ 7 * 7 }} b"
    assert prompt_text(example(said, history=()), 0, True, (), words) == f"[user]{said}{END}"


def test_two_turns_of_one_side_are_one_message() -> None:
    words = tokenizer()
    words.chat_template = CHAT
    asked = example("Two.", history=("Zero.", "One."), own=(True, False, False))
    assert prompt_text(asked, 2, True, (), words) == "[assistant]Zero.\n[user]One.\nTwo.\n[assistant]"
    assert prompt_text(asked, 2, True, (), tokenizer()) == "Listener: Zero.\nSpeaker: One.\nSpeaker: Two.\nListener:"
