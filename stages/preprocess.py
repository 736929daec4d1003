"""One row a reply: `python -m stages.preprocess CORPUS SUBSET TARGET`."""

from pathlib import Path

from attune import parameters
from attune.core.files import read_parquet, whole_folder, write_parquet
from attune.corpora import schemas
from attune.corpora.preprocessing import instruction_rows, pec_row, reply_rows
from stages import start


def main(corpus: str, subset: str, target: str) -> None:
    settings = parameters.load().preprocess
    with whole_folder(Path(target)) as folder:
        for path in sorted(Path(subset).rglob("*.parquet")):
            name = path.relative_to(subset)
            conversations = read_parquet(path)
            if name.parts[0] == "candidates":
                rows, schema = conversations, schemas.CANDIDATES
            elif corpus == "pec":
                rows = [pec_row(each, settings.drop_repeated_personas) for each in conversations]
                schema = schemas.PEC
            elif corpus == "empathetic_dialogues":
                rows = [row for each in conversations for row in reply_rows(each)]
                schema = schemas.REPLIES
            else:
                rows = [row for each in conversations for row in instruction_rows(each)]
                schema = schemas.INSTRUCTIONS
            write_parquet(folder / name, rows, schema)
            print(f"{corpus} {name.with_suffix('')}: {len(rows)} rows")


if __name__ == "__main__":
    start(main)
