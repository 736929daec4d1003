"""A peer is fair if it computes what it is measured against."""

import random
from pathlib import Path

import pytest
import torch

from attune.cobert.model import Cobert
from benchmarks.cobert import our_scores
from benchmarks.peers.cobert_original import OriginalCobert, match, rank
from tests.cobert.tiny import encoder


@pytest.fixture
def groups() -> list[list[tuple[int, ...]]]:
    """Contexts, personas and responses of unequal lengths, one of them as long as its kind may be."""
    draws = random.Random(3)
    return [
        [tuple(draws.randrange(5, 20) for _ in range(size)) for size in sizes]
        for sizes in ((7, 12, 3), (9, 2, 16), (4, 6, 2))
    ]


def test_the_original_and_ours_give_the_same_scores(tmp_path: Path, groups: list[list[tuple[int, ...]]]) -> None:
    folder = encoder(tmp_path / "encoder")
    ours = our_scores(Cobert.from_encoder(folder, dropout=0.0), groups)
    theirs = rank(OriginalCobert(folder, (12, 16, 6), dropout=0.0), groups)
    assert ours.shape == (3, 3)
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert theirs.std() > 1e-3


def test_the_original_matches_one_token_with_one_by_their_product() -> None:
    """With one position each all weights are 1: hop 1 and hop 2 both give the dot product of y and x, 1 * 3 + 2 * 4."""
    x, y = torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[3.0, 4.0]]])
    real = torch.ones(1, 1)
    assert match((x, real), (y, real)).tolist() == [22.0]
