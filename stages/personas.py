"""The persona ablation (paper, section 6): `python -m stages.personas PROCESSED MODELS METRICS TESTS`."""

from pathlib import Path

from attune import parameters
from attune.core.determinism import pin
from attune.core.files import write_json
from attune.evaluation.ranking import summary as tables
from stages import start


def main(processed: str, models: str, metrics: str, tests: str) -> None:
    from attune.evaluation.ranking.evaluate import test_set
    from attune.inference.ranker import saved

    settings = parameters.load()
    pin(settings.seed, settings.threads)
    options = settings.personas
    # The large test set whatever the training's size, for 20 contexts say nothing; no training reads it.
    test = test_set(Path(processed), "large", options.domain, settings.cobert, settings.seed)
    ranked: dict[str, tables.Rows] = {}
    for count in options.counts:
        ranked[str(count)] = test.rank(*saved(Path(models) / str(count)))
        print(f"{count} persona sentences: {tables.said(ranked[str(count)])}", flush=True)
    values = tables.values_of({options.domain: ranked})
    first, *others = map(str, options.counts)
    write_json(Path(metrics), tables.intervals(values, settings.seed)[options.domain])
    found = tables.tests(values, [(first, other) for other in others], settings.seed)
    write_json(Path(tests), found[options.domain])


if __name__ == "__main__":
    start(main)
