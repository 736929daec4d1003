"""Score one generator on held-out conversations and let it reply, plain and with retrieved passages.

`python -m stages.evaluate_generator name=NAME model=FOLDER base=FOLDER processed=FOLDER passages=FOLDER \
persona_passages=FOLDER target=PARQUET`

`name`: an entry of `generators`. `processed`, `passages` and `persona_passages` have one folder per corpus; the last
two are read for corpora with passages.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from attune import parameters
from attune.core.errors import AttuneError
from attune.core.files import read_parquet, write_parquet
from attune.corpora import corpus
from attune.evaluation.schemas import GENERATED, PLAIN
from attune.parameters.generators import generator_named
from stages import start

if TYPE_CHECKING:
    from attune.generators.prompts import Example


def main(
    *, name: str, model: Path, base: Path, processed: Path, passages: Path, persona_passages: Path, target: Path
) -> None:
    from attune.core.determinism import pin
    from attune.evaluation.generation.evaluate import evaluate
    from attune.generators.held_out import sample
    from attune.generators.prompts import examples
    from attune.inference.generator import Generator

    settings = parameters.load()
    generator, generation = generator_named(settings.generators, name), settings.generation
    pin(settings.seed, settings.threads)
    file = f"{generator.corpus}/test.parquet"
    rows = read_parquet(processed / file)
    chosen = sample(examples(rows), generation.perplexity_examples, settings.seed)
    if not chosen:
        raise AttuneError(f"{generator.corpus} has no test rows; run the stages subset and preprocess first")
    variants = {processed / file: (PLAIN, examples(rows, generator.instruction))}
    if corpus(generator.corpus).has_passages:
        for folder, variant in ((passages, "rag"), (persona_passages, "persona_rag")):
            retrieved = read_parquet(folder / file)
            variants[folder / file] = variant, examples(retrieved, generator.instruction, settings.rag.k)
    ordered = in_order(chosen, variants)
    limits = (base, generation.max_new_tokens, settings.rag.budget if len(ordered) > 1 else 0)
    base_nats, _ = Generator.untrained(model, *limits).nats(chosen, generation.batch_size)
    trained = Generator.from_pretrained(model, *limits)
    results = evaluate(trained, base_nats, ordered, generation.decoding_of(name), generation, settings.seed)
    write_parquet(target, [{"generator": name, **row} for row in results], GENERATED)
    print(f"{name}: {len(results)} rows in the variants {', '.join(ordered)}")


def in_order(
    chosen: "list[Example]", variants: "Mapping[Path, tuple[str, list[Example]]]"
) -> "dict[str, list[Example]]":
    """Each variant's examples with the ids of `chosen`, in that order; `variants` are by the file they are from.

    Raises
    ------
    AttuneError
        if a file lacks some of them.
    """
    ordered = {}
    for path, (variant, examples) in variants.items():
        by_id = {each.id: each for each in examples}
        if not by_id.keys() >= {each.id for each in chosen}:
            raise AttuneError(f"{path} lacks test rows; run `dvc repro rerank_passages`")
        ordered[variant] = [by_id[each.id] for each in chosen]
    return ordered


if __name__ == "__main__":
    start(main)
