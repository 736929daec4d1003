"""Who said what in a conversation of one's own data, as people keep chats: with a speaker for each turn, or without."""

import json
import re
import unicodedata
from io import StringIO
from typing import Any, NamedTuple

from attune.core.people import ASKS, REPLIES
from attune.corpora.reading import BadRow

# What the two sides are called, in lower case; the turns of all others but the system are left out.
_SIDES = dict.fromkeys(("human", "user", "prompter", "speaker"), ASKS)
_SIDES |= dict.fromkeys(("gpt", "assistant", "bot", "chatgpt", "model", "listener"), REPLIES)
_SYSTEM = ("system", "developer")
# Whose turns are calls of tools, as their name then says, or results, which the responder asked for in the turn before.
_TOOLS = re.compile("tool|function|observation|ipython|environment")
_CALL = "call of a tool"  # counts such a turn of the responder's
# A list as Python and its libraries print it, or JSON that is broken.
_WRITTEN_LIST = re.compile(r"""\[\s*['"{].*['"}]\s*\]""", re.DOTALL)


class Turns(NamedTuple):
    """The side and text of each turn, the texts of system turns, and who spoke in each turn that is left out.

    guessed: the sides are not named, but counted back from the last turn.
    """

    said: list[tuple[str, str]]
    system: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    guessed: bool = False


def read_turns(number: int, cells: list[Any]) -> Turns:
    """The turns of row `number`: texts whose last one is the response, or turns with their speakers.

    Left out are turns of neither side, and those in which the responder calls a tool: neither is a reply to a person.

    Raises
    ------
    BadRow
        for a turn that is not of text, or does not say who speaks where others do.
    """
    if all(isinstance(each, str) for each in cells):
        return alternating([read_text(number, "a turn", each) for each in cells])
    said: list[tuple[str, str]] = []
    system, left_out = [], []
    replied = False  # whether the turn before is a reply that is kept
    for each in cells:
        if not isinstance(each, dict):
            raise BadRow(number, f"a turn is {str(each)[:80]!r}; expected all texts, or all with their speaker")
        speaker = _speaker(number, each)
        if speaker in _SYSTEM:
            system.append(_content(number, each))
        elif speaker not in _SIDES:
            left_out.append(speaker)
            if replied and _TOOLS.search(speaker) and not speaker.endswith(("call", "calls")):
                said.pop()
                left_out.append(_CALL)
        elif _holds_any([each.get("tool_calls"), each.get("function_call")]):
            left_out.append(_CALL)
        else:
            said.append((_SIDES[speaker], _content(number, each)))
            replied = _SIDES[speaker] == REPLIES
            continue
        replied = False
    return Turns(said, tuple(system), tuple(left_out))


def _speaker(number: int, turn: dict[str, Any]) -> str:
    """Who says a turn, in lower case."""
    given = {key: cell for key, cell in turn.items() if cell is not None and cell != ""}
    name = given.get("from", given.get("role"))
    if name is None:
        has = f"it has {', '.join(map(str, given))}" if given else "it is empty"
        raise BadRow(number, f"a turn has neither `from` nor `role` ({has})")
    return read_text(number, "a speaker", str(name)).lower()


def _holds_any(calls: list[Any]) -> bool:
    """Whether anything is in the calls; parquet fills those that a turn does not make with fields that are null."""
    rest = list(calls)  # no recursion, since JSON may be nested deeper than Python's functions
    while rest:
        each = rest.pop()
        if isinstance(each, dict):
            rest += each.values()
        elif isinstance(each, list):
            rest += each
        elif each and each != "[]":
            return True
    return False


def alternating(texts: list[str]) -> Turns:
    """The last text is the responder's, the one before the other side's, and so on."""
    sides = (REPLIES, ASKS)
    return Turns([(sides[(len(texts) - 1 - at) % 2], text) for at, text in enumerate(texts)], guessed=True)


def joined(number: int, turns: Turns) -> tuple[list[str], list[str]]:
    """Speakers and utterances up to the responder's last turn; turns of one side in a row become one.

    Raises
    ------
    BadRow
        for an empty turn, and for a conversation without something said and an answer to it.
    """
    speakers: list[str] = []
    utterances: list[str] = []
    for speaker, text in turns.said:
        if not text.strip():
            raise BadRow(number, "a turn is empty; expected text")
        if speakers and speakers[-1] == speaker:
            utterances[-1] += f"\n{text.strip()}"
        else:
            speakers.append(speaker)
            utterances.append(text.strip())
    if speakers and speakers[-1] == ASKS:
        speakers, utterances = speakers[:-1], utterances[:-1]
    if ASKS not in speakers:
        names = ", ".join(dict.fromkeys(turns.left_out))
        others = f" by {', '.join(_SIDES)}; turns by {names} are left out" if names else ""
        raise BadRow(number, f"no turn with an answer; expected something said and a response to it{others}")
    return speakers, utterances


def read_text(number: int, key: str, cell: Any) -> str:
    """The text of a cell, which may be missing, with line breaks as \\n and letters composed with their accents (NFC).

    A BadRow names any other content of `key`.
    """
    if cell is None:
        return ""
    if not isinstance(cell, str):
        raise BadRow(number, f"{key} is {str(cell)[:80]!r}; expected text")
    try:
        cell.encode()
    except UnicodeEncodeError:  # JSON can spell it, and no file can hold it
        raise BadRow(number, f"{key} holds half of a surrogate pair; expected text") from None
    return unicodedata.normalize("NFC", cell).replace("\r\n", "\n").replace("\r", "\n").strip()


def listed(number: int, key: str, cell: Any, apart: bool = True) -> list[Any]:
    """A cell as a list: itself, written as JSON, or, if `apart`, one text per line."""
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        try:  # text may begin with a bracket, and hold a list of numbers
            written = json.loads(cell)
            cell = written if all(isinstance(each, (str, dict)) for each in written) else cell
        except (ValueError, RecursionError):
            if _WRITTEN_LIST.fullmatch(cell.strip()):  # neither its lines nor all of it are what somebody said
                raise BadRow(number, f"{key} is {cell[:80]!r}; a list must be JSON, with double quotes") from None
    if isinstance(cell, str):
        # Not splitlines, by which U+2028 and form feeds end a line too.
        cell = [line.removesuffix("\n") for line in StringIO(cell, newline=None)] if apart else [cell]
    if cell is None:
        return []
    if not isinstance(cell, list):
        raise BadRow(number, f"{key} is {str(cell)[:80]!r}; expected a text or a list of texts")
    return cell


def _content(number: int, turn: dict[str, Any]) -> str:
    """What a turn says, in one text or in OpenAI's list of parts."""
    if not {"content", "value"} & turn.keys():
        raise BadRow(number, f"a turn has neither `content` nor `value` (it has {', '.join(map(str, turn))})")
    cell = turn.get("content") if turn.get("value") is None else turn["value"]
    if isinstance(cell, list):
        cell = "\n".join(_part(number, part) for part in cell)
    return read_text(number, "a turn", cell)


def _part(number: int, part: Any) -> str:
    said = part.get("text") if isinstance(part, dict) else part
    if not isinstance(said, str):
        raise BadRow(number, f"a turn has the part {str(part)[:80]!r}; expected parts of text alone")
    return said
