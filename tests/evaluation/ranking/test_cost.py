from pathlib import Path

import pytest
import torch

from attune.evaluation.ranking.cost import by_model, gflops
from attune.inference.ranker import Ranker
from tests.cobert.tiny import SHAPE, cobert

ROW = {"id": "1", "context": ["i lost my dog ."], "personas": [], "response": "so sad !"}
TEXTS = ["so sad !", "we won ?", "the dog"]


def test_products_and_attention_are_counted_and_averaged() -> None:
    """(2, 3) @ (3, 5) are 2 * 2 * 3 * 5 operations; attention of 4 queries and keys of width 8 twice 2 * 4 * 4 * 8."""
    query = torch.randn(1, 1, 4, 8)
    works = [
        lambda: torch.randn(2, 3) @ torch.randn(3, 5),
        lambda: torch.nn.functional.scaled_dot_product_attention(query, query, query),
    ]
    assert gflops(works) * 1e9 == pytest.approx((60 + 512) / 2)


def test_a_model_s_replies_are_encoded_beforehand(tmp_path: Path) -> None:
    """What is left: three layers on the context of seven tokens, and the dot products with three means."""
    ranker = Ranker(*cobert(tmp_path, matching="bi_encoder"))
    tokens, width, inner = 7, SHAPE["hidden_size"], SHAPE["intermediate_size"]
    layer = 2 * tokens * (4 * width * width + 2 * width * inner) + 4 * tokens * tokens * width
    expected = SHAPE["num_hidden_layers"] * layer + 2 * width * len(TEXTS)
    assert len(ranker.inputs.context(ROW["context"]).ids) == tokens
    assert gflops([by_model(ranker, ROW, TEXTS)]) * 1e9 == pytest.approx(expected)


def test_a_cross_encoder_pays_for_every_reply(tmp_path: Path) -> None:
    ranker = Ranker(*cobert(tmp_path, matching="cross_encoder", frozen_layers=1))
    one, three = (gflops([by_model(ranker, ROW, texts)]) for texts in (TEXTS[:1], TEXTS))
    assert three > 2.2 * one
