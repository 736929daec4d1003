"""Put everything on one page, and the figures that matter most into one small file.

`python -m stages.report PARAMS RAW ROWS PROBE METRICS PLOTS PAGE REPLIES_PARQUET REPLIES_CSV SUMMARY`
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attune import parameters
from attune.core.files import read_csv, read_json, read_parquet, whole_file, write_csv, write_json, write_parquet
from attune.evaluation.generation.summary import system_of
from attune.report import findings as sentences
from attune.report import html as report
from stages import start

FIGURES = {
    "emotion_distribution": "Emotions of EmpatheticDialogues' conversations, train and test",
    "text_lengths": "Lengths of the texts that the models read and write",
    "training_loss": "CoBERT: loss of training and validation by epoch",
    "loss_comparison": "CoBERT: test loss by domain, subset and recipe, with 95 % intervals",
    "mrr_comparison": "CoBERT: test MRR by domain, subset and recipe, with 95 % intervals",
    "generator_loss": "Generators: loss of training and validation by step",
    "generator_perplexity": "Generators: perplexity of the test replies, beside the untrained base",
    "rag_perplexity": "Retrieval-augmented generation against plain, with 95 % intervals",
    "decoding_sweep": "Decoding: repetition against diversity at each point of the sweep",
    "emotion_confusion": "What the emotion probe hears in situations whose text it never read",
}
# Columns of the summary's table.
COLUMNS = (
    "perplexity", "passages", "target_given", "bleu", "chrf", "similarity", "emotion_match", "distinct_1", "distinct_2",
    "self_bleu",
    "replies_repeated_3grams", "replies_copied_3grams", "replies_cut", "replies_empty", "replies_goes_on",
)  # fmt: skip
EXAMPLES = 10


METRICS = ("cobert_intervals", "cobert_tests", "generators", "generators_intervals", "generators_tests")


def main(
    params: str,
    raw: str,
    rows: str,
    probe: str,
    metrics: str,
    plots: str,
    page: str,
    table_file: str,
    replies: str,
    summary: str,
) -> None:
    settings = parameters.load(Path(params))
    found = {name: read_json(Path(metrics) / f"{name}.json") for name in METRICS}
    models = ["untrained", *settings.cobert.recipes]
    dialogue = {name for name, each in settings.generators.items() if each.corpus.startswith("empathetic")}
    table = report.side_by_side(
        {**row, "system": system_of(row["generator"], row["variant"])}
        for row in read_parquet(Path(rows))
        if row["generator"] in dialogue
    )
    sections = [
        ("Summary", _summary(found, models)),
        ("What differs beyond noise", _differences(found, models)),
        ("Figures", "\n".join(_figure(Path(plots), name, text) for name, text in FIGURES.items())),
        ("CoBERT", report.table(_ranking(found["cobert_intervals"], models))),
        ("Generators", _generators(found, read_json(Path(probe)))),
        ("Replies side by side", report.replies(table, EXAMPLES)),
        ("Questions by type", report.table(read_csv(Path(plots) / "answers.csv"))),
        ("Data", report.table(_data(Path(raw)))),
        ("Parameters", report.preformatted(Path(params).read_text(encoding="utf-8"))),
        ("Environment", report.table(report.environment())),
    ]
    with whole_file(Path(page)) as temporary:
        temporary.write_text(report.page("Attune: report", sections), encoding="utf-8")
    write_parquet(Path(table_file), table, report.schema(table))
    write_csv(Path(replies), table or [dict.fromkeys(report.COLUMNS)])
    write_json(Path(summary), small(found, models))
    print(f"{page}: {Path(page).stat().st_size // 1024} KiB; {len(table)} prompts side by side in {replies}")


def small(found: Mapping[str, Any], models: Sequence[str]) -> dict[str, Any]:
    """A few stable figures for `dvc metrics diff`: mean test MRR by subset and model, perplexity by system."""
    return {
        "mrr": {
            subset: {model: domains["mean"][model]["mrr"] for model in models}
            for subset, domains in found["cobert_intervals"].items()
        },
        "perplexity": {
            name: scores["perplexity"] for name, scores in found["generators"].items() if "perplexity" in scores
        },
    }


def _summary(found: Mapping[str, Any], models: Sequence[str]) -> str:
    ranking = [
        {"system": f"CoBERT, {model}, {subset} subset"}
        | {name: domains["mean"][model][name] for name in ("mrr", "mrr_low", "mrr_high", "r@1", "r@10")}
        for subset, domains in found["cobert_intervals"].items()
        for model in models
    ]
    written = [
        {"system": name, **{column: scores.get(column) for column in COLUMNS}}
        for name, scores in found["generators"].items()
    ]
    return (
        "<h3>Ranking: means over the domains, with the 95 % interval of MRR</h3>"
        + report.table(ranking)
        + "<h3>Writing: a row a system; targets are the true replies</h3>"
        + report.table(written)
    )


def _differences(found: Mapping[str, Any], models: Sequence[str]) -> str:
    return (
        f"<p>Paired tests on the same examples; a difference is called one where p is below {sentences.ALPHA:g}. Many "
        "are made, so of twenty where nothing differs one is expected to look like a difference.</p>"
        + report.paragraphs(sentences.about_ranking(found["cobert_tests"], models))
        + report.paragraphs(sentences.about_generators(found["generators_tests"]))
    )


def _figure(plots: Path, name: str, caption: str) -> str:
    return report.figure(name, (plots / f"{name}.png").read_bytes(), caption)


def _ranking(intervals: Mapping[str, Any], models: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"subset": subset, "domain": domain, "model": model}
        | {name: each[model][name] for name in ("loss", "mrr", "mrr_low", "mrr_high", "r@1", "r@10", "r@50")}
        for subset, domains in intervals.items()
        for domain, each in domains.items()
        for model in models
    ]


def _generators(found: Mapping[str, Any], probe: Mapping[str, Any]) -> str:
    names = ("perplexity", "similarity", "emotion_match", "replies_repeated_3grams", "replies_cut")
    rows = [
        {"system": system}
        | {f"{name}{end}": scores.get(f"{name}{end}") for name in names for end in ("", "_low", "_high")}
        for system, scores in found["generators_intervals"].items()
    ]
    about = [
        f"The emotion probe is right on {probe['accuracy']:.3f} ({probe['accuracy_low']:.3f} to "
        f"{probe['accuracy_high']:.3f}) of situations whose text it never read; emotion match is how "
        "often it hears the same emotion in the reply as in what was said.",
        f"BLEU: {probe['signatures']['bleu']}; chrF: {probe['signatures']['chrf']}.",
        "Perplexity is of reply tokens alone, and comparable within one tokenizer.",
    ]
    return report.paragraphs(about) + report.table(rows)


def _data(raw: Path) -> list[dict[str, Any]]:
    """A row a corpus of its manifest."""
    manifests = [read_json(path) for path in sorted(raw.glob("*/manifest.json"))]
    return [
        {name: each[name] for name in ("corpus", "source", "revision", "licence")}
        | {"rows": sum(file["rows"] for file in each["files"]), "bad rows": each["bad_rows"]}
        | {"sha256": " ".join(file["sha256"][:12] for file in each["files"])}
        for each in manifests
    ]


if __name__ == "__main__":
    start(main)
