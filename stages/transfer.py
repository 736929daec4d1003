"""Train on one domain, test on another (paper, table 6): `python -m stages.transfer PROCESSED MODELS METRICS`."""

from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import write_json
from attune.evaluation.ranking import summary as tables
from stages import start


def main(processed: str, models: str, metrics: str) -> None:
    from attune.evaluation.ranking.evaluate import test_set
    from attune.inference.ranker import saved

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    subset, recipe = settings.cobert.subsets[0], settings.transfer.recipe
    domains: list[str] = list(settings.cobert.domains)
    found: dict[str, dict[str, dict[str, float]]] = {domain: {} for domain in domains}
    for tested in domains:
        test = test_set(Path(processed), subset, tested, settings.cobert, settings.seed)
        for trained in domains:
            ranked = {tested: {trained: test.rank(*saved(Path(models) / f"{recipe}-{subset}-{trained}"))}}
            found[trained][tested] = tables.intervals(tables.values_of(ranked), settings.seed)[tested][trained]
            print(f"trained on {trained}, tested on {tested}: MRR {found[trained][tested]['mrr']:.3f}", flush=True)
    write_json(Path(metrics), found)


if __name__ == "__main__":
    start(main)
