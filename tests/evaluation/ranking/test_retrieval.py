from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from attune.core.files import read_parquet
from attune.evaluation.ranking.retrieval import evaluate_retrieval
from attune.inference.ranker import Ranker
from attune.inference.retriever import Retrieved, Retriever, query
from tests.inference.tiny_bank import Words, bank_of
from tests.stages.cobert_project import project, train_once


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project(tmp_path, monkeypatch)
    train_once("tuned")
    return tmp_path


@pytest.mark.usefixtures("trained")
def test_a_bank_no_larger_than_the_shortlist_has_nothing_to_recall() -> None:
    rows = read_parquet(Path("pec/small/happy/test.parquet"))
    replies = sorted({row["response"] for row in rows})
    ranker = Ranker.from_pretrained("models/tuned-small-happy")
    whole, part = (
        evaluate_retrieval(Retriever(ranker, Words(), bank_of(replies), size), rows, seed=1)
        for size in (len(replies), len(replies) - 1)
    )
    assert (whole["recall"], whole["all_reranked"]) == (1, 1)
    assert not {"recall_low", "recall_high"} & set(whole)
    assert {"mrr_index_low", "mrr_reranked_high"} < set(whole)
    assert set(part) - set(whole) == {"recall_low", "recall_high"}
    assert "all_reranked" not in part


@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.usefixtures("trained")
def test_the_bank_s_scores_by_hand(size: int) -> None:
    words = Words()
    replies = sorted({row["response"] for row in read_parquet(Path("pec/candidates/happy.parquet"))})
    ranker = Ranker.from_pretrained("models/tuned-small-happy")
    retriever = Retriever(ranker, words, bank_of(replies), shortlist=size)
    rows = read_parquet(Path("pec/small/happy/test.parquet"))
    found = evaluate_retrieval(retriever, rows, seed=1)
    reranked, least, most = [], [], []
    for row in rows:
        replies = [each.row["reply"] for each in retriever.retrieve(row["context"], row["personas"], size)]
        reranked.append(1 / (replies.index(row["response"]) + 1) if row["response"] in replies else 0)
        near = retriever.bank.nearest(query(words, row["context"], row["personas"], 2), size)[0]
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


def test_a_reply_that_the_index_has_first_and_the_model_second_has_ranks_1_and_2() -> None:
    """In every context, so that only the share found has an interval: the exact one of 8 in 8."""
    found = [SimpleNamespace(reply=reply, cosine=cosine) for reply, cosine in (("no", 0.2), ("yes", 0.9))]
    retriever: Any = SimpleNamespace(shortlist=2, bank=SimpleNamespace(rows=[0, 1, 2]), retrieve=lambda *_: found)
    rows = [{"id": f"{at}", "context": [f"word{at} ?"], "personas": [], "response": "yes"} for at in range(8)]
    assert evaluate_retrieval(retriever, rows, seed=1) == {
        "replies": 3, "recall": 1, "recall_low": round(0.025 ** (1 / 8), 6), "recall_high": 1,
        "mrr_index": 1, "mrr_reranked": 0.5,
    }  # fmt: skip


def test_turns_are_read_as_those_of_who_said_them(trained: Path) -> None:
    read: list[Any] = []

    class Heard(Retriever):
        def retrieve(self, *given: Any) -> list[Retrieved]:
            read.append(given[3])
            return super().retrieve(*given)

    rows = read_parquet(trained / "pec/small/happy/test.parquet")[:2]
    one = [row | {"context": ["hi .", *row["context"]]} for row in rows]
    said = [row | {"context_speakers": ["ann"] * len(row["context"])} for row in one]
    unnamed = [{name: value for name, value in row.items() if name != "context_speakers"} for row in one]
    retriever = Heard(Ranker.from_pretrained("models/tuned-small-happy"), Words(), bank_of(["a dog .", "a cat ."]), 2)
    evaluate_retrieval(retriever, [*said, *unnamed], seed=1)
    assert read == [*(row["context_speakers"] for row in said), None, None]
