from pathlib import Path

from attune.core.files import read_parquet
from attune.corpora import schemas
from tests.stages.running import CORPORA


def test_processed_rows_have_the_declared_columns(sample: Path) -> None:
    import pyarrow.parquet as pq

    root = sample / "processed"
    assert pq.read_schema(root / "pec/large/all/train.parquet").equals(schemas.PEC)
    assert pq.read_schema(root / "pec/candidates/all.parquet").equals(schemas.CANDIDATES)
    assert pq.read_schema(root / "empathetic_dialogues/test.parquet").equals(schemas.REPLIES)
    for corpus in CORPORA[2:]:
        assert pq.read_schema(root / corpus / "train.parquet").equals(schemas.INSTRUCTIONS)


def test_the_reply_is_never_part_of_its_input(sample: Path) -> None:
    rows = read_parquet(sample / "processed/empathetic_dialogues/train.parquet")
    assert len(rows) > 3000
    assert len({row["context"] for row in rows}) == 32
    for row in rows:
        assert row["target"]
        assert row["target"] not in [*row["history"], row["input"]]


def test_the_sample_asks_every_kind_of_question(sample: Path) -> None:
    for corpus in CORPORA[2:]:
        kinds = [row["kind"] for row in read_parquet(sample / "processed" / corpus / "train.parquet")]
        for kind in ("ambiguous", "subjective", "how-to", "factual"):
            assert kinds.count(kind) > 50, (corpus, kind)
