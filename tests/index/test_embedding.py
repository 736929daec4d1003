from pathlib import Path

import numpy as np
import pytest

from attune.core.errors import AttuneError
from attune.index.embedding import embed, load_embedder
from attune.sources.packages import minilm_folder


def test_a_repeated_text_and_another_order_change_nothing() -> None:
    encoder = load_embedder(minilm_folder())
    first = embed(encoder, ["a dog", "a cat", "a dog"], 8)
    second = embed(encoder, ["a cat", "a dog"], 8)
    assert np.array_equal(first[0], first[2])
    assert np.array_equal(first[:2], second[::-1])


def test_a_missing_encoder_names_the_stage_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"embedder is missing; run `dvc repro base_embedder`"):
        load_embedder(tmp_path / "embedder")
