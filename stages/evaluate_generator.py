"""Score one generator on held-out conversations and let it reply, in each variant of the prompt.

`python -m stages.evaluate_generator name=NAME model=FOLDER base=FOLDER test=PARQUET bases=PARQUET passages=FOLDER \
persona_passages=FOLDER oracle_passages=FOLDER target=PARQUET`

name: an entry of `generators`. bases: what the stage score_bases wrote. The folders of passages have one folder per
corpus and are read for corpora with passages.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from attune import parameters
from attune.core.determinism import pin
from attune.core.errors import AttuneError
from attune.core.files import read_parquet, write_parquet
from attune.corpora import record_of
from attune.evaluation.schemas import GENERATED, ORACLE_RAG, PERSONA_RAG, RAG
from attune.evaluation.testing.base_tests import BaseTest
from attune.parameters import Parameters
from attune.parameters.generators import GeneratorSettings, generator_named
from stages import start

if TYPE_CHECKING:
    from attune.evaluation.testing.variants import Variant

Rows = list[dict[str, Any]]


def main(
    *,
    name: str,
    model: Path,
    base: Path,
    test: Path,
    bases: Path,
    passages: Path,
    persona_passages: Path,
    oracle_passages: Path,
    target: Path,
) -> None:
    from attune.evaluation.testing.evaluate import evaluate
    from attune.evaluation.testing.sampling import sampled
    from attune.inference.generator import Generator

    settings = parameters.load()
    entry, generation = generator_named(settings.generators, name), settings.generation
    pin(settings.seed, settings.threads)
    rows = sampled(read_parquet(test), generation.perplexity_examples, settings.seed)
    retrieved = {RAG: passages, PERSONA_RAG: persona_passages, ORACLE_RAG: oracle_passages}
    variants = variants_of(entry, rows, retrieved, settings)
    budget = settings.rag.budget if record_of(entry.corpus).has_passages else 0
    generator = Generator.from_pretrained(model, base, generation.max_new_tokens, budget)
    base_nats = losses(bases, entry)
    results = evaluate(generator, base_nats, variants, generation.decoding_of(name), generation, settings.seed)
    write_parquet(target, [{"generator": name, **row} for row in results], GENERATED)
    print(f"{name}: {len(results)} rows in the variants {', '.join(variant.name for variant in variants)}")


def variants_of(
    entry: GeneratorSettings, rows: Rows, retrieved: dict[str, Path], settings: Parameters
) -> "list[Variant]":
    """The variants of the generator's corpus; reranked and oracle passages only for one trained with passages.

    Without a persona and with another person's only for one that reads personas: others' prompts would be the same.
    """
    from attune.evaluation.testing.variants import plain, with_others_passages, with_passages, with_personas

    variants = [plain(rows, entry.instruction)]
    record = record_of(entry.corpus)
    if record.has_passages:
        for name, folder in retrieved.items():
            if name != RAG and not entry.passage_tokens:
                continue
            file = folder / entry.corpus / "test.parquet"
            found, replied = read_parquet(file), name != ORACLE_RAG
            variants.append(with_passages(name, rows, found, file, entry.instruction, settings.rag.k, replied))
            if name == RAG:
                variants += with_others_passages(rows, found, file, entry.instruction, settings.rag.k, settings.seed)
    if entry.persona_tokens and any(row.get("personas") for row in rows):
        variants += with_personas(rows, entry.instruction, settings.seed)
    return variants


def losses(bases: Path, entry: GeneratorSettings) -> dict[str, float]:
    """-log p of each reply under the generator's base, by the example's id.

    Raises
    ------
    AttuneError
        if the base was not scored on the generator's rows, with its prompt.
    """
    test = BaseTest.of(entry)
    found = {row["id"]: row["nats"] for row in read_parquet(bases) if test.has(row)}
    if not found:
        raise AttuneError(
            f"{bases} lacks {test.base} on {test.corpus} with this generator's prompt; "
            "`dvc repro score_bases` writes it again"
        )
    return found


if __name__ == "__main__":
    start(main)
