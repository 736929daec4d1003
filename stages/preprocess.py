"""Make one row per reply: `python -m stages.preprocess corpus=NAME subset=FOLDER target=FOLDER`."""

from pathlib import Path

from attune import parameters
from attune.core.files import atomic_folder, read_parquet, write_parquet
from attune.corpora import corpus as record_of
from stages import start


def main(*, corpus: str, subset: Path, target: Path) -> None:
    drop_repeated, record = parameters.load().preprocess.drop_repeated_personas, record_of(corpus)
    with atomic_folder(target) as folder:
        for path in sorted(subset.rglob("*.parquet")):
            name, rows = path.relative_to(subset), read_parquet(path)
            if name.parts[0] == "candidates":
                schema = record.schemas.candidates
            else:
                rows = [row for conversation in rows for row in record.rows(conversation, drop_repeated)]
                schema = record.schemas.rows
            write_parquet(folder / name, rows, schema)
            print(f"{corpus} {name.with_suffix('')}: {len(rows)} rows")


if __name__ == "__main__":
    start(main)
