"""Draw the figures: `python -m stages.plot DIALOGUES METRICS TARGET`."""

import csv
from collections.abc import Sequence
from pathlib import Path

from attune import figures, parameters
from attune.files import read_json, read_parquet, write_csv
from stages import start


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def main(dialogues: str, metrics: str, target: str) -> None:
    settings, found, folder = parameters.load(), Path(metrics), Path(target)
    options = settings.cobert
    emotions = {
        split: [row["emotion"] for row in read_parquet(Path(dialogues) / f"{split}.parquet")]
        for split in ("train", "test")
    }
    cobert_curves: dict[tuple[str, str, str], list[dict[str, str]]] = {
        (recipe, subset, domain): read_csv(found / "curves" / "cobert" / f"{recipe}-{subset}-{domain}.csv")
        for recipe in options.recipes
        for subset in options.subsets
        for domain in options.domains
    }
    generator_curves = {name: read_csv(found / "curves" / "generators" / f"{name}.csv") for name in settings.generators}
    models = ["untrained", *options.recipes]
    ranking: dict[str, dict[str, dict[str, dict[str, float]]]] = {
        subset: {domain: in_order(domains[domain], models) for domain in options.domains}
        for subset, domains in read_json(found / "cobert_intervals.json").items()
    }
    chance = sum(1 / place for place in range(1, options.candidates + 1)) / options.candidates
    among = f"{options.candidates} candidates"
    drawn = {
        "emotion_distribution": figures.emotion_distribution(emotions),
        "training_loss": figures.cobert_training(cobert_curves),
        "loss_comparison": figures.comparison(ranking, "loss", f"test loss (nats, {among})"),
        "mrr_comparison": figures.comparison(ranking, "mrr", f"test MRR ({among})", chance),
        "generator_loss": figures.generator_training(generator_curves),
        "generator_perplexity": figures.perplexities(read_json(found / "generators.json")),
    }
    for name, figure in drawn.items():
        figures.save(figure, folder / f"{name}.png")
    write_csv(folder / "cobert_scores.csv", table(ranking))
    print(f"{folder}: " + ", ".join(drawn))


def in_order(scores: dict[str, dict[str, float]], names: Sequence[str]) -> dict[str, dict[str, float]]:
    """The scores as they are to be compared; JSON has sorted them."""
    return {name: scores[name] for name in names}


def table(ranking: dict[str, dict[str, dict[str, dict[str, float]]]]) -> list[dict[str, object]]:
    """The CoBERT scores as a row a model."""
    return [
        {"subset": subset, "domain": domain, "model": model, **scores}
        for subset, domains in ranking.items()
        for domain, models in domains.items()
        for model, scores in models.items()
    ]


if __name__ == "__main__":
    start(main)
