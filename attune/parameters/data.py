"""The sections of params.yaml about corpora, the index and the models to start from."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from attune.core.errors import AttuneError
from attune.parameters.types import MOST, Count, Name, NotNegative, Section

# Conversations that are kept: at least one to test on, one to train on, and one that is held out of training.
Cap = Annotated[int, Field(ge=3, le=MOST)]


def _hex_digits(value: str) -> str:
    if len(value) != 64 or set(value) - set("0123456789abcdef"):
        raise ValueError(f"{value!r} is not a sha256 of 64 hex digits")
    return value


class Archive(Section):
    """A corpus that is published as a zip file; `sha256` null takes any content."""

    url: Name
    sha256: Annotated[str, AfterValidator(_hex_digits)] | None
    cap: Cap | None = None


class HubDataset(Section):
    """A corpus that is a dataset of the hub. cap: conversations kept of all splits together; null keeps all."""

    repo: Name
    revision: Name
    cap: Cap | None


class OwnRows(Section):
    """Rows of one's own; `source` does not matter to them.

    columns: the names in the rows of `context` and `response`, or of `turns`; of Alpaca's `input`, which belongs to the
    context; of `conversation`, whose equal values keep rows in one split; and of what `attune.corpora.base.Own` says
    that the corpus has. Null where the rows have ShareGPT's or Alpaca's shape. cap: as for a hub's dataset.
    """

    columns: (
        dict[
            Literal[
                "context",
                "input",
                "response",
                "turns",
                "conversation",
                "persona",
                "emotion",
                "system",
                "situation",
                "domain",
            ],
            Name,
        ]
        | None
    ) = None
    cap: Cap | None = None

    @model_validator(mode="after")
    def columns_hold_conversations(self) -> Self:
        given = set(self.columns or ()) & {"context", "response", "turns"}
        if self.columns is not None and given not in ({"turns"}, {"context", "response"}):
            raise ValueError(f"columns names {', '.join(self.columns) or 'none'}; it must name context and response, "
                             "or turns alone in their place")  # fmt: skip
        if {"turns", "input"} <= set(self.columns or ()):
            raise ValueError("columns names input, which belongs to a context, beside turns; leave it out")
        return self

    @model_validator(mode="after")
    def each_column_is_one_thing(self) -> Self:
        seen: dict[str, str] = {}
        for key, column in (self.columns or {}).items():
            if column in seen:
                raise ValueError(f"columns names {column!r} for {seen[column]} and for {key}; name another column")
            seen[column] = key
        return self


class OwnData(OwnRows):
    """A file of one's own, .csv, .jsonl, .json or .parquet."""

    path: Name


class OwnDataset(OwnRows):
    """A dataset of the hub whose files are CSV, JSON or parquet; a null `config` is its only or default one."""

    datasets: Name
    config: Name | None = None
    split: Name = "train"
    revision: Name = "main"


def _kind(section: Any) -> str | None:
    """What an entry is by its keys, None if by none of them; the tag stands in pydantic's locations."""
    keys = section if isinstance(section, dict) else getattr(section, "__dict__", {"repo"})
    kind = next((kind for key, kind in _MARKS.items() if key in keys), None)
    # A dataset of one's own may name a revision too.
    return kind or ("hub" if "revision" in keys and set(keys) <= set(HubDataset.model_fields) else None)


_MARKS = {"path": "own", "datasets": "own dataset", "url": "archive", "sha256": "archive", "repo": "hub"}
PUBLISHED: dict[str, type[Section]] = {
    "archive": Archive,
    "hub": HubDataset,
    "own": OwnData,
    "own dataset": OwnDataset,
}
AnyEntry = Archive | HubDataset | OwnData | OwnDataset
# An entry of `corpora`.
Published = Annotated[
    Annotated[Archive, Tag("archive")]
    | Annotated[HubDataset, Tag("hub")]
    | Annotated[OwnData, Tag("own")]
    | Annotated[OwnDataset, Tag("own dataset")],
    Discriminator(_kind),
]


def published(corpora: dict[str, AnyEntry], corpus: str) -> AnyEntry:
    """Where `corpus` is published and how much of it is kept.

    Raises
    ------
    AttuneError
        for a corpus that params.yaml has no entry for.
    """
    if corpus not in corpora:
        raise AttuneError(f"params.yaml has no corpora.{corpus}; it has {', '.join(corpora)}")
    return corpora[corpus]


def _enough_to_train(value: int) -> int:
    if value < 2:
        raise ValueError(f"{value} is too few; a generator needs 2 conversations, since it holds one of them out")
    return value


class Subset(Section):
    """Conversations of each split; `train` null: all. evaluate: the test contexts that are ranked; null: `test`."""

    train: Annotated[Count, AfterValidator(_enough_to_train)] | None
    valid: Count
    test: Count
    evaluate: Count | None = None

    @model_validator(mode="after")
    def test_is_evaluated(self) -> Self:
        if self.evaluate is not None and self.evaluate < self.test:
            raise ValueError(
                f"evaluate = {self.evaluate} must be at least test = {self.test}, which it includes, or null"
            )
        return self


class Subsets(Section):
    large: Subset
    small: Subset

    @model_validator(mode="after")
    def small_fits_into_large(self) -> Self:
        for split in ("train", "valid", "test"):
            small, large = getattr(self.small, split), getattr(self.large, split)
            if large is not None and (small is None or small > large):
                raise ValueError(
                    f"small.{split} = {'null' if small is None else small} must be at most large.{split} = {large}, "
                    "for small lies inside large"
                )
        return self


class Preprocess(Section):
    drop_repeated_personas: bool
    test_share: Annotated[float, Field(gt=0, lt=1)]


class Base(Section):
    """A causal language model to start from: SmolLM2-135M-Instruct, a hub id (`id` or `id@revision`) or a directory."""

    model: Name


class Index(Section):
    """The sentence index; `hnsw_*` are HNSW's M and ef, used above `exact_up_to` vectors."""

    embedder: Name
    backend: Literal["torch", "openvino"]
    batch_size: Count
    exact_up_to: NotNegative
    hnsw_links: Annotated[int, Field(ge=2, le=MOST)]
    hnsw_construction: Count
    hnsw_search: Count
