import random

import pytest

from benchmarks import gpu, scale
from benchmarks.cobert import texts
from benchmarks.scale import Plan, Shape


def planned(patch: pytest.MonkeyPatch, output: bool, lora: bool = False) -> Plan:
    """1,000 examples of 20 tokens for a tiny CoBERT, or for a language model if it has an `output` layer."""
    shape = Shape(layers=2, width=32 if output else 24, vocabulary=31_000, positions=300, output=output)
    patch.setitem(scale.SHAPES, "toy", shape)
    return Plan("toy", "toy", examples=1000, tokens=20, epochs=1, batch=2, lora=lora)


@pytest.mark.parametrize(("output", "lora"), [(False, False), (True, False), (True, True)])
def test_the_hours_are_all_tokens_at_the_measured_rate(
    monkeypatch: pytest.MonkeyPatch, output: bool, lora: bool
) -> None:
    row = gpu.measured(planned(monkeypatch, output, lora), rounds=3)
    assert row["hours"] == pytest.approx(20_000 / row["tokens_per_s"] / 3600, rel=0.01)
    assert row["hours_8_gpus"] == pytest.approx(row["hours"] / 7.2, rel=0.01)


def test_a_step_s_tokens_are_those_of_its_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = texts(2, 256, random.Random(1))
    assert gpu.cobert_step(planned(monkeypatch, output=False))() == sum(len(each) for group in drawn for each in group)
    assert gpu.generator_step(planned(monkeypatch, output=True))() == 2 * 20


def test_without_a_gpu_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks.gpu"])
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SystemExit, match="no NVIDIA GPU"):
        gpu.main()
