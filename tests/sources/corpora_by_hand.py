"""Corpora of a few rows, in the mirror's layout and in the hub's, whose counts can be read off."""

from pathlib import Path
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.parquet as pq

from attune.corpora.empathetic_dialogues import COLUMNS

END = "*" * 20
ROWS = {
    "train": ["c1,1,sad,It rained.,7,It rained_comma_ a lot.,,", "c1,2,sad,It rained.,3,Oh no.,,"],
    "valid": ["c2,1,proud,I won.,1,I won.,,"],
    "test": ["c3,1,proud,I ran.,1,I ran.,,", "c4,1,sad,I fell.,0,I fell.,,"],
}


def write(corpus: str, folder: Path) -> None:
    """One conversation a split, two in EmpatheticDialogues' test; two users; two rows of OpenOrca."""
    writers = {
        "pec": _pec,
        "empathetic_dialogues": _empathetic_dialogues,
        "openassistant_guanaco": _guanaco,
        "openorca": _openorca,
    }
    folder.mkdir(parents=True, exist_ok=True)
    writers[corpus](folder)


def _pec(folder: Path) -> None:
    for domain in ("happy", "offmychest"):
        (folder / "hf_pec" / domain).mkdir(parents=True)
        for split in ("train", "valid", "test"):
            text = f"ann ---+--- {split} went well\nbob ---+--- lovely\n{END}\n"
            (folder / f"hf_pec/{domain}/{split}.txt").write_text(text)
        (folder / f"hf_pec/{domain}/persona.txt").write_text(f"ann\ni ski .\n{END}\nbob\ni {domain} .\n{END}\n")


def _empathetic_dialogues(folder: Path) -> None:
    for split, rows in ROWS.items():
        (folder / f"{split}.csv").write_text("\n".join([",".join(COLUMNS), *rows, ""]))


def as_the_hub_converts(original: Path, folder: Path) -> None:
    """EmpatheticDialogues' csv files as they are at refs/convert/parquet."""
    for split, name in (("train", "train"), ("valid", "validation"), ("test", "test")):
        rows = (original / f"{split}.csv").read_text().splitlines()[1:]
        cells = [row.split(",") for row in rows]
        columns = {column: [row[number] for row in cells] for number, column in enumerate(COLUMNS)}
        for column in ("utterance_idx", "speaker_idx"):
            columns[column] = pa.array([int(value) for value in columns[column]], pa.int32())
        path = folder / f"default/{name}/0000.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table(columns), path)


def _guanaco(folder: Path) -> None:
    for split in ("train", "eval"):
        text = f'{{"text": "### Human: {split}?### Assistant: Yes."}}\n'
        (folder / f"openassistant_best_replies_{split}.jsonl").write_text(text)


def _openorca(folder: Path) -> None:
    columns = {"id": ["a", "b"], "system_prompt": ["", "s"], "question": ["p", "q"], "response": ["r", "t"]}
    pq.write_table(pa.table(columns), folder / "1M-GPT4-Augmented.parquet")


def zip_pec(folder: Path, archive: Path) -> None:
    with ZipFile(archive, "w") as out:
        for path in sorted((folder / "hf_pec").rglob("*.txt")):
            out.write(path, path.relative_to(folder))
