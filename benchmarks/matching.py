"""Seconds to rank one context's candidates by each way to match: `python -m benchmarks.matching`.

Processor seconds of one process on one thread, whatever --threads says; the ways take turns. What does not depend on
the context, such as the replies' states, is ready beforehand (attune.evaluation.ranking.cost). Training changes no
time, so the models are untrained ones: it needs the data and base models of `make repro`, and takes some two minutes.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from attune import parameters
from attune.core.determinism import pin, prepare
from benchmarks.harness import in_turn, options, require, rounded, write

prepare()

# By way to match, what ranks each of the contexts once.
Works = Mapping[str, Sequence[Any]]


def works(settings: parameters.Parameters, data: Path, base: Path, count: int) -> Works:
    """The baselines and every recipe's model on the first `count` test contexts of the study's first domain."""
    from attune.evaluation.ranking.baselines import BASELINES, Baselines
    from attune.evaluation.ranking.cost import by_baseline, by_model
    from attune.evaluation.ranking.evaluate import RankingTest
    from attune.index.embedding import load_embedder
    from attune.inference.ranker import Ranker

    subset, domain = settings.cobert.subsets[0], settings.compare.domains[0]
    test = RankingTest.load(data, subset, domain, settings.cobert, settings.seed)
    pairs = list(zip(test.contexts, test.candidates, strict=True))[:count]
    size, num_personas = settings.index.batch_size, settings.recipe(settings.cobert.recipes[-1])["num_personas"]
    baselines = Baselines.of(load_embedder(base / "embedder"), test.candidates, size, num_personas)
    found = {name: [by_baseline(baselines, name, *pair) for pair in pairs] for name in BASELINES}
    for name in (*settings.compare.recipes, *settings.cobert.recipes):
        ranker = Ranker.untrained(base / "encoder", settings.recipe(name))
        found[name] = [by_model(ranker, *pair) for pair in pairs]
    return found


def measured(ways: Works, rounds: int) -> list[dict[str, Any]]:
    """One row per way to match: its seconds per context in the median round, and in the fastest and slowest."""
    sides = {name: lambda each=each: per_context(each) for name, each in ways.items()}
    return [
        {
            "what": name,
            "seconds": rounded(median(times)),
            "lowest": rounded(min(times)),
            "highest": rounded(max(times)),
        }
        for name, times in in_turn(sides, rounds).items()
    ]


def per_context(each: Sequence[Any]) -> float:
    """Processor seconds per context: what else the machine does changes them little."""
    start = time.process_time()
    for work in each:
        work()
    return (time.process_time() - start) / len(each)


def main() -> None:
    chosen = options(__doc__, rounds=5, contexts=10, data="data/processed/pec", base="models/base")
    require(Path(chosen.data), Path(chosen.base))
    settings = parameters.load()
    pin(settings.seed, 1)
    rows = measured(works(settings, Path(chosen.data), Path(chosen.base), chosen.contexts), chosen.rounds)
    print(*rows, sep="\n", flush=True)
    about = {"domain": settings.compare.domains[0], "candidates": settings.cobert.candidates}
    write("matching", rows, 1, rounds=chosen.rounds, contexts=chosen.contexts, **about)


if __name__ == "__main__":
    main()
