import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_json, read_parquet, write_parquet
from attune.corpora import record_of
from attune.index.bank import Bank
from attune.index.embedding import embed, load_embedder
from stages import base_models, index
from tests.project import changed


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the real sentence encoder and thirty processed replies."""
    folder = tmp_path_factory.mktemp("index")
    changed(folder)
    topics = ("my dog died", "i passed the exam", "the train was late")
    rows = [
        {
            "conv_id": f"c{number}", "turn": 1, "context": "sad", "situation": f"Day {number}.",
            "history": [], "input": f"{topics[number % 3]}, hour {number}", "target": f"reply {number}",
        }
        for number in range(30)
    ]  # fmt: skip
    write_parquet(folder / "processed" / "train.parquet", rows, record_of("empathetic_dialogues").schemas.rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        base_models.main(name="embedder", target=Path("embedder"))
        index.main(
            corpus="empathetic_dialogues", processed=Path("processed"), embedder=Path("embedder"), target=Path("index")
        )
    return folder


def test_a_row_is_found_by_its_own_text_and_its_topic(project: Path) -> None:
    bank = Bank.load(project / "index")
    assert len(bank.rows) == 30
    queries = embed(load_embedder(project / "embedder"), ["my dog died, hour 3", "our poor puppy is gone"], 8)
    own, near = bank.nearest(queries, 5)
    assert own[0][0] == {"id": "c3#1", "text": "my dog died, hour 3", "reply": "reply 3"}
    assert own[0][1] == pytest.approx(1, abs=1e-5)
    assert [score for _, score in own] == sorted((score for _, score in own), reverse=True)
    assert all("dog" in row["text"] for row, _ in near)


def test_embeddings_are_saved_by_id_and_of_unit_length(project: Path) -> None:
    rows = read_parquet(project / "index" / "embeddings.parquet")
    assert [row["id"] for row in rows[:2]] == ["c0#1", "c1#1"]
    vectors = np.array([row["embedding"] for row in rows])
    assert vectors.shape == (30, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(30), abs=1e-5)


def test_a_corpus_without_an_index_is_refused() -> None:
    with pytest.raises(AttuneError, match="openorca is not indexed; pec, empathetic_dialogues are"):
        index.main(corpus="openorca", processed=Path(), embedder=Path(), target=Path("none"))


@pytest.mark.parametrize(("words", "share"), [("ሰላም ነው hello", 100), ("ሰላም ነው hello my dog 😀 🎉", 0)])
def test_an_embedder_that_does_not_know_the_words_is_warned_of(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, share: int
) -> None:
    other = {"history": [], "situation": "", "context": "sad", "turn": 1, "target": "yes"}
    rows = [{"conv_id": f"c{number}", "input": words} | other for number in range(3)]
    write_parquet(tmp_path / "train.parquet", rows, record_of("empathetic_dialogues").schemas.rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        index.main(
            corpus="empathetic_dialogues", processed=tmp_path, embedder=Path("embedder"), target=tmp_path / "index"
        )
    said = capsys.readouterr().out.splitlines()
    start = f"warning: {share}% of the training texts consist mostly of words that embedder does not know: "
    assert [line.startswith(start) for line in said if "warning" in line] == ([True] if share else [])


def test_an_embedder_without_a_tokenizer_of_transformers_is_not_asked_for_what_it_knows(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import BoW

    SentenceTransformer(modules=[BoW(vocab=["hello"])]).save(str(tmp_path / "words"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        index._say_unknown(tmp_path / "words", ["ሰላም"])
    assert capsys.readouterr().out == ""


def test_an_embedder_with_its_tokenizer_in_a_modules_folder_is_warned_of(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = tmp_path / "0_Transformer"
    shutil.copytree(project / "embedder", inside)
    modules = read_json(inside / "modules.json")
    shutil.move(inside / "1_Pooling", tmp_path)
    (inside / "modules.json").unlink()
    modules[0]["path"] = inside.name
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    assert embed(load_embedder(tmp_path), ["hello"], 1).shape == (1, 384)
    index._say_unknown(tmp_path, ["ሰላም"])
    assert capsys.readouterr().out.startswith(
        f"warning: 100% of the training texts consist mostly of words that {tmp_path}"
    )
