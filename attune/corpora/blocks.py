"""Text files of blocks, each closed by a line of twenty asterisks."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from attune.corpora.reading import BadRow, ends_with_line_break, placed_lines

END = "*" * 20
# So many asterisks alone on a line are no masked word or divider of a text, but an end mark that is mistyped.
_LIKE_END = 10


class Block(NamedTuple):
    """The numbered lines before an end mark or the file's end.

    end: the number of the line that closes them. place: their first byte and the one after the end mark.
    """

    lines: list[tuple[int, str]]
    end: int
    complete: bool
    place: tuple[int, int]


def blocks(path: Path) -> Iterator[Block]:
    block: list[tuple[int, str]] = []
    start, end = 0, 0
    for number, line, end in placed_lines(path):
        if line.strip() == END:
            yield Block(block, number, complete=True, place=(start, end))
            block, start = [], end
        else:
            block.append((number, line))
    if block:
        yield Block(block, block[-1][0], complete=ends_with_line_break(path), place=(start, end))


def check_closed(block: Block) -> None:
    """Raise a BadRow for a block that the file's end cut off in the middle of a line, and for two in one.

    What a mistyped end mark leaves together would pass for one person or one conversation.
    """
    if not block.complete:
        raise BadRow(block.end, "the file ends in the middle of this line; expected a line break; fetch it again")
    for number, line in block.lines:
        if len(mark := line.strip()) >= _LIKE_END and not mark.strip("*"):
            raise BadRow(number, f"a line of {len(mark)} asterisks; expected {len(END)}, which close a block")
