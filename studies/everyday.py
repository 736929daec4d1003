"""Let every generator reply to everyday messages, which are of no corpus, and score the replies.

`python -m studies.everyday base_models=FOLDER generators=FOLDER processed=FOLDER index=FOLDER embedder=FOLDER \
rows=PARQUET scores=JSON tests=JSON`

processed, index: a folder per corpus. rows: one per system and message, those of the replies by hand last. tests: each
system against the first generator that is not trained, if there is one, and each with passages against itself without.
"""

from pathlib import Path
from typing import Any

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import write_json, write_parquet
from attune.corpora import record_of
from attune.evaluation import everyday
from attune.evaluation.comparison import corrected, records
from attune.evaluation.everyday import Everyday, Message, comparisons, judged
from attune.evaluation.generation import summary
from attune.evaluation.schemas import EVERYDAY, RAG
from attune.evaluation.tables import nested
from attune.index.embedding import load_embedder
from attune.parameters import Parameters
from attune.parameters.generators import first_untrained
from stages import start

Rows = list[dict[str, Any]]
# The passages for each message, by system.
Systems = dict[str, list[list[str]]]


def main(
    *,
    base_models: Path,
    generators: Path,
    processed: Path,
    index: Path,
    embedder: Path,
    rows: Path,
    scores: Path,
    tests: Path,
) -> None:
    settings, given = parameters.load(), Everyday.read()
    pin(settings.seed, settings.threads)
    encoder = load_embedder(embedder)
    written: Rows = []
    for name in settings.generators:
        asked = systems_of(settings, name, given.messages, processed, index, encoder)
        written += replies(settings, name, given.messages, asked, generators / name, base_models)
    written += [_row(summary.TARGETS, each, each.reply, False) for each in given.messages]
    completed = judged(written, given, encoder, settings.index.batch_size)
    write_parquet(rows, completed, EVERYDAY)
    systems = summary.grouped(completed)
    table = summary.table({(name,): everyday.scores(own, settings.seed) for name, own in systems.items()}, ["system"])
    write_json(scores, nested(table, ["system"]))
    write_json(tests, corrected(records(comparisons(systems, compared(settings, list(systems)), settings.seed))))


def compared(settings: Parameters, systems: list[str]) -> list[tuple[str, str]]:
    """Which of the systems are compared, as pairs of before and after."""
    before = first_untrained(settings.generators)
    pairs = [(before, after) for after in systems if after not in (before, summary.TARGETS)] if before else []
    with_passages = [(name, summary.system_of(name, RAG)) for name in settings.generators]
    return list(dict.fromkeys(pairs + [(name, after) for name, after in with_passages if after in systems]))


def systems_of(
    settings: Parameters, name: str, messages: list[Message], processed: Path, index: Path, encoder: Any
) -> Systems:
    """Each system of a generator, and the passages that it reads for each message.

    One that was trained with passages is also asked with them, as on the chat page: those nearest to the message.
    """
    from attune.inference.passages import PassageRetriever

    systems: Systems = {name: [[] for _ in messages]}
    entry, options = settings.generators[name], settings.rag
    if entry.passage_tokens:
        train = processed / entry.corpus / record_of(entry.corpus).train_rows
        size = settings.index.batch_size
        retriever = PassageRetriever.from_index(index / entry.corpus, train, encoder, options.template, size)
        nearest = retriever.nearest([each.text for each in messages], options.k)
        systems[summary.system_of(name, RAG)] = [[each["text"] for each in found] for found in nearest]
    return systems


def replies(
    settings: Parameters, name: str, messages: list[Message], systems: Systems, model: Path, base_models: Path
) -> Rows:
    """What the generator replies to each message as each of its systems."""
    from attune.inference.generator import Generator

    generation, base = settings.generation, base_models / settings.generators[name].base
    generator = Generator.from_pretrained(model, base, generation.max_new_tokens, settings.rag.budget)
    decoding, size = generation.decoding_of(name), generation.batch_size
    rows: Rows = []
    for system, passages in systems.items():
        examples = [
            generator.example(each.id, [each.text], texts) for each, texts in zip(messages, passages, strict=True)
        ]
        written = zip(messages, generator.replies(examples, decoding, size, settings.seed), strict=True)
        rows += [_row(system, message, reply.text, reply.truncated) for message, reply in written]
        print(f"{system}: replied to {len(messages)} messages", flush=True)
    return rows


def _row(system: str, message: Message, reply: str, truncated: bool) -> dict[str, Any]:
    """A reply as `judged` reads it."""
    about = {"system": system, "id": message.id, "prompt": message.text, "target": message.reply}
    return about | {"reply": reply, "truncated": truncated}


if __name__ == "__main__":
    start(main)
