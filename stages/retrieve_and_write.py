"""Answer the same test contexts by retrieval and by writing: with CoBERT, and with each generator.

`python -m stages.retrieve_and_write test=PARQUET ranker=FOLDER encoder=FOLDER index=FOLDER embedder=FOLDER \
base_models=FOLDER generators=FOLDER target=PARQUET`

test: the contexts, with personas. ranker: a CoBERT, which retrieves from the train replies in `index`.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attune import parameters
from attune.core.determinism import pin
from attune.core.errors import AttuneError
from attune.core.files import read_parquet, write_parquet
from attune.corpora import ranking_corpus
from attune.corpora.wording import as_written, tokenised
from attune.evaluation.schemas import ANSWERED, RETRIEVED
from attune.parameters import Parameters
from stages import start

if TYPE_CHECKING:
    from attune.inference.reply import Reply
    from attune.inference.retriever import Retriever

Rows = list[dict[str, Any]]


def main(
    *,
    test: Path,
    ranker: Path,
    encoder: Path,
    index: Path,
    embedder: Path,
    base_models: Path,
    generators: Path,
    target: Path,
) -> None:
    from attune.evaluation.testing.sampling import about, sampled
    from attune.generators.prompts import examples
    from attune.inference.retriever import Retriever

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    rows = sampled(read_parquet(test), settings.generation.answered_examples, settings.seed)
    retriever = Retriever.from_pretrained(ranker, encoder, index, embedder, settings.retrieval.shortlist)
    answers = {RETRIEVED: retrieved(retriever, rows)} | dict(written(settings, rows, base_models, generators))
    answered = [
        {"system": system, **about(each), "reply": reply.text, "truncated": reply.truncated}
        for system, replies in answers.items()
        for each, reply in zip(examples(rows), replies, strict=True)
    ]
    write_parquet(target, answered, ANSWERED)
    print(f"{len(rows)} contexts answered by {', '.join(answers)}")


def retrieved(retriever: "Retriever", rows: Rows) -> "list[Reply]":
    """CoBERT's first reply to each context, given the responder's persona.

    Raises
    ------
    AttuneError
        if one of the rows is among those to retrieve from.
    """
    from attune.inference.reply import Reply

    shared = {row["id"] for row in rows} & {row["id"] for row in retriever.bank.rows}
    if shared:
        raise AttuneError(f"the index holds the test conversation {min(shared)!r}; it must be built from train rows")
    best = [retriever.retrieve(row["context"], row["personas"], 1, row["context_speakers"])[0] for row in rows]
    return [Reply(each.reply, truncated=False) for each in best]


def written(
    settings: Parameters, rows: Rows, base_models: Path, generators: Path
) -> "Iterator[tuple[str, list[Reply]]]":
    """Each generator and its replies; the persona is read by those alone that were trained with personas.

    Only a generator that was trained on the ranking corpus reads its wording. The others read what people write, as in
    the chat, and their replies are put into that wording, so that all are scored alike.
    """
    from attune.generators.prompts import examples
    from attune.inference.generator import Generator

    generation, own = settings.generation, ranking_corpus().name
    as_people_write = [{**row, "context": [as_written(turn) for turn in row["context"]]} for row in rows]
    for name, entry in settings.generators.items():
        generator = Generator.from_pretrained(
            generators / name, base_models / entry.base, generation.max_new_tokens, passage_tokens=0
        )
        roles = generator.card.roles
        read = rows if entry.corpus == own else as_people_write
        prompts = [replace(each, roles=roles) for each in examples(read, entry.instruction)]
        replies = generator.replies(prompts, generation.decoding_of(name), generation.batch_size, settings.seed)
        yield name, [replace(each, text=tokenised(each.text)) for each in replies]


if __name__ == "__main__":
    start(main)
