"""PEC's text files: turns with ` ---+--- `, conversations and persona blocks closed by twenty asterisks."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from attune.corpora.reading import BadRow, BadRows, ends_whole, lines

MARKER = " ---+--- "
END = "*" * 20


@dataclass(frozen=True)
class Conversation:
    """Two turns or more; the last one is the response."""

    speakers: tuple[str, ...]
    utterances: tuple[str, ...]


class Block(NamedTuple):
    """The lines before an end mark or the file's end, and the number of the line that closes them."""

    lines: list[tuple[int, str]]
    end: int
    whole: bool


def read_conversations(path: Path, bad: BadRows) -> Iterator[Conversation]:
    """A line without the marker continues the turn before. A malformed conversation is left out whole."""
    for block in _blocks(path):
        try:
            conversation = _conversation(block)
        except BadRow as error:
            bad.add(path, error.number, str(error))
        else:
            yield conversation


def read_personas(path: Path, bad: BadRows) -> dict[str, tuple[str, ...]]:
    """Each user's sentences in file order without repeats; a user's later block adds to the earlier one."""
    personas: dict[str, dict[str, None]] = {}
    for block in _blocks(path):
        try:
            user, sentences = _persona(block)
        except BadRow as error:
            bad.add(path, error.number, str(error))
        else:
            personas.setdefault(user, {}).update(dict.fromkeys(sentences))
    return {user: tuple(sentences) for user, sentences in personas.items()}


def _blocks(path: Path) -> Iterator[Block]:
    block: list[tuple[int, str]] = []
    for number, line in lines(path):
        if line.strip() == END:
            yield Block(block, number, whole=True)
            block = []
        else:
            block.append((number, line))
    if block:
        yield Block(block, block[-1][0], whole=ends_whole(path))


def _conversation(block: Block) -> Conversation:
    _check_whole(block)
    speakers: list[str] = []
    utterances: list[str] = []
    for number, line in block.lines:
        # Padded, so that a marker at either end of the line is seen: it leaves an empty user or utterance.
        user, marker, utterance = f" {line} ".partition(MARKER)
        if marker:
            speakers.append(_filled(user, number, "user before"))
            utterances.append(_filled(utterance, number, "utterance after"))
        elif utterances:
            utterances[-1] += " " + line.strip()
        else:
            raise BadRow(number, f"continues a turn before any turn; expected `<user>{MARKER}<utterance>`")
    if len(utterances) < 2:
        raise BadRow(
            block.end,
            f"the conversation that ends here has {len(utterances)} turn(s); expected two or more",
        )
    return Conversation(tuple(speakers), tuple(utterances))


def _persona(block: Block) -> tuple[str, list[str]]:
    _check_whole(block)
    if not block.lines:
        raise BadRow(block.end, "a persona block without a user; expected the user's name on its first line")
    user, *sentences = (line.strip() for _, line in block.lines)
    return user, sentences


def _check_whole(block: Block) -> None:
    if not block.whole:
        raise BadRow(block.end, "the file ends in the middle of this line; expected a line break; fetch it again")


def _filled(text: str, number: int, what: str) -> str:
    if not text.strip():
        raise BadRow(number, f"no {what} the marker; expected `<user>{MARKER}<utterance>`")
    return text.strip()
