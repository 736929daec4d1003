import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_parquet
from attune.index.bank import distinct
from attune.inference.ranker import Ranker
from attune.inference.retriever import Retriever, query
from tests.cobert.tiny import cobert, rows
from tests.inference.tiny_bank import Words, bank_of


@pytest.fixture
def ranker(tmp_path: Path) -> Ranker:
    return Ranker(*cobert(tmp_path))


REPLIES = sorted({row["response"] for row in rows(16)})


def retriever(ranker: Ranker, shortlist: int, times: int = 1) -> Retriever:
    return Retriever(ranker, Words(), bank_of(REPLIES * times), shortlist)


def test_cobert_orders_what_the_index_proposes(ranker: Ranker) -> None:
    once = retriever(ranker, shortlist=4)
    context, persona = ["i lost my dog ."], ["i love the sea ."]
    found = once.retrieve(context, persona, 3)
    assert len(found) == 3
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    everything = once.bank.nearest(query(once.embedder, context, persona, 10), 100)[0]
    shortlist = [row["reply"] for row, _ in everything[:4]]
    assert {each.reply for each in found} <= set(shortlist)
    scores = dict(zip(shortlist, ranker.scores([context], [persona], [shortlist])[0], strict=True))
    assert found[0].score == max(scores.values())
    for each in found:
        assert each.reply == each.row["reply"]
        assert each.score == pytest.approx(scores[each.reply], abs=1e-6)
    assert once.retrieve(context, [], 3)[0].reply
    twice = retriever(ranker, shortlist=8, times=2)
    assert [each.row for each in twice.retrieve(context, persona, 3)] == [each.row for each in found]


