import pytest

from benchmarks.scale import SHAPES, Plan, extrapolated, flop_per_token


def test_the_shapes_have_the_models_sizes() -> None:
    """bert-base has 109.5 M weights (110 M with its pooler), gpt-neo-1.3B 1.316 B; biases and norms are left out."""
    assert SHAPES["bert-base"].weights() == pytest.approx(109.5e6, rel=0.01)
    assert SHAPES["gpt-neo-1.3B"].weights() == pytest.approx(1.316e9, rel=0.01)


def test_a_token_costs_six_per_weight_and_four_per_frozen_one() -> None:
    """bert-base: 12 layers of 12 * 768 * 768 weights; attention over 100 tokens adds 12 * 12 * 100 * 768."""
    assert flop_per_token("bert-base", 12, 100) == 6 * 84_934_656 + 11_059_200
    assert flop_per_token("bert-base", 12, 100, lora=True) == 4 * 84_934_656 + 11_059_200


def test_a_plan_multiplies_tokens_and_divides_by_speed() -> None:
    plan = extrapolated(Plan("toy", "bert-base", examples=1000, tokens=100, epochs=2, batch=1), gflops=100)
    flop = 200_000 * (6 * 84_934_656 + 11_059_200)
    assert plan["flop"] == pytest.approx(flop, rel=0.005)
    assert plan["hours_here"] == pytest.approx(flop / 100e9 / 3600, rel=0.005)
    # 28 bytes for each of 108.8 M weights.
    assert plan["disk_gib"] == pytest.approx(28 * 108.8e6 / 2**30, rel=0.01)


def test_lora_writes_no_checkpoint_of_the_model() -> None:
    plan = Plan("toy", "gpt-neo-1.3B", examples=10, tokens=10, epochs=1, batch=1, lora=True)
    assert extrapolated(plan, gflops=100)["disk_gib"] == 0
