"""Test the models of several seeds, and say how much of a score is the seed's.

`python -m studies.seeds ranks=PARQUET evaluations=FOLDER processed=FOLDER models=FOLDER encoder=FOLDER \
base_models=FOLDER scores=JSON`

ranks, evaluations: the rows of evaluate_cobert and of evaluate_generator, for the main job's seed. models: a folder per
other seed. scores: the records of `evaluation.seeds`, with the seeds and the method.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import read_parquet, write_json
from attune.evaluation.generation.summary import nats_per_token
from attune.evaluation.ranking.summary import either, labelled, log_line, of_model, values_of
from attune.evaluation.schemas import PLAIN
from attune.evaluation.seeds import METHOD, BySeed, generator_record, ranking_records
from attune.metrics.ratio import Ratio
from attune.parameters import Parameters
from stages import start

Rows = list[dict[str, Any]]


def main(
    *,
    ranks: Path,
    evaluations: Path,
    processed: Path,
    models: Path,
    encoder: Path,
    base_models: Path,
    scores: Path,
) -> None:
    settings = parameters.load()
    pin(settings.seed, settings.threads)
    ranking: Rows = []
    for domain in settings.seeds.domains:
        rows = ranked(settings, domain, read_parquet(ranks), processed, models, encoder)
        ranking += ranking_records(rows, domain, settings.seed)
    generators = [
        generator_record(name, scored(settings, name, evaluations, models, base_models), settings.seed)
        for name in settings.seeds.generators
    ]
    about = {"seeds": settings.seeds.values, "varies": settings.seeds.varies, "method": METHOD}
    write_json(scores, {**about, "ranking": ranking, "generators": generators})


def ranked(
    settings: Parameters, domain: str, main_rows: Rows, processed: Path, models: Path, encoder: Path
) -> Mapping[str, Mapping[str, BySeed]]:
    """The reciprocal ranks of each recipe, by each kind of units (`either`) and seed, on the main job's contexts."""
    from attune.evaluation.ranking.evaluate import RankingTest
    from attune.inference.ranker import Ranker

    subset = settings.cobert.subsets[0]
    test = RankingTest.load(processed, subset, domain, settings.cobert, settings.seed)
    results: dict[str, dict[str, dict[int, Ratio]]] = {}
    for recipe in settings.seeds.recipes:
        for seed in settings.seeds.values:
            if settings.trains(seed, recipe, domain):
                rows = of_model(main_rows, subset, domain, recipe)
            else:
                rows = test.rank(Ranker.from_pretrained(models / str(seed) / f"{recipe}-{domain}", encoder))
            print(f"{domain} {recipe}, seed {seed}: {log_line(rows)}", flush=True)
            values = values_of(labelled(rows, domain=domain, model=recipe))[domain][recipe]
            for kind in either("mrr", values):
                results.setdefault(recipe, {}).setdefault(kind, {})[seed] = values[kind]
    return results


def scored(settings: Parameters, name: str, evaluations: Path, models: Path, base_models: Path) -> BySeed:
    """The nats per token of a generator by seed, without passages, all on the test rows of the main job."""
    from attune.evaluation.testing.sampling import about, sampled
    from attune.generators.prompts import examples
    from attune.inference.generator import Generator

    entry, generation = settings.generators[name], settings.generation
    results: dict[int, Ratio] = {}
    for seed in settings.seeds.values:
        if seed == settings.seed:
            rows = [row for row in read_parquet(evaluations / f"{name}.parquet") if row["variant"] == PLAIN]
        else:
            folder = models / str(seed) / name
            test = sampled(read_parquet(folder / "test.parquet"), generation.perplexity_examples, settings.seed)
            generator = Generator.from_pretrained(folder, base_models / entry.base)
            given = examples(test, entry.instruction)
            scores = zip(given, *generator.nats(given, generation.batch_size), strict=True)
            rows = [{**about(each), "nats": nats, "tokens": len(read.reply)} for each, nats, read in scores]
        results[seed] = nats_per_token(rows)
        print(f"{name}, seed {seed}: {results[seed].value:.3f} nats per token", flush=True)
    return results


if __name__ == "__main__":
    start(main)
