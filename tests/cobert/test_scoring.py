from pathlib import Path

import pytest

from attune.cobert import scoring
from attune.cobert.scoring import States, lower_cache
from tests.cobert.test_model import parts
from tests.cobert.tiny import SHAPE, cobert


def test_the_limit_of_the_cache_counts_what_is_in_it_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, inputs = cobert(tmp_path, frozen_layers=1)
    contexts, _, responses = parts(inputs)
    tokens = sum(len(each.ids) for each in {*contexts, *responses})
    monkeypatch.setattr(scoring, "CACHE_BYTES", tokens * SHAPE["hidden_size"] * 4 - 1)
    known: States = {}
    assert lower_cache(model, contexts, known) is known
    assert lower_cache(model, responses, known) is None
    assert known.keys() == set(contexts)
    assert lower_cache(model, contexts, known) is known
    assert lower_cache(model, responses) is not None
