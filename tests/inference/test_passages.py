from collections.abc import Sequence

import pytest

from attune.index.bank import Bank, HnswShape, build
from attune.index.embedding import embed, load_embedder
from attune.index.passages import exchanges
from attune.inference.passages import PassageRetriever, reranked
from attune.sources.packages import minilm_folder

ROWS = [
    {"conv_id": f"c{number // 2}", "turn": number, "situation": "", "input": text, "target": f"reply {number}"}
    for number, text in enumerate(("my dog died", "i miss my dog", "i passed the exam", "top marks", "it rains"))
]


@pytest.fixture(scope="module")
def retriever() -> PassageRetriever:
    encoder = load_embedder(minilm_folder())
    vectors = embed(encoder, [row["input"] for row in ROWS], 8)
    return PassageRetriever(encoder, Bank(build(vectors, 100, HnswShape(8, 8, 8)), exchanges(ROWS, "{reply}")), 8)


def test_indexed_rows_are_found_as_if_they_were_embedded_again(retriever: PassageRetriever) -> None:
    again = retriever.nearest([row["input"] for row in ROWS], 3)
    for row, first, second in zip(ROWS, retriever.nearest_to_indexed(2), again, strict=True):
        others = [passage for passage in second if passage["conversation"] != row["conv_id"]]
        assert [passage["id"] for passage in first] == [passage["id"] for passage in others]
        assert [passage["score"] for passage in first] == pytest.approx([passage["score"] for passage in others])


def test_a_conversation_that_is_not_in_the_bank_may_get_any_passage(retriever: PassageRetriever) -> None:
    ((best, other),) = retriever.nearest(["our puppy died"], 2)
    assert best["id"] == "c0#0"
    assert other["conversation"] != "c0"


class ByLength:
    """Scores a reply by its length, and doubles it for each sentence of the persona."""

    def scores(
        self,
        contexts: Sequence[Sequence[str]],
        personas: Sequence[Sequence[str]],
        replies: Sequence[Sequence[str]],
        _speakers: object = None,
    ) -> list[list[float]]:
        triples = zip(contexts, personas, replies, strict=True)
        return [[len(reply) * 2.0 ** len(persona) for reply in each] for _, persona, each in triples]


def test_each_contexts_passages_are_ordered_by_the_rankers_scores() -> None:
    passages = [[{"reply": reply, "score": 0.5} for reply in each] for each in (("a", "abc", "b"), ("ab", "abcd"))]
    ordered = reranked(ByLength(), [["hi"], ["ho"]], ["i ski ."], passages)
    assert [[passage["reply"] for passage in each] for each in ordered] == [["abc", "a", "b"], ["abcd", "ab"]]
    assert [passage["score"] for passage in ordered[0]] == [6.0, 2.0, 2.0]
