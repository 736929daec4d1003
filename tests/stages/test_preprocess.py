from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_parquet, write_parquet
from attune.corpora import CORPORA, record_of
from stages.preprocess import main
from tests.stages.small_project import small_project

INSTRUCTIONS = ("openassistant_guanaco", "openorca")


def test_processed_rows_have_the_declared_columns(sample: Path) -> None:
    import pyarrow.parquet as pq

    root = sample / "processed"
    for name, record in CORPORA.items():
        assert pq.read_schema(root / name / record.train_rows).equals(record.schemas.rows)
    assert pq.read_schema(root / "pec/candidates/all.parquet").equals(record_of("pec").schemas.candidates)
    assert pq.read_schema(root / "empathetic_dialogues/test.parquet").equals(
        record_of("empathetic_dialogues").schemas.rows
    )


def test_the_reply_is_never_part_of_its_input(sample: Path) -> None:
    rows = read_parquet(sample / "processed/empathetic_dialogues/train.parquet")
    assert len(rows) > 1500
    assert len({row["context"] for row in rows}) == 32
    for row in rows:
        assert row["target"]
        assert row["target"] not in [*row["history"], row["input"]]


def test_the_sample_asks_every_kind_of_question(sample: Path) -> None:
    for name in INSTRUCTIONS:
        kinds = [row["kind"] for row in read_parquet(sample / "processed" / name / "train.parquet")]
        for kind in ("ambiguous", "subjective", "how-to", "factual"):
            assert kinds.count(kind) > 40, (name, kind)


@pytest.mark.parametrize("wrong", ["pce", "openorca"])
def test_another_corpus_than_the_subset_s_is_refused_with_those_there_are(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_project(tmp_path, monkeypatch)
    for name in ("pec", "empathetic_dialogues"):
        write_parquet(Path(f"subset/{name}/train.parquet"), [], record_of(name).schemas.conversations)
    names = "one of empathetic_dialogues, pec$"
    with pytest.raises(AttuneError, match=rf"^subset/pec/train\.parquet is not of corpus={wrong}: .*{names}"):
        main(corpus=wrong, subset=Path("subset/pec"), target=Path("processed"))
    assert not Path("processed").exists()
