"""Cut a corpus to the size of the experiment: `python -m stages.subset CORPUS RAW TARGET`."""

from pathlib import Path

from attune import parameters
from attune.core.files import whole_folder, write_json, write_parquet
from attune.corpora import schemas
from attune.corpora.parsed import cut_dialogues, pec_subsets
from attune.corpora.reading import BadRows
from stages import start


def main(corpus: str, raw: str, target: str) -> None:
    settings = parameters.load()
    bad = BadRows(settings.corpora.on_bad_row)
    with whole_folder(Path(target)) as folder:
        if corpus == "pec":
            parts, candidates, counts = pec_subsets(Path(raw), settings.subsets, settings.seed, bad)
            schema = schemas.PEC_CONVERSATIONS
            for domain, rows in candidates.items():
                write_parquet(folder / "candidates" / f"{domain}.parquet", rows, schemas.CANDIDATES)
        else:
            parts, counts = cut_dialogues(
                corpus, Path(raw), settings.corpora, settings.preprocess.test_share, settings.seed, bad
            )
            emotional = corpus == "empathetic_dialogues"
            schema = schemas.DIALOGUES if emotional else schemas.INSTRUCTION_DIALOGUES
        for name, rows in parts.items():
            write_parquet(folder / f"{name}.parquet", rows, schema)
        write_json(folder / "counts.json", counts)
    print(f"{corpus}: " + ", ".join(f"{name} {len(rows)}" for name, rows in parts.items()))


if __name__ == "__main__":
    start(main)
