"""OpenOrca (Lian et al. 2023): FLAN tasks answered by GPT-4, a system prompt, a question and a response per row."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attune.corpora.base import Corpus, Row
from attune.corpora.instructions import LENGTHS, SCHEMAS, answer_rows, opening
from attune.corpora.reading import BadRow, BadRows, parquet_rows
from attune.corpora.subsets import digest

COLUMNS = ("id", "system_prompt", "question", "response")


@dataclass(frozen=True)
class Task:
    """`system` may be empty, `question` and `response` are not."""

    id: str
    system: str
    question: str
    response: str


def read(path: Path, bad: BadRows, batch_size: int = 1024) -> Iterator[Task]:
    """Rows in file order; `batch_size` rows are held in memory."""
    for number, values in parquet_rows(path, COLUMNS, batch_size):
        with bad.leaving_out(path):
            yield _task(number, values)


def _task(number: int, values: dict[str, Any]) -> Task:
    for name in COLUMNS:
        if not isinstance(values[name], str | None):
            raise BadRow(number, f"{name} is {values[name]!r}; expected text")
    for name in ("id", "question", "response"):
        if not (values[name] or "").strip():
            raise BadRow(number, f"{name} is empty; expected text")
    return Task(values["id"], values["system_prompt"] or "", values["question"], values["response"])


def conversations(path: Path, bad: BadRows) -> Iterator[Row]:
    """Each row of one raw file as a conversation of one question and one answer."""
    for task in read(path, bad):
        turns = [task.question, task.response]
        yield {"id": digest(task.system, *turns), "system": task.system, "turns": turns}


OPENORCA = Corpus(
    name="openorca",
    title="OpenOrca",
    licence="mit",
    place="Open-Orca/OpenOrca",
    layouts=({"train": "1M-GPT4-Augmented.parquet"},),
    read=conversations,
    key="id",
    opening=opening,
    rows=answer_rows,
    schemas=SCHEMAS,
    lengths=LENGTHS,
)
