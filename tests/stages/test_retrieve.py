from pathlib import Path

import numpy as np
import pytest

from attune.core.files import read_json, read_parquet, sha256
from attune.evaluation.ranking.retrieval import in_the_bank
from attune.index.bank import Bank, HnswShape, build
from attune.inference.ranker import saved
from attune.inference.retriever import Retriever, query
from stages import retrieve
from tests.project import changed
from tests.stages.cobert_project import project, train


class Words:
    """A sentence encoder that counts words: nearness can be checked by hand."""

    WORDS = ("dog", "cat", "bike", "job", "sea", "city", "old", "new")

    def encode(self, texts: list[str], **_: object) -> np.ndarray:
        counts = np.array([[text.split().count(word) for word in self.WORDS] + [0.1] for text in texts], float)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project(tmp_path, monkeypatch)
    train("tuned")
    return tmp_path


def bank(embedder: Words, times: int = 1) -> Bank:
    replies = sorted({row["response"] for row in read_parquet(Path("pec/candidates/happy.parquet"))})
    rows = [{"reply": reply} for reply in replies] * times
    return Bank(
        build(embedder.encode([row["reply"] for row in rows]).astype(np.float32), 1000, HnswShape(2, 2, 2)), rows
    )


@pytest.mark.usefixtures("trained")
def test_cobert_orders_what_the_index_proposes() -> None:
    words = Words()
    retriever = Retriever(*saved(Path("models/tuned-small-happy")), words, bank(words), shortlist=4)
    context, persona = ["i lost my dog ."], ["i love the sea ."]
    found = retriever.retrieve(context, persona, 3)
    assert len(found) == 3
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    everything = retriever.bank.nearest(query(words, context, persona), 100)[0]
    shortlist = [row["reply"] for row, _ in everything[:4]]
    assert {each.row["reply"] for each in found} <= set(shortlist)
    scores = dict(zip(shortlist, retriever.rerank(context, persona, shortlist), strict=True))
    assert found[0].score == max(scores.values())
    for each in found:
        assert each.score == pytest.approx(scores[each.row["reply"]], abs=1e-6)
    assert retriever.retrieve(context, [], 3)[0].row["reply"]
    twice = Retriever(*saved(Path("models/tuned-small-happy")), words, bank(words, times=2), shortlist=8)
    assert [each.row for each in twice.retrieve(context, persona, 3)] == [each.row for each in found]
    with pytest.raises(ValueError, match="at least one turn"):
        retriever.retrieve([], persona, 3)


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.usefixtures("trained")
def test_the_bank_s_scores_by_hand(size: int) -> None:
    words = Words()
    retriever = Retriever(*saved(Path("models/tuned-small-happy")), words, bank(words), shortlist=size)
    rows = read_parquet(Path("pec/small/happy/test.parquet"))
    found = in_the_bank(retriever, rows)
    reranked, least, most = [], [], []
    for row in rows:
        replies = [each.row["reply"] for each in retriever.retrieve(row["context"], row["personas"], size)]
        reranked.append(1 / (replies.index(row["response"]) + 1) if row["response"] in replies else 0)
        near = retriever.bank.nearest(query(words, row["context"], row["personas"]), size)[0]
        cosines = {each["reply"]: cosine for each, cosine in near}
        own = cosines.get(row["response"], np.inf)  # counted words are often equally near
        least.append(1 / sum(cosine >= own for cosine in cosines.values()) if own < np.inf else 0)
        most.append(1 / (1 + sum(cosine > own for cosine in cosines.values())) if own < np.inf else 0)
    assert found["mrr_reranked"] == pytest.approx(np.mean(reranked), abs=1e-6)
    assert np.mean(least) - 1e-6 <= found["mrr_index"] <= np.mean(most) + 1e-6
    assert found["recall"] == pytest.approx(np.mean([value > 0 for value in reranked]), abs=1e-6)
    assert found["replies"] == 16
    if size == 1:
        assert 0 < found["recall"] < 1
    else:
        assert found["mrr_index"] != found["mrr_reranked"]


def test_the_stage_writes_the_same_twice(trained: Path) -> None:
    from stages import base_models

    changed(
        trained, ("cobert.subsets", ["small"]), ("cobert.domains", ["happy"]), ("cobert.recipes", ["tuned"]),
        ("retrieval.recipe", "tuned"), ("retrieval.shortlist", 5), ("transfer.recipe", "tuned"),
        ("rag.recipe", "tuned"),
    )  # fmt: skip
    base_models.main("embedder", "embedder")
    for target in ("one", "two"):
        retrieve.main("pec", "models", "embedder", f"{target}.json")
    assert sha256(Path("one.json")) == sha256(Path("two.json"))
    found = read_json(Path("one.json"))["happy"]
    assert found["replies"] == 16
    assert 0 < found["mrr_reranked"] <= found["recall"] <= 1