@pytest.mark.parametrize(
    ("context", "persona", "message"),
    [
        ([], ["i love the sea ."], "at least one turn"),
        ("i lost my dog .", [], "context must be a list of strings"),
        (["i lost my dog ."], "i love the sea .", "persona must be a list of strings"),
    ],
)
def test_what_is_no_conversation_is_refused(ranker: Ranker, context: Any, persona: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        retriever(ranker, shortlist=4).retrieve(context, persona, 3)


def test_a_persona_that_can_be_read_once_is_read(ranker: Ranker) -> None:
    once = retriever(ranker, shortlist=4)
    context, persona = ["i lost my dog ."], ["i love the sea ."]
    assert once.retrieve(iter(context), iter(persona), 3) == once.retrieve(context, persona, 3)


def test_the_cosine_is_that_of_the_direction_between_the_message_and_the_message_with_the_persona(
    ranker: Ranker,
) -> None:
    message, persona, bank = "i lost my dog", "i love the sea", bank_of(["dog sea", "dog"])
    found = {each.reply: each.cosine for each in Retriever(ranker, Words(), bank).retrieve([message], [persona], 2)}
    # Of dog, sea and the constant 0.1, the other words being absent.
    alone, both = np.array([1, 0, 0.1]) / math.hypot(1, 0.1), np.array([1, 1, 0.1]) / math.hypot(1, 1, 0.1)
    middle = (alone + both) / math.hypot(*(alone + both))
    assert found == pytest.approx({"dog sea": middle @ both, "dog": middle @ alone}, abs=1e-6)
    assert max(found.values()) <= 1


def test_the_index_is_searched_with_the_sentences_of_the_persona_that_cobert_reads(tmp_path: Path) -> None:
    ranker, bank = Ranker(*cobert(tmp_path, num_personas=1)), bank_of(["dog sea", "dog city", "dog"])
    one, two = (
        {each.reply: each.cosine for each in Retriever(ranker, Words(), bank).retrieve(["i lost my dog"], persona, 3)}
        for persona in (["i love the sea"], ["i love the sea", "i live in the city"])
    )
    assert one == two


def test_a_message_without_a_direction_is_answered_by_cobert_alone(ranker: Ranker) -> None:
    class Silent(Words):
        def encode(self, texts: list[str], **_: object) -> np.ndarray:
            return np.zeros((len(texts), len(self.WORDS) + 1))

    found = Retriever(ranker, Silent(), bank_of(REPLIES)).retrieve(["? !"], [], len(REPLIES))
    assert [(each.reply, each.score) for each in found] == ranker.rank(["? !"], [], REPLIES)
    assert {each.cosine for each in found} == {0.0}


def test_replies_are_found_beside_many_copies_of_one(ranker: Ranker) -> None:
    """In a graph, in which a search does not get beyond the copies."""
    copied = REPLIES[0]
    bank = bank_of([copied] * 200 + REPLIES, exact_up_to=10)
    found = Retriever(ranker, Words(), bank, shortlist=4).retrieve([copied], [], 5)
    assert len({each.reply for each in found}) == 5
    # However deep the search went, CoBERT chooses among the nearest alone.
    nearest = distinct(bank.nearest(query(Words(), [copied], [], 0), len(bank.rows))[0])[:5]
    assert {each.reply for each in found} == {row["reply"] for row, _ in nearest}


def test_replies_are_scored_by_who_said_which_turn(ranker: Ranker) -> None:
    context, said_by = ["i lost my dog .", "so sad ?", "i love the sea ."], ["ann", "bob", "bob"]
    found = retriever(ranker, shortlist=4).retrieve(context, [], 4, said_by)
    replies = [each.reply for each in found]
    (told,), (untold,) = (ranker.scores([context], [[]], [replies], each) for each in ([said_by], None))
    assert [each.score for each in found] == pytest.approx(told, rel=1e-4)
    assert told != pytest.approx(untold, rel=1e-3)


def test_changing_what_was_retrieved_changes_no_later_reply(ranker: Ranker) -> None:
    found = retriever(ranker, shortlist=4)
    (first,) = found.retrieve(["hi"], [], 1)
    reply = first.reply
    first.row["reply"] = "changed"
    assert found.retrieve(["hi"], [], 1)[0].reply == reply


def test_a_number_of_replies_below_one_is_refused(ranker: Ranker) -> None:
    with pytest.raises(ValueError, match="k is -1; it must be at least 1"):
        retriever(ranker, shortlist=4).retrieve(["hi"], [], -1)


def test_the_folders_are_those_of_the_pipeline_unless_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way from folders to a reply, with the sentence encoder that comes with the installation."""
    import faiss

    from attune.core.files import write_parquet
    from attune.corpora import ranking_corpus
    from attune.corpora.base import arrow_schema
    from attune.index.bank import HnswShape, build
    from attune.index.embedding import embed, load_embedder
    from attune.sources.packages import minilm_folder
    from stages.index import COLUMNS

    model, inputs = cobert(tmp_path / "encoder")
    for saved in (model, inputs.tokenizer):
        saved.save_pretrained(tmp_path / "models/cobert/tiny")
    embedder, index = minilm_folder(), tmp_path / f"data/index/{ranking_corpus().name}"
    (tmp_path / "models/base").mkdir()
    (tmp_path / "models/base/embedder").symlink_to(embedder)
    vectors = embed(load_embedder(embedder), REPLIES, 8)
    entries = [{"id": str(at), "text": reply, "reply": reply} for at, reply in enumerate(REPLIES)]
    write_parquet(index / "rows.parquet", entries, arrow_schema(COLUMNS))
    faiss.write_index(build(vectors, 1000, HnswShape(2, 2, 2)), str(index / "index.faiss"))
    monkeypatch.chdir(tmp_path / "models/cobert")
    conversation = (["i lost my dog ."], ["i love the sea ."])
    by_default = Retriever.from_pretrained("tiny").retrieve(*conversation, k=2)
    named = Retriever.from_pretrained("tiny", index=index, embedder=embedder, shortlist=4).retrieve(*conversation)
    assert by_default[0].row in read_parquet(index / "rows.parquet")
    assert (len(by_default), len(named)) == (2, 5)
    faiss.write_index(build(vectors[:, :8].copy(), 1000, HnswShape(2, 2, 2)), str(index / "index.faiss"))
    with pytest.raises(AttuneError, match=r"embedder have 384 numbers and those in .* 8; name the embedder that built"):
        Retriever.from_pretrained("tiny")
    with pytest.raises(AttuneError, match=r"index\.faiss is missing; run `dvc repro index`"):
        Retriever.from_pretrained("tiny", index=tmp_path)
