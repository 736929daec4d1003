"""Put questions to the generators that answer such, and the opening of a conversation to all of them.

`python -m stages.answer_questions base_models=FOLDER generators=FOLDER target=CSV`
"""

from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import write_csv
from stages import start


def main(*, base_models: Path, generators: Path, target: Path) -> None:
    from attune.inference.generator import Generator

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    generation = settings.generation
    rows = []
    for name, entry in settings.generators.items():
        base = base_models / entry.base
        generator = Generator.from_pretrained(generators / name, base, generation.max_new_tokens, passage_tokens=0)
        asked = generation.questions.put_to(name)
        questions = [generator.example(kind, [question]) for kind, question in asked.items()]
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


if __name__ == "__main__":
    start(main)
