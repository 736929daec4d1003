from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_parquet
from stages import base_models
from stages.oracle_passages import main
from tests.stages.generators_project import CORPUS, project


def test_each_test_row_gets_the_most_similar_train_reply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, monkeypatch)
    base_models.main(name="embedder", target=Path("embedder"))
    main(
        corpus=CORPUS,
        processed=Path(f"processed/{CORPUS}"),
        passages=Path(f"passages/{CORPUS}"),
        embedder=Path("embedder"),
        target=Path(f"oracle/{CORPUS}"),
    )
    test, found = (
        read_parquet(Path(f"passages/{CORPUS}/test.parquet")),
        read_parquet(Path(f"oracle/{CORPUS}/test.parquet")),
    )
    train = {row["conv_id"] for row in read_parquet(Path(f"processed/{CORPUS}/train.parquet"))}
    assert [row["conv_id"] for row in found] == [row["conv_id"] for row in test]
    for row in found:
        assert len(row["passages"]) == 2  # rag.k
        for passage in row["passages"]:
            assert passage["id"].split("#")[0] in train
            assert passage["reply"] in passage["text"]
    same = next(row for row in found if row["target"] == "I am sorry.")  # every conversation has this reply
    assert same["passages"][0]["reply"] == "I am sorry."
    assert same["passages"][0]["score"] == pytest.approx(1, abs=1e-5)


def test_a_corpus_without_passages_is_refused_before_anything_is_read() -> None:
    with pytest.raises(AttuneError, match="wrong has no passages to retrieve; corpus= may be empathetic_dialogues"):
        main(corpus="wrong", processed=Path(), passages=Path(), embedder=Path(), target=Path("none"))
