"""Draw the figures: `python -m stages.plot DIALOGUES PROCESSED PROBE METRICS TARGET`."""

from collections.abc import Sequence
from pathlib import Path

from attune import parameters
from attune.core.files import read_csv, read_json, read_parquet, write_csv
from attune.report.figures import cobert, corpora, generators, style
from stages import start


def main(dialogues: str, processed: str, heard: str, metrics: str, target: str) -> None:
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
    systems = read_json(found / "generators_intervals.json")
    own = read_json(found / "generators.json")
    probe = read_json(Path(heard))
    dialogue = [name for name in settings.generators if f"{name}+rag" in systems]
    drawn = {
        "emotion_distribution": corpora.emotion_distribution(emotions),
        "training_loss": cobert.training(cobert_curves),
        "loss_comparison": cobert.comparison(ranking, "loss", f"test loss (nats, {among})"),
        "mrr_comparison": cobert.comparison(ranking, "mrr", f"test MRR ({among})", chance),
        "generator_loss": generators.training(generator_curves),
        "generator_perplexity": generators.perplexities({name: own[name] for name in settings.generators}),
        "rag_perplexity": generators.passages(systems, dialogue),
        "decoding_sweep": generators.sweep(read_json(found / "decoding.json")),
        "text_lengths": corpora.text_lengths(lengths(Path(processed))),
        "emotion_confusion": corpora.confusion(probe["confusion"], probe["accuracy"]),
    }
    for name, figure in drawn.items():
        style.save(figure, folder, name)
    write_csv(folder / "cobert_scores.csv", table(ranking))
    print(f"{folder}: " + ", ".join(drawn))


def lengths(processed: Path) -> dict[str, list[int]]:
    """Words of each kind of text that the models read and write, train splits."""
    pec = read_parquet(processed / "pec" / "large" / "all" / "train.parquet")
    found = {
        "PEC, context": [len(" ".join(row["context"]).split()) for row in pec],
        "PEC, response": [len(row["response"].split()) for row in pec],
        "PEC, persona": [len(" ".join(row["personas"]).split()) for row in pec],
    }
    for corpus, label, asks, replies in (
        ("empathetic_dialogues", "EmpatheticDialogues", "input", "target"),
        ("openassistant_guanaco", "guanaco", "prompt", "completion"),
        ("openorca", "OpenOrca", "prompt", "completion"),
    ):
        rows = read_parquet(processed / corpus / "train.parquet")
        found |= {f"{label}, {column}": [len(row[column].split()) for row in rows] for column in (asks, replies)}
    return found


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
