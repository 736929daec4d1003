"""How a conversation is written out for a causal language model: the one place that knows the format.

A tokenizer's chat template is used where it has one; otherwise every turn is preceded by its speaker's role.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from attune.core.people import greeting, responder
from attune.generators.chat_templates import templated
from attune.generators.roles import CUE, DIALOGUE, INSTRUCTION, TURN, Roles

# Goes up with every change below, since a model knows only the format that it was trained on.
FORMAT_VERSION = 5


PERSONA = "You are someone who says about yourself: {sentences}"
SYSTEM = "System: {system}\n\n"
REPLY = " {reply}"
SPEAKER = 0  # who asks, among the speakers of a dialogue corpus


@dataclass(frozen=True)
class Example:
    """A prompt and its reply, to be learned, scored or, where it is empty, written.

    system: an instruction that precedes the conversation. history: the turns before `question`, oldest first.
    situation: what the conversation is about, which several may share; no part of the prompt, nor is `responder`: the
    name of who gives the reply, where it is known. greeting: how many first turns are one (`core.people.greeting`).
    passages: retrieved texts, best first. persona: what the responder says about themselves. own: for each turn
    of the history and for the question, whether it is the responder's; without it turns alternate, and the question
    is the other person's.
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
    own: tuple[bool, ...] = ()
    situation: str = ""
    responder: str = ""
    greeting: int = 0

    @property
    def turns(self) -> list[tuple[bool, str]]:
        """Each turn, the question last, and whether it is the responder's."""
        texts = [turn.strip() for turn in (*self.history, self.question)]
        own = self.own or [bool((len(texts) - at) % 2 == 0) for at in range(len(texts))]
        return list(zip(own, texts, strict=True))


def examples(rows: Iterable[Mapping[str, Any]], instruction: str = "", passages: int | None = 0) -> list[Example]:
    """One example per processed row, in order; see `example`."""
    return [example(row, instruction, passages) for row in rows]


def example(row: Mapping[str, Any], instruction: str = "", passages: int | None = 0) -> Example:
    """A processed row as an example.

    A row with a `response` is of a conversation with a persona, one with a `target` of a dialogue, any other of an
    instruction corpus. `instruction` is the system text of rows that have none. passages: how many of the row's
    passages to use, best first; None uses all.
    """
    if "response" in row:
        return _with_persona(row, instruction)
    if "target" in row:
        return _with_passages(row, instruction, passages)
    return Example(
        id=f"{row['id']}/{row['turn']}",
        conversation=row["id"],
        roles=INSTRUCTION,
        system=row["system"] or instruction,
        history=tuple(row["history"]),
        question=row["prompt"],
        reply=row["completion"],
    )


def _with_persona(row: Mapping[str, Any], instruction: str) -> Example:
    *history, question = row["context"]
    return Example(
        id=f"{row['id']}/{row.get('turn', len(row['context']))}",
        conversation=row.get("conversation") or row["id"],
        roles=DIALOGUE,
        system=row.get("system") or instruction,
        history=tuple(history),
        question=question,
        reply=row["response"],
        persona=tuple(row["personas"]),
        own=tuple(speaker == row["response_speaker"] for speaker in row["context_speakers"]),
        responder=responder(row),
        greeting=greeting(row["context_speakers"]),
    )


def _with_passages(row: Mapping[str, Any], instruction: str, passages: int | None) -> Example:
    return Example(
        id=f"{row['conv_id']}/{row['turn']}",
        conversation=row["conv_id"],
        roles=DIALOGUE,
        system=instruction,
        history=tuple(row["history"]),
        question=row["input"],
        reply=row["target"],
        passages=tuple(each["text"] for each in row["passages"][:passages]) if passages != 0 else (),
        own=tuple(speaker != SPEAKER for speaker in row.get("speakers") or ()),
        situation=row["situation"],
    )


class Text(NamedTuple):
    """A prompt's text in parts, of which a chat template's are `Markup`; how many turns of the history are in it.

    The last part but one is the text of the last turn.
    """

    parts: tuple[str, ...]
    turns: int

    @property
    def text(self) -> str:
        """The parts together."""
        return "".join(self.parts)


def prompt_parts(
    example: Example,
    kept: int,
    system: bool,
    passages: Sequence[str],
    tokenizer: Any,
    persona: Sequence[str] = (),
) -> Text:
    """The prompt with the last `kept` turns of the history, these passages and these sentences of the persona.

    The reply continues it. system: whether the prompt includes the system text.

    Raises
    ------
    AttuneError
        as `templated`.
    """
    turns = example.turns[len(example.history) - kept :]
    about = PERSONA.format(sentences=" ".join(sentence.strip() for sentence in persona)) if persona else ""
    preamble = [part for part in (example.system.strip() if system else "", about) if part]
    passages = [passage.strip() for passage in passages if passage.strip()]
    if tokenizer.chat_template:
        parts, read = templated(tokenizer, "\n\n".join([*preamble, *passages]), turns, example.roles)
        return Text(parts, read - 1)
    text = SYSTEM.format(system="\n".join(preamble)) if preamble else ""
    text += "".join(f"{passage}\n\n" for passage in passages)
    *earlier, (own, question) = turns
    for each, turn in earlier:
        text += TURN.format(role=example.roles.of(each), text=turn)
    before, after = TURN.split("{text}")
    text += before.format(role=example.roles.of(own))
    return Text((text, question, after + CUE.format(role=example.roles.replies)), kept)


def reply_text(example: Example, tokenizer: Any) -> str:
    """The reply as it continues the prompt."""
    reply = example.reply.strip()
    return reply if tokenizer.chat_template else REPLY.format(reply=reply)
