"""How a conversation is written out for a causal language model: the one place that knows the format.

A tokenizer with a chat template decides by itself; for any other the turns are marked with the roles below.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

# Goes up with every change below, since a model knows only the format that it was trained on.
FORMAT_VERSION = 2


@dataclass(frozen=True)
class Roles:
    """What stands before the turns of the one who speaks or asks, and of the one who replies."""

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
    """A reply to be learned or written.

    `system` is an instruction, apart from the question; `history` holds the turns before `question`, oldest first;
    `passages` are retrieved texts, best first.
    """

    id: str
    conversation: str
    roles: Roles
    system: str
    history: tuple[str, ...]
    question: str
    reply: str
    passages: tuple[str, ...] = ()


def examples(rows: Iterable[dict[str, Any]], instruction: str = "", passages: int | None = 0) -> list[Example]:
    """Rows of `schemas.REPLIES` or `schemas.INSTRUCTIONS`, one example each.

    `instruction` stands for a corpus' own system text where it has none; `passages`: how many of a row's
    passages are read; None reads all that it has.
    """
    return [_reply(row, instruction, passages) if "target" in row else _instruction(row, instruction) for row in rows]


def _reply(row: dict[str, Any], instruction: str, passages: int | None) -> Example:
    conversation = row["conv_id"]
    return Example(
        f"{conversation}/{row['turn']}",
        conversation,
        DIALOGUE,
        instruction,
        tuple(row["history"]),
        row["input"],
        row["target"],
        tuple(each["text"] for each in row["passages"][:passages]) if passages != 0 else (),
    )


def _instruction(row: dict[str, Any], instruction: str) -> Example:
    conversation, history = row["id"], tuple(row["history"])
    return Example(
        f"{conversation}/{row['turn']}",
        conversation,
        INSTRUCTION,
        row["system"] or instruction,
        history,
        row["prompt"],
        row["completion"],
    )


def prompt_text(example: Example, kept: int, system: bool, passages: Sequence[str], tokenizer: Any) -> str:
    """The prompt with the last `kept` turns of the history and these passages; it ends where the reply begins."""
    history = example.history[len(example.history) - kept :]
    said = example.system.strip() if system else ""
    if tokenizer.chat_template:
        about = "\n\n".join(part.strip() for part in (said, *passages) if part.strip())
        return _templated(tokenizer, about, history, example.question)
    text = (SYSTEM.format(system=said) if said else "") + "".join(passages)
    for turn, role in zip((*history, example.question), _marks(example.roles, kept + 1), strict=True):
        text += TURN.format(role=role, text=turn.strip())
    return text + CUE.format(role=example.roles.replies)


def _templated(tokenizer: Any, about: str, history: tuple[str, ...], question: str) -> str:
    options = {"tokenize": False, "add_generation_prompt": True}
    try:
        return tokenizer.apply_chat_template(_messages(about, history, question), **options)
    except TemplateError:  # some templates know no system role
        first, *rest = _messages("", history, question)
        opened = [first | {"content": f"{about}\n\n{first['content']}"}, *rest]
        return tokenizer.apply_chat_template(opened, **options)


def reply_text(example: Example, tokenizer: Any) -> str:
    reply = example.reply.strip()
    return reply if tokenizer.chat_template else REPLY.format(reply=reply)


def _marks(roles: Roles, turns: int) -> list[str]:
    """Roles alternate, and the last of the turns is the question."""
    return [roles.asks if (turns - at) % 2 else roles.replies for at in range(turns)]


def _messages(system: str, history: tuple[str, ...], question: str) -> list[dict[str, str]]:
    names = _marks(Roles("user", "assistant"), len(history) + 1)
    said = [{"role": "system", "content": system}] if system.strip() else []
    return said + [{"role": name, "content": turn} for name, turn in zip(names, (*history, question), strict=True)]
