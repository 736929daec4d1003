import random
from pathlib import Path
from typing import Any

import pytest
import torch

from attune.cobert import hard_negatives, scoring
from attune.cobert.examples import every_turn, examples
from attune.cobert.hard_negatives import nearest_replies
from attune.cobert.scoring import encode
from attune.cobert.training import CobertTrainer
from attune.training.trainer import arguments
from tests.cobert.memory import states_in_memory
from tests.cobert.test_training import RECIPE
from tests.cobert.tiny import WORDS, cobert, rows

# The tiny encoder finds all texts alike.
SAME = 0.95


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hard_negatives, "SAME", SAME)


def varied(count: int) -> list[dict[str, Any]]:
    """Rows whose replies are all different; the last but one is of the first's conversation, the last a copy."""
    draws = random.Random(1)
    items = [row | {"response": " ".join(draws.sample(WORDS, 3))} for row in rows(count)]
    return [
        *items,
        {"id": "0#1", "context": ["my bike is new ."], "personas": [], "response": "we won !"},
        {"id": "copy", "context": ["you lost ?"], "personas": [], "response": items[1]["response"]},
    ]


def cosine(states: Any, one: Any, other: Any) -> float:
    return float(torch.cosine_similarity(states[one].mean(0), states[other].mean(0), dim=0))


def test_the_nearest_replies_are_neither_right_nor_of_the_same_conversation(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path, matching="bi_encoder")
    parts = examples(varied(12), inputs)
    found = nearest_replies(model, parts, 3)
    states = encode(model, [part for each in parts for part in (each.context, each.response)])
    replies = {each.response for each in parts}
    for each in parts:
        own = {other.response for other in parts if other.id.split("#")[0] == each.id.split("#")[0]}
        allowed = [reply for reply in replies - own if cosine(states, reply, each.response) < SAME]
        assert len(allowed) > 3
        nearest = sorted(allowed, key=lambda reply, each=each: -cosine(states, reply, each.context))[:3]
        assert found[each.id] == tuple(nearest)
    everything = nearest_replies(model, parts, 100)
    assert parts[-2].response not in everything["0"]
    assert parts[1].response not in everything["copy"]


def test_no_turn_of_a_conversation_is_a_negative_of_another_turn_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hard_negatives, "SAME", 2.0)  # which no two replies reach
    model, inputs = cobert(tmp_path, matching="bi_encoder")
    draws = random.Random(1)
    said = [[" ".join(draws.sample(WORDS, 4)) for _ in range(4)] for _ in range(6)]
    people = {"context_speakers": ["a", "b", "a"], "response_speaker": "b", "personas": []}
    rows = [people | {"id": f"c{at}", "context": turns, "response": last} for at, (*turns, last) in enumerate(said)]
    parts = examples(every_turn(rows), inputs)
    found = nearest_replies(model, parts, 100)
    replies = {each.id: each.response for each in parts}
    assert len(replies) == 18
    for name, nearest in found.items():
        assert set(nearest) == {reply for other, reply in replies.items() if other[:2] != name[:2]}


def test_no_more_states_than_those_of_a_batch_are_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, inputs = cobert(tmp_path, matching="bi_encoder")
    monkeypatch.setattr(scoring, "TOKENS", 64)
    parts = examples([row | {"context": [f"{row['response']} " * 3]} for row in varied(60)], inputs)
    with states_in_memory(model) as found:
        nearest_replies(model, parts, 3)
    assert len(found) > 10
    assert max(found) <= 2 * 64


def test_extra_negatives_are_drawn_from_them(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path, matching="bi_encoder")
    parts = examples(varied(24), inputs)
    recipe = RECIPE | {"extra_negatives": 4, "hard_negatives": 2}
    trainer = CobertTrainer(model, parts, parts[:4], recipe, args=arguments(tmp_path / "run", 1))
    batch = parts[:6]
    near = {reply.ids for each in batch for reply in nearest_replies(model, parts, 2)[each.id]}
    collated = trainer._collate(batch)["response"]
    extra = zip(collated["input_ids"][6:], collated["attention_mask"][6:], strict=True)
    drawn = {tuple(ids[mask].tolist()) for ids, mask in extra}
    assert len(drawn) == 4 < len(near)
    assert drawn <= near
