"""Put questions to the generators that answer such, and the opening of a conversation to all of them.

`python -m stages.answer_questions base_models=FOLDER generators=FOLDER index=FOLDER processed=FOLDER target=CSV`

A generator that was trained with passages reads those that are nearest to the question. index, processed: the folders
with a folder per corpus.
"""

from collections.abc import Sequence
from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import write_csv
from attune.parameters import Parameters
from stages import start


def main(*, base_models: Path, generators: Path, index: Path, processed: Path, target: Path) -> None:
    from attune.inference.generator import Generator

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    generation = settings.generation
    rows = []
    for name, entry in settings.generators.items():
        asked = generation.questions.put_to(name)
        passages: Sequence[Sequence[str]] = [()] * len(asked)
        if entry.passage_tokens:
            data = processed / entry.corpus / "train.parquet"
            passages = retrieved(settings, list(asked.values()), index / entry.corpus, data, base_models / "embedder")
        budget = settings.rag.budget if entry.passage_tokens else 0
        base = base_models / entry.base
        generator = Generator.from_pretrained(generators / name, base, generation.max_new_tokens, budget)
        questions = [
            generator.example(kind, [question], read)
            for (kind, question), read in zip(asked.items(), passages, strict=True)
        ]
        replies = generator.replies(questions, generation.decoding_of(name), generation.batch_size, settings.seed)
        rows += [
            {
                "kind": each.id,
                "question": each.question,
                "generator": name,
                "answer": reply.text,
                "truncated": reply.truncated,
            }
            for each, reply in zip(questions, replies, strict=True)
        ]
    write_csv(target, rows)


def retrieved(
    settings: Parameters, questions: Sequence[str], index: Path, rows: Path, embedder: Path
) -> list[list[str]]:
    """The texts of the passages nearest to each question, best first."""
    from attune.inference.passages import PassageRetriever

    retriever = PassageRetriever.from_index(index, rows, embedder, settings.rag.template)
    asked = [{"situation": "", "input": question} for question in questions]
    nearest = retriever.nearest(asked, [None] * len(asked), settings.rag.k)
    return [[passage["text"] for passage in passages] for passages in nearest]


if __name__ == "__main__":
    start(main)
