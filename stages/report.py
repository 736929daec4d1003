"""Put the results on one page, the replies into one table, and the most important scores into small files.

`python -m stages.report params=YAML raw=FOLDER ranked=PARQUET rows=PARQUET answered_rows=PARQUET probe=JSON \
metrics=FOLDER figures=FOLDER answers=CSV page=HTML replies_parquet=PARQUET replies_csv=CSV answered_csv=CSV \
summary=FOLDER`

replies_csv, answered_csv: the generators' replies, and retrieved and written ones, side by side. summary: one
small file per system, which `dvc metrics show` makes a table of.
"""

from pathlib import Path

from attune import parameters
from attune.core.files import atomic_file, atomic_folder, write_csv, write_json, write_parquet
from attune.report import html, sections, tables
from attune.report.results import Results
from attune.report.side_by_side import schema, side_by_side
from stages import start


def main(
    *,
    params: Path,
    raw: Path,
    ranked: Path,
    rows: Path,
    answered_rows: Path,
    probe: Path,
    metrics: Path,
    figures: Path,
    answers: Path,
    page: Path,
    replies_parquet: Path,
    replies_csv: Path,
    answered_csv: Path,
    summary: Path,
) -> None:
    settings = parameters.load(params)
    paths = {"ranked": ranked, "replies": rows, "answered_rows": answered_rows, "answers": answers}
    results = Results(settings, raw=raw, probe=probe, metrics=metrics, **paths)
    beside, answered = side_by_side(results.dialogue_replies), side_by_side(results.answered_replies)
    parts = sections.of_report(results, figures, params.read_text(encoding="utf-8"))
    with atomic_file(page) as temporary:
        temporary.write_text(html.page("Attune: report", parts), encoding="utf-8")
    write_parquet(replies_parquet, tables.records(beside), schema(beside))
    for table, path in ((beside, replies_csv), (answered, answered_csv)):
        write_csv(path, tables.records(table) or [dict.fromkeys(table.columns)])
    with atomic_folder(summary) as folder:
        for name, scores in tables.summary(results).items():
            write_json(folder / f"{name}.json", scores)
    print(f"{page}: {page.stat().st_size // 1024} KiB; {len(beside)} prompts with all replies in {replies_csv}")


if __name__ == "__main__":
    start(main)
