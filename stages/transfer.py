"""Train on one domain, test on another (paper, table 6): `python -m stages.transfer PROCESSED MODELS METRICS`."""

from pathlib import Path

from attune import parameters, tables
from attune.determinism import pin
from attune.files import write_json
from stages import start


def main(processed: str, models: str, metrics: str) -> None:
    from attune.cobert.evaluation import evaluate, saved, test_set
    from attune.cobert.scoring import States

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    subset, recipe = settings.cobert.subsets[0], settings.transfer.recipe
    domains: list[str] = list(settings.cobert.domains)
    found: dict[str, dict[str, dict[str, float]]] = {domain: {} for domain in domains}
    for tested in domains:
        contexts, candidates = test_set(Path(processed), subset, tested, settings.cobert, settings.seed)
        lower: States = {}
        for trained in domains:
            model, inputs = saved(Path(models) / f"{recipe}-{subset}-{trained}")
            ranked = {tested: {trained: evaluate(model, inputs, contexts, candidates, lower)}}
            found[trained][tested] = tables.intervals(tables.values_of(ranked), settings.seed)[tested][trained]
            print(f"trained on {trained}, tested on {tested}: MRR {found[trained][tested]['mrr']:.3f}", flush=True)
    write_json(Path(metrics), found)


if __name__ == "__main__":
    start(main)
