"""The record that a corpus' module ends in: all that the rest of the project knows about a corpus."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from attune.core.errors import AttuneError
from attune.corpora.reading import BadRows

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
Rows = list[Row]
Columns = Mapping[str, str]


@dataclass(frozen=True)
class Schemas:
    """The columns of a corpus' parquet files: name -> `string`, `int32`, `list<string>` or `list<int32>`.

    The properties are their Arrow schemas, built when asked for: fetching a corpus must not wait for pyarrow.
    """

    conversation_columns: Columns
    row_columns: Columns
    candidate_columns: Columns = field(default_factory=dict)

    @property
    def conversations(self) -> "pa.Schema":
        """data/subset: one row per conversation."""
        return arrow_schema(self.conversation_columns)

    @property
    def rows(self) -> "pa.Schema":
        """data/processed: one row per reply to be ranked or generated."""
        return arrow_schema(self.row_columns)

    @property
    def candidates(self) -> "pa.Schema":
        """candidates/ of data/subset and data/processed: one row per reply among which a ranking corpus is ranked."""
        return arrow_schema(self.candidate_columns)


def arrow_schema(columns: Columns) -> "pa.Schema":
    import pyarrow as pa

    types = {"string": pa.string(), "int32": pa.int32()}
    types |= {f"list<{name}>": pa.list_(kind) for name, kind in types.items()}
    return pa.schema([(name, types[kind]) for name, kind in columns.items()])


class Sampling(NamedTuple):
    """How a corpus is cut to the size of the experiment.

    cap: conversations kept of all splits together, None for all. test_share: the share of them that is tested on.
    sizes: conversations of each split, and those to `evaluate` (None: as many as of `test`), by the subset's name,
    for a corpus that keeps its published splits.
    """

    seed: int
    cap: int | None
    test_share: float
    sizes: Mapping[str, Mapping[str, int | None]]


class Subset(NamedTuple):
    """Conversations and candidates by file name without suffix, and how many rows were left out for which reason."""

    conversations: Mapping[str, Iterable[Row]]
    counts: Mapping[str, int]
    candidates: Mapping[str, Iterable[Row]] = {}


class Own(NamedTuple):
    """How one's own conversations take a corpus' place, as rows of its `schemas.conversations`.

    read: parses their one file; where `subset` is None, into such rows. subset: as for a `Corpus`. columns: what
    the corpus has beside what is said, others do nothing there; needed: which of them no row may lack.
    folder: they are a folder with the corpus' own files instead, which `read` parses one by one.
    """

    read: Callable[[Path, BadRows], Iterable[Any]]
    subset: "Callable[[Corpus, Path, Sampling, BadRows, Path], Subset] | None" = None
    columns: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    folder: bool = False


@dataclass(frozen=True)
class Corpus:
    """One corpus, from its raw files to the rows that models learn from.

    Attributes
    ----------
    name, title: its key in params.yaml and folder in data/; its name as people write it.
    licence, place: of the published data; the hub's dataset or the address that has them.
    layouts: split -> raw file, for each way in which the files are published, the mirror's first and the hub's last.
    read: parses one raw file; where `subset` is None, into rows of `schemas.conversations`.
    key: the column that names a conversation.
    rows: one conversation as rows of `schemas.rows`; its second argument is `preprocess.drop_repeated_personas`.
    lengths: label -> text column of the processed rows, whose lengths in words the report shows.
    ranked: whether its replies are ranked among others.
    opening: what a conversation is about, a text that no two splits share; None: each conversation for itself.
    said: all that is said in a conversation, which no two splits share either, whatever its opening; None: they may.
    subset: cuts the corpus to size, with a folder for what it has not yet written; None: `subsets.train_and_test`.
    train_rows: the file with the train rows in data/processed/<name>.
    indexed: whether the train rows have a sentence index.
    own: how one's own conversations take its place, or are it; None: they cannot.
    """

    name: str
    title: str
    licence: str
    layouts: tuple[Mapping[str, str], ...]
    read: Callable[[Path, BadRows], Iterable[Any]]
    key: str
    rows: Callable[[Row, bool], Rows]
    schemas: Schemas
    lengths: Mapping[str, str]
    ranked: bool = False
    opening: Callable[[Row], str] | None = None
    said: Callable[[Row], str] | None = None
    subset: "Callable[[Corpus, Path, Sampling, BadRows, Path], Subset] | None" = None
    train_rows: str = "train.parquet"
    indexed: bool = False
    own: Own | None = None
    place: str = ""

    @property
    def in_own_folder(self) -> bool:
        """Whether it is there only as files of one's own, in the layout of the published ones."""
        return self.own is not None and self.own.folder

    @property
    def has_emotions(self) -> bool:
        """Whether its conversations have the emotions that the emotion probe learns, be they published or one's own."""
        return self.own is not None and "emotion" in self.own.needed

    @property
    def has_passages(self) -> bool:
        """Whether its generators can be given retrieved exchanges; a ranking corpus has an index of single replies."""
        return self.indexed and not self.ranked

    def layout(self, folder: Path) -> Mapping[str, str]:
        """The layout all of whose files are in `folder`, the mirror's if several are.

        Raises
        ------
        AttuneError
            naming a missing file of the layout that comes closest, and the files of every layout.
        """
        missing = [[name for name in layout.values() if not (folder / name).is_file()] for layout in self.layouts]
        closest = min(range(len(missing)), key=lambda number: len(missing[number]))
        if missing[closest]:
            raise AttuneError(
                f"{folder / missing[closest][0]} is missing; {self.name} consists of "
                + ", or of ".join(", ".join(layout.values()) for layout in self.layouts)
            )
        return self.layouts[closest]

    def files(self, folder: Path) -> dict[str, Path]:
        """Split -> raw file, in whichever layout `folder` has; raises as `layout` does."""
        return {split: folder / name for split, name in self.layout(folder).items()}

    def count_rows(self, folder: Path, bad: BadRows) -> dict[str, int]:
        """Raw file -> what `read` parses from it, counted, with the conversations without a reply.

        Raises
        ------
        AttuneError
            for a file without a sound row, with the first that is malformed, for files in which nobody answers, and as
            `layout` and `read` do.
        """
        counts = {}
        for name in self.layout(folder).values():
            malformed, unanswered = bad.count, bad.without_a_reply
            counts[name] = sum(1 for _ in self.read(folder / name, bad)) + bad.without_a_reply - unanswered
            if not counts[name]:
                why = self._why_empty(folder / name, bad.count - malformed)
                raise AttuneError(f"{folder / name} holds no row of {self.name}{why}")
        if bad.without_a_reply == (total := sum(counts.values())):
            raise AttuneError(
                f"{', '.join(str(folder / name) for name in counts)}: nobody answers in any of the {total} "
                "conversations; turns by a second speaker are needed, since replies are learnt and retrieved"
            )
        return counts

    def _why_empty(self, path: Path, malformed: int) -> str:
        """What is wrong with the first of a file's malformed rows, where there are any."""
        if not malformed:
            return ""
        again = BadRows("skip")
        for _ in self.read(path, again):
            pass
        return f"; all {malformed} are malformed, the first: {again.first}"
