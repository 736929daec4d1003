import numpy as np
import pytest

from attune.index.bank import Bank, HnswShape, about, build
from attune.index.passages import exchanges, nearest_situations, reordered
from tests.project import read


def bank_of(conversations: str) -> tuple[Bank, np.ndarray]:
    """One vector per letter, the conversation's name; neighbours in the list are neighbours on the circle."""
    angles = np.arange(len(conversations)) * 0.01
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    rows = [{"id": f"{name}#{at}", "conversation": name} for at, name in enumerate(conversations)]
    return Bank(build(vectors, 1000, HnswShape(16, 100, 100)), rows), vectors


def test_the_best_passage_of_each_other_conversation() -> None:
    bank, vectors = bank_of("aabbc")
    (passages,) = nearest_situations(bank, vectors[:1], 5, ["a"])
    assert [passage["id"] for passage in passages] == ["b#2", "c#4"]
    assert passages[0]["score"] > passages[1]["score"]
    (passages,) = nearest_situations(bank, vectors[:1], 2)
    assert [passage["id"] for passage in passages] == ["a#0", "b#2"]


def test_no_passage_is_about_the_querys_own_situation_however_it_is_written() -> None:
    vectors = bank_of("abcd")[1]
    situations = ("I lost my keys.", "i lost  my KEYS", "My train was late.", "my train was late!")
    rows = [{"id": f"c{at}#1", "conversation": f"c{at}", "situation": text} for at, text in enumerate(situations)]
    bank = Bank(build(vectors, 1000, HnswShape(16, 100, 100)), rows)
    (passages,) = nearest_situations(bank, vectors[:1], 5, [about(rows[0])])
    assert [passage["id"] for passage in passages] == ["c2#1"]
    (passages,) = nearest_situations(bank, vectors[:1], 5)
    assert [passage["id"] for passage in passages] == ["c0#1", "c2#1"]


def test_the_search_deepens_where_one_conversation_fills_the_nearest_places() -> None:
    bank, vectors = bank_of("a" * 60 + "b" * 60 + "c")
    (passages,) = nearest_situations(bank, vectors[:1], 2, ["a"])
    assert [passage["id"] for passage in passages] == ["b#60", "c#120"]


def test_how_many_neighbours_are_in_memory_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    bank, vectors = bank_of("ab" * 40 + "c")
    own = [*"ab" * 40, "c"]
    found = nearest_situations(bank, vectors, 2, own)
    assert all(
        {passage["conversation"] for passage in each} == {*"abc"} - {name}
        for each, name in zip(found, own, strict=True)
    )
    monkeypatch.setattr("attune.index.passages._NEIGHBOURS", 50)
    assert nearest_situations(bank, vectors, 2, own) == found


def test_many_copies_in_a_graph_hide_no_other_conversation() -> None:
    vectors = np.random.default_rng(13).normal(size=(600, 16)).astype(np.float32)
    vectors[:300] = vectors[0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = [{"id": f"{at}#1", "conversation": "copied" if at < 300 else str(at)} for at in range(600)]
    bank = Bank(build(vectors, 10, HnswShape(links=8, construction=40, search=40)), rows)
    (passages,) = nearest_situations(bank, vectors[:1], 5, ["copied"])
    expected = 300 + np.argsort(-(vectors[300:] @ vectors[0]))[:5]
    assert [passage["conversation"] for passage in passages] == [str(at) for at in expected]


def test_scores_reorder_passages_and_ties_keep_their_order() -> None:
    passages = [{"id": name, "score": 0.9} for name in "abc"]
    assert reordered(passages, [1.0, 2.0, 1.0]) == [
        {"id": "b", "score": 2.0},
        {"id": "a", "score": 1.0},
        {"id": "c", "score": 1.0},
    ]


def test_a_passage_fills_the_template_without_surrounding_spaces() -> None:
    row = {"conv_id": "c", "turn": 1, "situation": "I won.", "input": " Hi ", "target": "Well done. "}
    (passage,) = exchanges([row], "{situation}|{input}|{reply}")
    assert (passage["id"], passage["conversation"], passage["text"]) == ("c#1", "c", "I won.|Hi|Well done.")


def test_a_prompts_room_is_not_spent_on_copies() -> None:
    """Four people got the same answer, in other letters, one of them further away than another answer is."""
    said = [("I lost my keys.", "Did you look?"), ("I lost my keys!", "did you look"), ("My keys!", "DID YOU LOOK?")]
    said += [("I lost my wallet.", "Was there much in it?"), ("A key!", "Did you look"), ("I lost my keys", "Oh no.")]
    rows = [
        {"conv_id": f"c{at}", "turn": 1, "situation": "", "input": text, "target": reply}
        for at, (text, reply) in enumerate(said)
    ]
    angles = np.arange(len(said)) * 0.01
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    bank = Bank(build(vectors, 1000, HnswShape(16, 100, 100)), exchanges(rows, "{input} -> {reply}"))
    (passages,) = nearest_situations(bank, vectors[:1], 3)
    assert [passage["conversation"] for passage in passages] == ["c0", "c3", "c5"]


def test_texts_of_emoji_alone_are_no_copies_of_each_other() -> None:
    said = [("😀", "🎉"), ("😢", "🫂"), ("😡", "🫂"), ("🚗", "?")]
    rows = [
        {"conv_id": f"c{at}", "turn": 1, "situation": "", "input": text, "target": reply}
        for at, (text, reply) in enumerate(said)
    ]
    vectors = bank_of("abcd")[1]
    template = read()["rag"]["template"]
    bank = Bank(build(vectors, 1000, HnswShape(16, 100, 100)), exchanges(rows, template))
    (passages,) = nearest_situations(bank, vectors[:1], 4)
    assert [passage["conversation"] for passage in passages] == ["c0", "c1", "c3"]
