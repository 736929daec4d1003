"""FAISS' exact, HNSW and IVF-PQ indexes: recall, queries/s, build time, memory: `python -m benchmarks.search`.

Each vector is all-MiniLM-L6-v2's embedding of one of the sample's replies, of 384 dimensions, with Gaussian noise: its
cosine with the embedding is about .8. So they are clustered as sentences are, and no two are the same, however many.
Queries are made in the same way. Each index is built and searched in a process of its own, in single queries, as the
chat asks them. Queries/s are the median of the rounds, after one for warming up. Each index is built once, since HNSW
of a million takes twelve minutes. Exact search and HNSW are built on one thread, and their seconds are the processor's;
IVF-PQ is trained and filled on --threads, and its seconds are the clock's.
"""

import multiprocessing
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from attune.core.determinism import pin, prepare
from benchmarks.harness import in_turn, options, require, rounded, seconds, write

prepare()

SIZES, QUERIES, NEIGHBOURS, ROUNDS = (10_000, 30_000, 100_000, 1_000_000), 500, 10, 3
COSINE = 0.8
# IVF-PQ: bytes per vector, the share of the lists that a query looks into, and the vectors that train it.
CODE_BYTES, PROBED_SHARE, TRAINED_ON = 96, 1 / 16, 50_000


def embeddings(data: Path, most: int, threads: int) -> np.ndarray:
    """Unit vectors (n, 384) of at most `most` distinct replies of the sample."""
    from attune.core.files import read_parquet
    from attune.index.embedding import embed, load_embedder
    from attune.sources.packages import minilm_folder

    pin(1, threads)
    texts = sorted({row["target"] for row in read_parquet(data / "train.parquet")})
    return embed(load_embedder(minilm_folder()), texts[:most], 64)


def noisy(vectors: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(count, d) unit vectors, each of a random one of `vectors` and noise; their cosine is about COSINE."""
    draws = np.random.default_rng(seed)
    made = np.empty((count, vectors.shape[1]), dtype=np.float32)
    spread = (1 / COSINE**2 - 1) ** 0.5 / vectors.shape[1] ** 0.5
    for start in range(0, count, 10_000):  # in parts, for memory
        rows = made[start : start + 10_000]
        rows[:] = vectors[draws.integers(len(vectors), size=len(rows))]
        rows += draws.normal(scale=spread, size=rows.shape).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return made


def exact(vectors: np.ndarray) -> Any:
    """Every vector compared."""
    from attune.index.bank import build

    return build(vectors, len(vectors), shape())


def hnsw(vectors: np.ndarray) -> Any:
    """A graph as the pipeline builds it above `index.exact_up_to`."""
    from attune.index.bank import build

    return build(vectors, 0, shape())


def ivf_pq(vectors: np.ndarray) -> Any:
    """Lists of compressed vectors around 4 * sqrt(n) centroids (FAISS's guidelines), of which the pipeline has none."""
    import faiss

    lists = round(4 * len(vectors) ** 0.5)
    index: Any = faiss.index_factory(vectors.shape[1], f"IVF{lists},PQ{CODE_BYTES}np", faiss.METRIC_INNER_PRODUCT)
    drawn = np.random.default_rng(3).permutation(len(vectors))[:TRAINED_ON]
    index.train(vectors[drawn])
    index.add(vectors)
    index.nprobe = max(1, round(lists * PROBED_SHARE))
    return index


# What builds each index, and the clock that times it: other work on the machine changes the processor seconds of one
# thread little, but those of several threads add up to more than one has to wait.
KINDS: dict[str, tuple[Callable[[np.ndarray], Any], Callable[[], float]]] = {
    "exact": (exact, time.process_time),
    "HNSW": (hnsw, time.process_time),
    "IVF-PQ": (ivf_pq, time.perf_counter),
}


@cache
def shape() -> Any:
    from attune.index.bank import HnswShape
    from attune.parameters import load

    return HnswShape.of(load().index)


def searched(index: Any, queries: np.ndarray, rounds: int) -> tuple[np.ndarray, float]:
    """The positions (q, NEIGHBOURS) that `index` finds for `queries` (q, d), asked one at a time, and queries/s."""
    found = np.empty((len(queries), NEIGHBOURS), dtype=np.int64)

    def ask() -> None:
        for place, query in enumerate(queries):
            found[place] = index.search(query[None], NEIGHBOURS)[1][0]

    times = in_turn({"search": lambda: seconds(ask)}, rounds)["search"]
    return found, len(queries) / median(times)


def measure(kind: str, real: np.ndarray, size: int, count: int, rounds: int, threads: int, pipe: Any) -> None:
    """Send the positions that `kind` finds for each query, and its figures."""
    import faiss

    faiss.omp_set_num_threads(threads)
    vectors, queries = noisy(real, size, 1), noisy(real, count, 2)
    build, clock = KINDS[kind]
    shape()  # reads params.yaml, which is no part of the build
    start = clock()
    index = build(vectors)
    built = clock() - start
    del vectors
    faiss.omp_set_num_threads(threads)  # `build` leaves it at 1
    found, rate = searched(index, queries, rounds)
    memory = len(faiss.serialize_index(index)) / 2**20
    pipe.send((found, {"build_s": built, "queries_per_s": rate, "mib": memory}))


def in_process(*arguments: Any) -> tuple[np.ndarray, dict[str, float]]:
    """What `measure` sends from a process of its own, whose memory ends with it."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=measure, args=(*arguments, there))
    process.start()
    there.close()
    found, figures = here.recv()
    process.join()
    return found, figures


def main() -> None:
    data = Path("data/processed/empathetic_dialogues")
    chosen = options(__doc__, sizes=SIZES, queries=QUERIES, rounds=ROUNDS, data=data)
    require(chosen.data)
    real, rows = embeddings(chosen.data, max(chosen.sizes), chosen.threads), []
    for size in chosen.sizes:
        right = np.empty((0, 0))
        for kind in KINDS:
            found, figures = in_process(kind, real, size, chosen.queries, chosen.rounds, chosen.threads)
            right = found if kind == "exact" else right
            recall = np.mean([len(set(own) & set(true)) for own, true in zip(found, right, strict=True)]) / NEIGHBOURS
            figures = {name: rounded(value) for name, value in figures.items()}
            rows.append({"index": kind, "vectors": size, "recall": rounded(float(recall)), **figures})
            print(rows[-1], flush=True)
    asked = {"queries": chosen.queries, "rounds": chosen.rounds, "neighbours": NEIGHBOURS}
    write("search", rows, chosen.threads, texts=len(real), **asked)


if __name__ == "__main__":
    main()
