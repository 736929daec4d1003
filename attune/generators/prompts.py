"""How a conversation is written out for a causal language model: the one place that knows the format.

A tokenizer's chat template is used where it has one; otherwise every turn is preceded by its speaker's role.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from jinja2 import TemplateError

# Goes up with every change below, since a model knows only the format that it was trained on.
FORMAT_VERSION = 3


@dataclass(frozen=True)
class Roles:
    """What stands before the turns of whoever speaks or asks, and of whoever replies."""

    asks: str
    replies: str


DIALOGUE = Roles("Speaker", "Listener")
INSTRUCTION = Roles("Question", "Answer")
PERSONA = "You are someone who says about yourself: {sentences}"
SYSTEM = "System: {system}\n\n"
TURN = "{role}: {text}\n"
CUE = "{role}:"
REPLY = " {reply}"


@dataclass(frozen=True)
class Example:
    """A prompt and its reply, to be learned, scored or, where it is empty, written.

    `system`: an instruction that precedes the conversation. `history`: the turns before `question`, oldest first.
    Turns alternate; the question is the other person's, unless `own_turn_last` says that whoever replies wrote it too.
    `passages`: retrieved texts, best first. `persona`: what whoever replies says about themselves.
    """

    id: str
    conversation: str
    roles: Roles
    system: str
    history: tuple[str, ...]
    question: str
    reply: str
    passages: tuple[str, ...] = ()
    persona: tuple[str, ...] = ()
    own_turn_last: bool = False


def examples(rows: Iterable[Mapping[str, Any]], instruction: str = "", passages: int | None = 0) -> list[Example]:
    """One example per processed row, in order; see `example`."""
    return [example(row, instruction, passages) for row in rows]


def example(row: Mapping[str, Any], instruction: str = "", passages: int | None = 0) -> Example:
    """A processed row as an example.

    A row with a `response` is of a conversation with a persona, one with a `target` of a dialogue, any other of an
    instruction corpus. `instruction` is the system text of rows that have none. `passages`: how many of the row's
    passages to use, best first; None uses all.
    """
    if "response" in row:
        return _with_persona(row, instruction)
    if "target" in row:
        texts = tuple(each["text"] for each in row["passages"][:passages]) if passages != 0 else ()
        name, roles, system = row["conv_id"], DIALOGUE, instruction
        question, reply = row["input"], row["target"]
    else:
        texts = ()
        name, roles, system = row["id"], INSTRUCTION, row["system"] or instruction
        question, reply = row["prompt"], row["completion"]
    return Example(f"{name}/{row['turn']}", name, roles, system, tuple(row["history"]), question, reply, texts)


def _with_persona(row: Mapping[str, Any], instruction: str) -> Example:
    """Consecutive turns of the responder, or of all others, are one turn; a line each."""
    turns = zip(row["context_speakers"], row["context"], strict=True)
    sides = [
        (own, "\n".join(text for _, text in side))
        for own, side in groupby(turns, key=lambda turn: turn[0] == row["response_speaker"])
    ]
    *history, question = [text for _, text in sides]
    return Example(
        id=f"{row['id']}/{len(row['context'])}",
        conversation=row["id"],
        roles=DIALOGUE,
        system=row.get("system") or instruction,
        history=tuple(history),
        question=question,
        reply=row["response"],
        persona=tuple(row["personas"]),
        own_turn_last=sides[-1][0],
    )


def prompt_text(
    example: Example,
    kept: int,
    system: bool,
    passages: Sequence[str],
    tokenizer: Any,
    persona: Sequence[str] = (),
) -> str:
    """The prompt with the last `kept` turns of the history, these passages and these sentences of the persona.

    The reply continues it. `system`: whether the prompt includes the system text.
    """
    turns = (*example.history[len(example.history) - kept :], example.question)
    about = PERSONA.format(sentences=" ".join(sentence.strip() for sentence in persona)) if persona else ""
    preamble = [part for part in (example.system.strip() if system else "", about) if part]
    if tokenizer.chat_template:
        preamble += [passage.strip() for passage in passages if passage.strip()]
        return _templated(tokenizer, "\n\n".join(preamble), _messages(example, turns))
    text = (SYSTEM.format(system="\n".join(preamble)) if preamble else "") + "".join(passages)
    for turn, role in zip(turns, _alternating(example, example.roles, len(turns)), strict=True):
        text += TURN.format(role=role, text=turn.strip())
    return text + CUE.format(role=example.roles.replies)


def reply_text(example: Example, tokenizer: Any) -> str:
    """The reply as it continues the prompt."""
    reply = example.reply.strip()
    return reply if tokenizer.chat_template else REPLY.format(reply=reply)


def _templated(tokenizer: Any, preamble: str, messages: list[dict[str, str]]) -> str:
    options = {"tokenize": False, "add_generation_prompt": True}
    try:
        system = [{"role": "system", "content": preamble}] if preamble else []
        return tokenizer.apply_chat_template(system + messages, **options)
    except TemplateError:  # some have no system role, so that the first turn takes its text; some want the user's first
        first, *rest = messages[1:] if messages[0]["role"] == "assistant" else messages
        merged = first | {"content": "\n\n".join(part for part in (preamble, first["content"]) if part)}
        return tokenizer.apply_chat_template([merged, *rest], **options)


def _messages(example: Example, turns: Sequence[str]) -> list[dict[str, str]]:
    roles = _alternating(example, Roles("user", "assistant"), len(turns))
    return [{"role": role, "content": turn} for role, turn in zip(roles, turns, strict=True)]


def _alternating(example: Example, roles: Roles, turns: int) -> list[str]:
    """The role of each of the last `turns` turns, the question included."""
    return [roles.asks if (turns - at + example.own_turn_last) % 2 else roles.replies for at in range(turns)]
