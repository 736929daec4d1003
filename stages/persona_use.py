"""What a trained CoBERT makes of the persona: the same test with the own one, with none and with somebody else's.

`python -m stages.persona_use RANKS PROCESSED MODELS METRICS TESTS`
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attune import parameters
from attune.core.determinism import pin, seeded
from attune.core.files import read_parquet, write_json
from attune.evaluation.ranking import summary as tables
from stages import start


def main(ranks: str, processed: str, models: str, metrics: str, tests: str) -> None:
    settings = parameters.load()
    pin(settings.seed, settings.threads)
    subset, recipes = settings.cobert.subsets[0], settings.cobert.recipes
    own = read_parquet(Path(ranks))
    ranked: dict[str, dict[str, tables.Rows]] = {}
    for domain in settings.cobert.domains:
        ranked[domain] = rank(settings, subset, domain, Path(processed), Path(models))
        for recipe in recipes:
            ranked[domain][f"{recipe}, own"] = tables.of_model(own, subset, domain, recipe)
    values = tables.values_of(ranked)
    write_json(Path(metrics), tables.intervals(values, settings.seed))
    pairs = [(f"{recipe}, {other}", f"{recipe}, own") for recipe in recipes for other in ("none", "another's")]
    write_json(Path(tests), tables.tests(values, pairs, settings.seed))


def rank(
    settings: parameters.Parameters, subset: str, domain: str, processed: Path, models: Path
) -> dict[str, tables.Rows]:
    """The ranked test rows of a domain, by "recipe, whose persona"."""
    from attune.evaluation.ranking.evaluate import test_set
    from attune.inference.ranker import saved

    test = test_set(processed, subset, domain, settings.cobert, settings.seed)
    without = [row | {"personas": []} for row in test.contexts]
    given = {"none": without, "another's": exchanged(test.contexts, settings.seed)}
    ranked = {}
    for recipe in settings.cobert.recipes:
        model, inputs = saved(models / f"{recipe}-{subset}-{domain}")
        for whose, rows in given.items():
            name = f"{recipe}, {whose}"
            ranked[name] = test.rank(model, inputs, rows)
            print(f"{domain} {name}: {tables.said(ranked[name])}", flush=True)
    return ranked


def exchanged(rows: Sequence[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Each row with the persona of a row of another responder, or its own where there is no other."""
    found = []
    for row in rows:
        others = [other["personas"] for other in rows if other["response_speaker"] != row["response_speaker"]]
        draw = seeded(seed, "another's persona", row["id"])
        found.append(row | {"personas": draw.choice(others) if others else row["personas"]})
    return found


if __name__ == "__main__":
    start(main)
