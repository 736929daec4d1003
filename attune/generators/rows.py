"""Tokenised training rows in a memory-mapped Arrow file, so that memory does not grow with the corpus."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset

from attune.core.determinism import seeded
from attune.core.files import atomic_file, stream_parquet
from attune.generators.chat_templates import end_of_reply
from attune.generators.encoding import Encoded, Room, encode_all
from attune.generators.held_out import opening
from attune.generators.prompts import Example, example

_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("conversation", pa.string()),
        ("opening", pa.string()),  # as `attune.generators.held_out.opening` gives it
        ("prompt", pa.list_(pa.int32())),
        ("reply", pa.list_(pa.int32())),
        ("length", pa.int32()),  # of prompt and reply together
    ]
)
_AT_ONCE = 1000  # rows in memory while the file is written
# Share of the examples that a generator with passages learns without them. One that has always seen passages replies
# with next to nothing where there are none (Zhang et al. 2024, RAFT, section 4.3, mix the two likewise).
WITHOUT_PASSAGES = 0.5


@dataclass(frozen=True)
class StoredExamples:
    """The rows of a processed parquet file as `attune.generators.prompts.example` makes them, read some at a time.

    They can be gone through as often as needed.
    """

    path: Path
    instruction: str
    passages: int | None

    def __iter__(self) -> Iterator[Example]:
        for row in stream_parquet(self.path):
            yield example(row, self.instruction, self.passages)


def some_without_passages(examples: Iterable[Example], seed: int) -> Iterator[Example]:
    """The examples in their order, WITHOUT_PASSAGES of them without their passages, drawn by seed and id."""
    for each in examples:
        bare = seeded(seed, "without passages", each.id).random() < WITHOUT_PASSAGES
        yield replace(each, passages=()) if bare else each


def count_rows(path: Path) -> int:
    """How many rows a parquet file has, from its metadata alone."""
    return pq.read_metadata(path).num_rows


def are_tokenised(path: Path) -> bool:
    """Whether a processed parquet file is in the place of PEC, whose text is lower-cased and tokenised.

    Its rows alone have a domain; those of one's own data under another name are as they were written.
    """
    return "domain" in pq.read_schema(path).names


def write_rows(path: Path, examples: Iterable[Example], tokenizer: Any, room: Room) -> Dataset:
    """Encode the examples into the file `path`, and map it into memory: one row per example, in their order.

    How many replies lose their end for lack of room is printed.
    """
    waiting, count, cut, end = iter(examples), 0, 0, end_of_reply(tokenizer)
    with atomic_file(path) as temporary, pa.ipc.new_stream(temporary, _SCHEMA) as writer:
        while part := list(islice(waiting, _AT_ONCE)):
            rows: list[dict[str, Any]] = [
                {
                    "id": each.id,
                    "conversation": each.conversation,
                    "opening": opening(each),
                    "prompt": row.prompt,
                    "reply": row.reply,
                    "length": row.length,
                }
                for each, row in zip(part, encode_all(part, tokenizer, room), strict=True)
            ]
            writer.write_batch(pa.RecordBatch.from_pylist(rows, _SCHEMA))
            count += len(rows)
            cut += sum(row["reply"][-1] != end for row in rows)
    if cut:
        print(f"{cut} of {count} replies are longer than max_length allows and lose their end", flush=True)
    return Dataset.from_file(str(path))


def encoded(row: Mapping[str, Any]) -> Encoded:
    """A row of the file as a model reads it."""
    return Encoded(row["id"], row["prompt"], row["reply"])
