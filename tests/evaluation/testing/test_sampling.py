from attune.evaluation.testing.sampling import sampled
from tests.generators.tiny import dialogue_rows


def test_a_sample_of_a_sample_is_the_same() -> None:
    rows = dialogue_rows()
    chosen = sampled(rows, 7, seed=13)
    in_file_order = [row for row in rows if row in chosen]
    assert len(chosen) == 7
    assert chosen != in_file_order
    assert sampled(in_file_order, 7, seed=13) == chosen
    assert sampled(rows, 99, seed=13)[:7] == chosen
