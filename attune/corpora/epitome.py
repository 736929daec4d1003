"""EPITOME: replies of peer supporters on Reddit, labelled by how empathetic they are.

Sharma et al. 2020, "A Computational Approach to Understanding Empathy Expressed in Text-Based Peer Support" (EMNLP),
label a reply's emotional reactions, interpretations and explorations as absent (0), weak (1) or strong (2). Their CSV
files are not part of Attune: to use them, name their folder in params.yaml. The replies are neither ranked nor
written, so that no rows are made of them; `attune.evaluation.generation.empathy` learns from the labels.
"""

from collections.abc import Iterator
from pathlib import Path

from attune.core.errors import AttuneError
from attune.corpora.base import Corpus, Own, Row, Rows, Sampling, Schemas, Subset
from attune.corpora.reading import BadRow, BadRows, check_content, csv_rows

LEVELS = ("0", "1", "2")
_TEXTS = ("sp_id", "rp_id", "seeker_post", "response_post")
_COLUMNS = (*_TEXTS, "level")


def read(path: Path, bad: BadRows) -> Iterator[Row]:
    """The labelled replies of one mechanism's file: ids and texts of the post and the reply, and the level, a number.

    Raises
    ------
    AttuneError
        for a file that cannot be read or has no column of one of these names, and as `BadRows.add`. Unbalanced quotes
        stop it whatever the policy, since they may swallow any number of rows.
    """
    check_content(path)
    rows = csv_rows(path)
    _, names = next(rows, (1, []))
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise AttuneError(f"{path} has no column {', '.join(missing)}; it must have {', '.join(_COLUMNS)}")
    for number, cells in rows:
        with bad.leaving_out(path):
            if cells:
                yield _labelled(number, dict(zip(names, cells, strict=False)))


def _labelled(number: int, row: dict[str, str]) -> Row:
    if any(name not in row for name in _COLUMNS):
        raise BadRow(number, "fewer fields than the header")
    if row["level"] not in LEVELS:
        raise BadRow(number, f"the level is {row['level']!r}; expected one of {', '.join(LEVELS)}")
    return {name: row[name] for name in _TEXTS} | {"level": int(row["level"])}


def _no_conversations(_record: Corpus, _raw: Path, _sampling: Sampling, _bad: BadRows, _scratch: Path) -> Subset:
    return Subset({}, {})


def _no_rows(_conversation: Row, _drop_repeated_personas: bool) -> Rows:
    return []


EPITOME = Corpus(
    name="epitome",
    title="EPITOME",
    licence="its own",
    layouts=(
        {
            "emotional_reactions": "emotional-reactions-reddit.csv",
            "interpretations": "interpretations-reddit.csv",
            "explorations": "explorations-reddit.csv",
        },
    ),
    read=read,
    key="rp_id",
    rows=_no_rows,
    schemas=Schemas({}, {}),
    lengths={},
    subset=_no_conversations,
    own=Own(read, folder=True),
)
