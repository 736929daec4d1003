from pathlib import Path

import pytest

from attune.evaluation.ranking.candidates import candidates
from attune.evaluation.ranking.evaluate import evaluate
from attune.inference.ranker import Ranker
from tests.cobert.test_model import parts
from tests.cobert.tiny import cobert, rows


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
