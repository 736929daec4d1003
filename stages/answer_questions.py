"""The same questions to several generators: `python -m stages.answer_questions BASES GENERATORS TARGET_CSV`."""

from pathlib import Path

from attune.core.determinism import pin
from attune.core.files import write_csv
from attune.parameters import load
from stages import start


def main(bases: str, generators: str, target: str) -> None:
    from attune.generators.prompts import INSTRUCTION, Example
    from attune.inference.generator import loaded

    settings = load()
    pin(settings.seed, settings.threads)
    generation = settings.generation
    rows = []
    for name in generation.questions.generators:
        generator = settings.generators[name]
        asked = [
            Example(kind, kind, INSTRUCTION, generator.instruction, (), question, "")
            for kind, question in generation.questions.asked.items()
        ]
        ready = loaded(generator, Path(bases) / generator.base, Path(generators) / name, generation.max_new_tokens, 0)
        replies = ready.replies(asked, generation.decoding_of(name), generation.batch_size, settings.seed)
        rows += [
            {"kind": each.id, "question": each.question, "generator": name, "answer": reply.text, "cut": reply.cut}
            for each, reply in zip(asked, replies, strict=True)
        ]
    write_csv(Path(target), rows)


if __name__ == "__main__":
    start(main)
