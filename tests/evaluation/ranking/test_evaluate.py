import random
from pathlib import Path

import pytest

from attune.evaluation.ranking import evaluate as evaluation
from attune.evaluation.ranking.candidates import candidates
from attune.evaluation.ranking.evaluate import evaluate
from attune.inference.ranker import Ranker
from tests.cobert.memory import states_in_memory
from tests.cobert.test_model import parts
from tests.cobert.tiny import WORDS, cobert, rows


def test_evaluation_ranks_the_own_reply_and_names_the_first(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path)
    items = [row | {"id": str(place)} for place, row in enumerate(rows(16))]
    texts = candidates(items, [row["response"] for row in items], 10, 1, "test_split")
    written = evaluate(Ranker(model, inputs), items, texts)
    for row, each in zip(written, texts, strict=True):
        assert 1 <= row["rank"] <= 10
        assert row["loss"] > 0
        assert row["first"] in each
        assert (row["rank"] == 1) == (row["first"] == row["response"])


def test_states_of_a_part_of_the_contexts_are_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many contexts there are; the scores are those of contexts that are encoded together."""
    model, inputs = cobert(tmp_path)
    pool = [f"{word} {other} ." for word in WORDS[:5] for other in WORDS[5:10]]
    draws = random.Random(1)
    items = [row | {"context": [" ".join(draws.choices(WORDS, k=25)) for _ in range(4)]} for row in rows(96)]
    texts = [[row["response"], *pool] for row in items]
    together = evaluate(Ranker(model, inputs), items, texts)
    monkeypatch.setattr(evaluation, "CONTEXTS", 8)
    peaks = []
    for count in (32, 96):
        with states_in_memory(model) as found:
            apart = evaluate(Ranker(model, inputs), items[:count], texts[:count])
        peaks.append(max(found))
    assert 8 * 100 < peaks[1] <= peaks[0]
    assert [row["rank"] for row in apart] == [row["rank"] for row in together]
    assert [row["loss"] for row in apart] == pytest.approx([row["loss"] for row in together], rel=1e-5)


def test_frozen_layers_shared_between_models_change_no_score(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path, frozen_layers=2)
    items = rows(8)
    texts = [[row["response"], "a dog .", "so sad !"] for row in items]
    shared: dict = {}
    for row in (items[:4], items):
        found = evaluate(Ranker(model, inputs), row, texts[: len(row)], shared)
    assert len(shared) == len({key for each in parts(inputs, 8) for key in each}) + 2
    for one, other in zip(found, evaluate(Ranker(model, inputs), items, texts), strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
