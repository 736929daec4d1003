from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_parquet, write_parquet
from attune.corpora import record_of
from stages import base_models, index
from stages.retrieve_passages import main
from tests.stages.small_project import small_project

SCHEMA = record_of("empathetic_dialogues").schemas.rows
TOPICS = ("my dog died", "i passed the exam", "the train was late")
SAID = TOPICS[1:] + TOPICS[:1]  # to be told from the situation


def rows(first: int, count: int) -> list[dict[str, object]]:
    """Two replies in each conversation, whose situation and messages are about two of three topics."""
    return [
        {
            "conv_id": f"c{number}", "turn": turn, "context": "sad",
            "situation": f"{TOPICS[number % 3]} on day {number}.",
            "history": [], "input": f"{SAID[number % 3]}, hour {number}-{turn}", "target": f"reply {number}.{turn}",
        }
        for number in range(first, first + count)
        for turn in (1, 3)
    ]  # fmt: skip


def retrieve(processed: str, target: str) -> None:
    main(
        corpus="empathetic_dialogues",
        processed=Path(processed),
        index=Path("index"),
        embedder=Path("embedder"),
        target=Path(target),
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("passages")
    with pytest.MonkeyPatch.context() as patch:
        small_project(folder, patch)
        write_parquet(Path("processed/train.parquet"), rows(0, 15), SCHEMA)
        write_parquet(Path("processed/test.parquet"), rows(15, 6), SCHEMA)
        base_models.main(name="embedder", target=Path("embedder"))
        index.main(
            corpus="empathetic_dialogues", processed=Path("processed"), embedder=Path("embedder"), target=Path("index")
        )
        retrieve("processed", "found")
    return folder


def test_passages_are_of_like_conversations_and_never_of_the_same_one(project: Path) -> None:
    train, test = (read_parquet(project / f"found/{split}.parquet") for split in ("train", "test"))
    assert (len(train), len(test)) == (30, 9)  # generation.perplexity_examples
    for row, count in (*((row, 2) for row in train), *((row, 3) for row in test)):
        conversations = [passage["id"].split("#")[0] for passage in row["passages"]]
        assert len(set(conversations)) == count
        assert row["conv_id"] not in conversations
        scores = [passage["score"] for passage in row["passages"]]
        assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_row_is_searched_by_what_is_said_and_not_by_the_situation_that_nobody_was_told(
    project: Path, split: str
) -> None:
    for row in read_parquet(project / f"found/{split}.parquet"):
        assert [passage["input"][:9] for passage in row["passages"][:2]] == [row["input"][:9]] * 2


def test_a_passage_is_written_as_the_template_says(project: Path) -> None:
    best = read_parquet(project / "found/test.parquet")[0]["passages"][0]
    assert best["text"] == f"Speaker: {best['input']}\nListener: {best['reply']}\n\n"


def test_an_index_of_other_rows_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    write_parquet(Path("other/train.parquet"), rows(0, 3), SCHEMA)
    write_parquet(Path("other/test.parquet"), rows(15, 3), SCHEMA)
    other = r"the index was not built from other/train\.parquet; run `dvc repro index`"
    with pytest.raises(AttuneError, match=other):
        retrieve("other", "none")
    assert not Path("none").exists()


def test_a_corpus_without_an_index_has_no_passages() -> None:
    with pytest.raises(AttuneError, match="openorca has no passages to retrieve; corpus= may be empathetic_dialogues"):
        main(corpus="openorca", processed=Path(), index=Path(), embedder=Path(), target=Path("none"))
