from multiprocessing import Pipe

import numpy as np

from attune.core.files import read_json
from attune.index.bank import HnswShape, build
from benchmarks.harness import RESULTS
from benchmarks.search import COSINE, KINDS, NEIGHBOURS, SIZES, measure, noisy, searched


def test_noise_keeps_the_cosine_with_the_text_that_it_was_added_to() -> None:
    text = np.zeros((1, 384), dtype=np.float32)
    text[0, 0] = 1
    made = noisy(text, 500, 1)
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    assert abs((made @ text[0]).mean() - COSINE) < 0.02
    assert len(np.unique(made, axis=0)) == 500
    assert not np.array_equal(made, noisy(text, 500, 2))


class Counted:
    """An exact index that counts what it is asked."""

    def __init__(self, vectors: np.ndarray) -> None:
        self.index, self.asked = build(vectors, len(vectors), HnswShape(0, 0, 0)), 0

    def search(self, queries: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        self.asked += len(queries)
        return self.index.search(queries, count)


def test_each_round_asks_every_query_and_one_more_warms_up() -> None:
    vectors = noisy(np.eye(3, 384, dtype=np.float32), 30, 1)
    counted = Counted(vectors)
    found, rate = searched(counted, vectors[:5], rounds=3)
    assert counted.asked == 4 * 5
    assert found[:, 0].tolist() == [0, 1, 2, 3, 4]  # each is its own nearest
    assert rate > 0


def test_exact_search_finds_what_a_product_ranks_highest() -> None:
    here, there = Pipe()
    real = np.eye(3, 384, dtype=np.float32)
    measure("exact", real, 200, 4, 1, 1, there)
    found, figures = here.recv()
    products = noisy(real, 4, 2) @ noisy(real, 200, 1).T
    assert found.tolist() == np.argsort(-products)[:, :NEIGHBOURS].tolist()
    assert figures.keys() == {"build_s", "queries_per_s", "mib"}


def test_without_options_it_measures_what_the_page_shows() -> None:
    rows = read_json(RESULTS / "search.json")["rows"]
    assert [(row["vectors"], row["index"]) for row in rows] == [(size, kind) for size in SIZES for kind in KINDS]
