"""Let one generator read and answer held-out conversations, plain and with retrieved passages.

`python -m stages.evaluate_generator NAME BASE GENERATOR PROCESSED_ROOT ROWS`
"""

from pathlib import Path
from typing import Any

from attune.core.errors import AttuneError
from attune.core.files import read_parquet, write_parquet
from attune.evaluation.schemas import GENERATED, PLAIN
from attune.parameters import Parameters, load
from stages import start

DIALOGUES = "empathetic_dialogues"
VARIANTS = {"rag": f"{DIALOGUES}_rag", "persona_rag": f"{DIALOGUES}_persona_rag"}


def main(name: str, base: str, folder: str, processed: str, target: str) -> None:
    from attune.core.determinism import pin
    from attune.evaluation.generation.evaluate import evaluate

    parameters = load()
    if name not in parameters.generators:
        raise AttuneError(f"{name!r} is no generator; params.yaml has {', '.join(parameters.generators)}")
    pin(parameters.seed, parameters.threads)
    generator, generation = parameters.generators[name], parameters.generation
    variants, plain = read(parameters, name, Path(processed))
    decoding = generation.decoding_of(name)
    passages = parameters.rag.budget if len(variants) > 1 else 0
    rows = evaluate(
        generator, Path(base), Path(folder), variants, plain, decoding, generation, passages, parameters.seed
    )
    write_parquet(Path(target), [{"generator": name, **row} for row in rows], GENERATED)
    print(f"{name}: {len(rows)} rows in the variants {', '.join(variants)}")


def read(parameters: Parameters, name: str, processed: Path) -> tuple[dict[str, Any], Any]:
    """The test examples of each variant, and of the base: the same rows, in the same order."""
    from attune.generators.held_out import sample
    from attune.generators.prompts import examples

    generator = parameters.generators[name]
    corpus = generator.corpus.removesuffix("_rag")
    rows = read_parquet(processed / corpus / "test.parquet")
    chosen = sample(examples(rows), parameters.generation.perplexity_examples, parameters.seed)
    places = {example.id: at for at, example in enumerate(chosen)}
    variants = {PLAIN: examples(rows, generator.instruction)}
    if corpus == DIALOGUES:
        for variant, folder in VARIANTS.items():
            found = read_parquet(processed / folder / "test.parquet")
            variants[variant] = examples(found, generator.instruction, parameters.rag.k)
    ordered = {
        variant: sorted((each for each in given if each.id in places), key=lambda each: places[each.id])
        for variant, given in variants.items()
    }
    for variant, given in ordered.items():
        if len(given) != len(chosen):
            raise AttuneError(f"{VARIANTS[variant]}/test.parquet lacks test rows; run `dvc repro rerank_passages`")
    return ordered, chosen


if __name__ == "__main__":
    start(main)
