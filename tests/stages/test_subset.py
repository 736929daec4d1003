from collections.abc import Iterable
from pathlib import Path

from attune.core.files import read_parquet, sha256
from tests.project import changed
from tests.stages.running import CORPORA, data


def ids(paths: Iterable[Path], key: str) -> list[set[str]]:
    return [{row[key] for row in read_parquet(path)} for path in paths]


def test_pec_has_the_subsets_sizes_and_small_inside_large(sample: Path) -> None:
    root = sample / "subset" / "pec"
    for domain in ("all", "happy", "offmychest"):
        for split, (large, small) in {"train": (500, 100), "valid": (100, 20), "test": (100, 20)}.items():
            inner, outer = ids([root / size / domain / f"{split}.parquet" for size in ("small", "large")], "id")
            assert (len(inner), len(outer)) == (small, large)
            assert inner < outer


def test_no_conversation_is_in_two_splits(sample: Path) -> None:
    for corpus in CORPORA[1:]:
        key = "conv_id" if corpus == "empathetic_dialogues" else "id"
        train, test = ids([sample / "processed" / corpus / f"{split}.parquet" for split in ("train", "test")], key)
        assert not train & test
        assert 0.18 < len(test) / len(train | test) < 0.22
    for size in ("large", "small"):
        for domain in ("all", "happy", "offmychest"):
            folder = sample / "processed" / "pec" / size / domain
            train, valid, test = ids([folder / f"{split}.parquet" for split in ("train", "valid", "test")], "id")
            assert len(train | valid | test) == len(train) + len(valid) + len(test)


def test_the_same_parameters_give_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    changed(tmp_path)
    again = data(tmp_path)
    for path in sorted(sample.rglob("*")):
        if path.is_file():
            assert sha256(again / path.relative_to(sample)) == sha256(path), path
