"""Tokenised training rows in a memory-mapped Arrow file, so that memory does not grow with the corpus."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from attune.generators.encoded import Encoded, Joined
from attune.generators.encoding import Room, encode
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
        ("continues", pa.bool_()),  # the row before it, of the same conversation
        ("labels", pa.list_(pa.int32())),  # also those of the replies of all rows that it continues
    ]
)
_AT_ONCE = 1000  # rows in memory while the file is written
# Share of the conversations that a generator with passages learns without them. One that has always seen passages
# replies with next to nothing where there are none (Zhang et al. 2024, RAFT, section 4.3, mix the two likewise).
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
    """The examples in their order, those of WITHOUT_PASSAGES of the conversations, drawn by seed, without passages."""
    for each in examples:
        bare = seeded(seed, "without passages", each.conversation).random() < WITHOUT_PASSAGES
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
    rows, count, cut, end = _rows(examples, tokenizer, room), 0, 0, end_of_reply(tokenizer)
    with atomic_file(path) as temporary, pa.ipc.new_stream(temporary, _SCHEMA) as writer:
        while part := list(islice(rows, _AT_ONCE)):
            writer.write_batch(pa.RecordBatch.from_pylist(part, _SCHEMA))
            count += len(part)
            cut += sum(row["reply"][-1] != end for row in part)
    if cut:
        print(f"{cut} of {count} replies are longer than max_length allows and lose their end", flush=True)
    return Dataset.from_file(str(path))


def _rows(examples: Iterable[Example], tokenizer: Any, room: Room) -> Iterator[dict[str, Any]]:
    chain: list[Encoded] = []
    conversation = None
    for each in examples:
        row = encode(each, tokenizer, room)
        continues = bool(chain) and conversation == each.conversation and row.continues(chain[-1])
        chain, conversation = [*(chain if continues else []), row], each.conversation
        yield {
            "id": each.id,
            "conversation": conversation,
            "opening": opening(each),
            "prompt": row.prompt,
            "reply": row.reply,
            "length": row.length,
            "continues": continues,
            "labels": Joined.of(chain).labels,
        }


def joined(row: Mapping[str, Any]) -> Joined:
    """A row of the file together with the rows that it continues."""
    return Joined(row["prompt"] + row["reply"], row["labels"])


def last_of_chains(rows: Dataset, positions: Sequence[int]) -> list[int]:
    """Those of `positions` whose row is continued by none of the others, so that `joined` of them has all replies.

    The positions are of whole conversations, each in the file's order.
    """
    continues = rows.data.column("continues").to_numpy()
    following = [*positions[1:], -1]
    return [at for at, after in zip(positions, following, strict=True) if after != at + 1 or not continues[after]]


def encoded(row: Mapping[str, Any]) -> Encoded:
    """A row of the file as a model reads it."""
    return Encoded(row["id"], row["prompt"], row["reply"])
