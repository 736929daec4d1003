"""How a conversation is written out for a causal language model: the one place that knows the format.

A tokenizer's chat template is used where it has one; otherwise every turn is preceded by its speaker's role.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

# Goes up with every change below, since a model knows only the format that it was trained on.
FORMAT_VERSION = 2


@dataclass(frozen=True)
class Roles:
    """What stands before the turns of whoever speaks or asks, and of whoever replies."""

    asks: str
    replies: str


DIALOGUE = Roles("Speaker", "Listener")
INSTRUCTION = Roles("Question", "Answer")
SYSTEM = "System: {system}\n\n"
TURN = "{role}: {text}\n"
CUE = "{role}:"
REPLY = " {reply}"


@dataclass(frozen=True)
class Example:
    """A prompt and its reply, to be learned, scored or, where it is empty, written.

    `system`: an instruction that precedes the conversation. `history`: the turns before `question`, oldest first.
    `passages`: retrieved texts, best first.
    """

    id: str
    conversation: str
    roles: Roles
    system: str
    history: tuple[str, ...]
    question: str
    reply: str
    passages: tuple[str, ...] = ()


def examples(rows: Iterable[Mapping[str, Any]], instruction: str = "", passages: int | None = 0) -> list[Example]:
    """One example per processed row, in order; see `example`."""
    return [example(row, instruction, passages) for row in rows]


def example(row: Mapping[str, Any], instruction: str = "", passages: int | None = 0) -> Example:
    """A processed row as an example: of a dialogue where it has a `target`, of an instruction corpus otherwise.

    `instruction` is the system text of rows that have none. `passages`: how many of the row's passages to use, best
    first; None uses all.
    """
    if "target" in row:
        texts = tuple(each["text"] for each in row["passages"][:passages]) if passages != 0 else ()
        name, roles, system = row["conv_id"], DIALOGUE, instruction
        question, reply = row["input"], row["target"]
    else:
        texts = ()
        name, roles, system = row["id"], INSTRUCTION, row["system"] or instruction
        question, reply = row["prompt"], row["completion"]
    return Example(f"{name}/{row['turn']}", name, roles, system, tuple(row["history"]), question, reply, texts)


def prompt_text(example: Example, kept: int, system: bool, passages: Sequence[str], tokenizer: Any) -> str:
    """The prompt with the last `kept` turns of the history and these passages; the reply continues it.

    `system`: whether the prompt includes the system text.
    """
    history = example.history[len(example.history) - kept :]
    instruction = example.system.strip() if system else ""
    if tokenizer.chat_template:
        preamble = "\n\n".join(part.strip() for part in (instruction, *passages) if part.strip())
        return _templated(tokenizer, preamble, history, example.question)
    text = (SYSTEM.format(system=instruction) if instruction else "") + "".join(passages)
    for turn, role in zip((*history, example.question), _alternating(example.roles, kept + 1), strict=True):
        text += TURN.format(role=role, text=turn.strip())
    return text + CUE.format(role=example.roles.replies)


def reply_text(example: Example, tokenizer: Any) -> str:
    """The reply as it continues the prompt."""
    reply = example.reply.strip()
    return reply if tokenizer.chat_template else REPLY.format(reply=reply)


def _templated(tokenizer: Any, preamble: str, history: tuple[str, ...], question: str) -> str:
    options = {"tokenize": False, "add_generation_prompt": True}
    try:
        return tokenizer.apply_chat_template(_messages(preamble, history, question), **options)
    except TemplateError:  # some templates have no system role; the first turn takes its text
        first, *rest = _messages("", history, question)
        merged = first | {"content": f"{preamble}\n\n{first['content']}"}
        return tokenizer.apply_chat_template([merged, *rest], **options)


def _messages(system: str, history: tuple[str, ...], question: str) -> list[dict[str, str]]:
    roles = _alternating(Roles("user", "assistant"), len(history) + 1)
    start = [{"role": "system", "content": system}] if system.strip() else []
    turns = zip(roles, (*history, question), strict=True)
    return start + [{"role": role, "content": turn} for role, turn in turns]


def _alternating(roles: Roles, turns: int) -> list[str]:
    """The role of each turn, ending with the question."""
    return [roles.asks if (turns - at) % 2 else roles.replies for at in range(turns)]
