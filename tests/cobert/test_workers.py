"""Encoding, matching and training on several cores give the bits that one core gives."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from attune.cobert import gradient_cache, matchers, scoring
from attune.cobert import model as cobert_model
from attune.cobert.examples import examples
from attune.cobert.scoring import lower_cache, stack
from attune.core import workers
from attune.core.cores import WORKERS
from tests.cobert.test_gradient_cache import batch, gradients
from tests.cobert.test_model import parts, table
from tests.cobert.tiny import cobert, rows


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a batch of a few short texts has several."""
    monkeypatch.setattr(cobert_model, "PACKED_TOKENS", 20)
    monkeypatch.setattr(scoring, "TOKENS", 20)
    monkeypatch.setattr(scoring, "CONTEXTS", 2)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What has been handed to workers."""
    found: list[Any] = []
    begin = workers._begin

    def noted(function: Any, part: Any, count: int) -> Any:
        found.append(part)
        return begin(function, part, count)

    monkeypatch.setattr(workers, "_begin", noted)
    return found


@pytest.mark.parametrize("frozen", [0, 1])
@pytest.mark.parametrize("matching", ["bi_encoder", "co_attention", "cross_encoder", "joint", "max_sim"])
def test_a_step_adds_the_same_gradients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: list[Any], matching: str, frozen: int
) -> None:
    model, inputs = cobert(tmp_path, matching=matching, frozen_layers=frozen, dropout=0.0, score_scale=0.1)
    given = batch(inputs)
    if frozen:
        given = with_cached(model, inputs, given)

    def step(count: int) -> list[Tensor]:
        monkeypatch.setenv(WORKERS, str(count))
        model.zero_grad()
        loss = gradient_cache.step(model.train(), given, None, 1.0)
        return [loss, *(each.clone() for each in gradients(model))]

    expected = step(1)
    assert not begun
    assert len(expected) > 10
    assert all(torch.equal(*pair) for pair in zip(expected, step(3), strict=True))
    assert len(begun) > 4


def with_cached(model: Any, inputs: Any, given: dict[str, Any]) -> dict[str, Any]:
    """The batch with the output of its frozen layers in the place of tokens."""
    read = examples(rows(7), inputs)
    sides = {
        "context": [each.context for each in read],
        "persona": [each.persona for each in read],
        "response": [*(each.response for each in read), inputs.response("so sad !"), inputs.response("we won ?")],
    }
    lower = lower_cache(model, [each for side in sides.values() for each in side])
    return given | {name: stack(side, lower) for name, side in sides.items()}


def test_a_step_with_dropout_draws_in_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: list[Any]
) -> None:
    """Several would draw from torch's generator in the order in which they get to it."""
    monkeypatch.setenv(WORKERS, "3")
    monkeypatch.setattr(matchers, "spread_graphs", lambda function, given, _: [*map(function, range(2), given)])
    model, inputs = cobert(tmp_path, dropout=0.3)
    gradient_cache.step(model.train(), batch(inputs), None, 1.0)
    assert not begun
    gradient_cache.step(model.eval(), batch(inputs), None, 1.0)
    assert begun


@pytest.mark.parametrize(
    ("family", "matching"),
    [("bert", "co_attention"), ("bert", "cross_encoder"), ("bert", "joint"), ("gpt2", "co_attention")],
)
def test_scores_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: list[Any], family: str, matching: str
) -> None:
    model, inputs = cobert(tmp_path, family, matching=matching)
    expected = table(model, inputs)
    assert not begun
    monkeypatch.setenv(WORKERS, "3")
    assert torch.equal(table(model, inputs), expected)
    assert len(begun) > 6


def test_frozen_layers_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: list[Any]) -> None:
    model, inputs = cobert(tmp_path, frozen_layers=2)
    sequences = [each for side in parts(inputs) for each in side]
    expected = lower_cache(model, sequences)
    monkeypatch.setenv(WORKERS, "2")
    found = lower_cache(model, sequences)
    assert begun
    assert expected is not None
    assert found is not None
    assert list(found) == list(expected)
    assert all(torch.equal(found[each], states) for each, states in expected.items())
