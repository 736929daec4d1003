"""Chat templates that have no place for a part of a conversation."""

from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.generators.chat_templates import pin_date
from attune.generators.encoding import Room, encode_prompt
from attune.generators.loading import load_tokenizer
from attune.generators.prompts import prompt_parts
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
    "the system comes again last": (
        CHAT + "{% if messages[0].role == 'system' %}{{ messages[0].content }}{% endif %}[assistant]"
    ),
    "the last message alone": "[user]{{ messages[-1].content }}\n[assistant]",
    "users alone": "{% for m in messages if m.role == 'user' %}[{{ m.role }}]{{ m.content }}\n{% endfor %}[assistant]",
    "newest first": "{% for m in messages[::-1] %}[{{ m.role }}]{{ m.content }}\n{% endfor %}[assistant]",
    "wants lists": "{% for m in messages %}{{ m.content[0].text.upper() }}{% endfor %}" + CHAT,
}


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ range(10 ** 9) }}", "Range too big"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "maximum recursion depth"),
        ("{{ raise_exception('Only\\ntools may speak') }}", "Only tools may speak"),
        (f"{{% if messages|length < 9 %}}{{{{ raise_exception('Too few') }}}}{{% endif %}}{CHAT}", "Too few"),
    ],
)
@pytest.mark.fault("a chat template that raises: {reason}", "one sentence with its reason")
def test_whatever_a_template_raises_is_one_sentence(template: str, reason: str) -> None:
    words = tokenizer()
    words.chat_template = template
    with pytest.raises(AttuneError, match=rf"refuses .* \({reason}.*\); correct chat_template, or remove it") as raised:
        encode_prompt(example(), words, Room(400))
    assert "\n" not in str(raised.value)


def test_a_template_without_a_place_for_the_user_is_refused() -> None:
    words = tokenizer()
    words.chat_template = "{% for m in messages %}[{{ m.role }}]{% endfor %}"
    with pytest.raises(AttuneError, match=r"chat template of .* leaves out what a user says; correct chat_template"):
        encode_prompt(example(), words, Room(400))


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
def test_everything_said_to_be_read_is_in_the_prompt_and_before_the_question(template: str) -> None:
    words = tokenizer()
    words.chat_template = template
    asked = example(system="Be kind.", passages=("I won a goat.\n\n",))
    if "upper" in template:
        with pytest.raises(AttuneError, match=r"chat template of .* refuses what a user says \(.*has no attribute"):
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
    assert prompt_parts(example(said, history=()), 0, True, (), words).text == f"[user]{said}{END}"


def test_two_turns_of_one_side_are_one_message() -> None:
    words = tokenizer()
    words.chat_template = CHAT
    asked = example("Two.", history=("Zero.", "One."), own=(True, False, False))
    assert prompt_parts(asked, 2, True, (), words).text == "[assistant]Zero.\n[user]One.\nTwo.\n[assistant]"
    plain = prompt_parts(asked, 2, True, (), tokenizer())
    assert plain.text == "Listener: Zero.\nSpeaker: One.\nSpeaker: Two.\nListener:"


@pytest.mark.parametrize(
    ("dated", "said"),
    [
        ("Today: {{ strftime_now('%d %b %Y') }}. ", "Today: 26 Jul 2024. "),
        ("{%- if strftime_now is defined %}{{ strftime_now( \"%Y-%m-%d\" ) + ' ' }}{% endif %}", "2024-07-26 "),
        ("{# strftime_now(format) #}{% set day = date_string or strftime_now('%A') %}{{ day }}: ", "Friday: "),
    ],
)
@pytest.mark.fault("a chat template that writes the day", "the same prompt on every day, also after saving")
def test_a_prompt_does_not_depend_on_the_day(dated: str, said: str, tmp_path: Path) -> None:
    words = tokenizer()
    words.chat_template = dated + CHAT
    words.save_pretrained(tmp_path)
    loaded = load_tokenizer(tmp_path)
    assert prompt_parts(example("Hi.", history=()), 0, True, (), loaded).text == f"{said}[user]Hi.\n[assistant]"
    loaded.save_pretrained(tmp_path / "trained")
    assert load_tokenizer(tmp_path / "trained").chat_template == loaded.chat_template


@pytest.mark.parametrize("dated", ["{{ strftime_now(form) }}", "{% set now = strftime_now %}{{ now('%Y') }}"])
@pytest.mark.fault("a chat template that asks for the day otherwise", "refused in a sentence")
def test_a_day_that_cannot_be_fixed_is_refused(dated: str) -> None:
    for template in (dated + CHAT, {"default": CHAT, "tools": dated + CHAT}):
        words = tokenizer()
        words.chat_template = template
        with pytest.raises(AttuneError, match="makes prompts that depend on the day; write a date"):
            pin_date(words)


def test_of_several_templates_each_has_the_same_day() -> None:
    words = tokenizer()
    words.chat_template = {"default": "{{ strftime_now('%Y') }} " + CHAT, "tools": "{{ strftime_now('%B') }}"}
    pin_date(words)
    assert words.chat_template["tools"] == "{{ 'July' }}"
    assert prompt_parts(example("Hi.", history=()), 0, True, (), words).text == "2024 [user]Hi.\n[assistant]"
