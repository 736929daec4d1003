import numpy as np

from benchmarks.search import COSINE, noisy


def test_noise_keeps_the_cosine_with_the_text_that_it_was_added_to() -> None:
    text = np.zeros((1, 384), dtype=np.float32)
    text[0, 0] = 1
    made = noisy(text, 500, 1)
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    assert abs((made @ text[0]).mean() - COSINE) < 0.02
    assert len(np.unique(made, axis=0)) == 500
    assert not np.array_equal(made, noisy(text, 500, 2))
