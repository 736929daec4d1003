"""Sentence embeddings beside `SentenceTransformer.encode`: `python -m benchmarks.embedding`.

The texts are distinct replies of the sample and, where --dialogues names the train.csv of EmpatheticDialogues, its
utterances. The former are in the data of `make repro`.
`embed` with each backend of `index.backend` takes turns with `encode` as its users call it, on the same texts, in the
same order, 64 at a time. The vectors' cosines with those of `encode` are written beside the times.
"""

import os
import random
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from attune.core.determinism import pin, prepare
from benchmarks.harness import comparison, in_turn, options, require, seconds, write

prepare()
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

TEXTS, BATCH, ROUNDS = 1000, 64, 3
BACKENDS = {"torch": None, "openvino": 1.5}  # and how many times as fast each is meant to be


def sample(path: Path) -> list[str]:
    """Distinct replies of a train split of PEC."""
    from attune.core.files import read_parquet

    return sorted({row["response"] for row in read_parquet(path)})


def real(path: Path) -> list[str]:
    """Distinct utterances of a file of EmpatheticDialogues."""
    from attune.corpora.empathetic_dialogues import read
    from attune.corpora.reading import BadRows

    return sorted({each for dialogue in read(path, BadRows("error")) for each in dialogue.utterances})


TEXTS_OF = {"sample": sample, "EmpatheticDialogues": real}


def compare(name: str, texts: list[str], encoders: dict[str, Any], rounds: int) -> list[dict[str, Any]]:
    """A row per backend beside `encode`."""
    from attune.index.embedding import embed

    vectors: dict[str, np.ndarray] = {}

    def encode() -> None:
        vectors["encode"] = encoders["torch"].encode(texts, batch_size=BATCH, normalize_embeddings=True)

    def ours(backend: str) -> None:
        vectors[backend] = embed(encoders[backend], texts, BATCH)

    sides = {"encode": partial(seconds, encode)}
    sides |= {backend: partial(seconds, partial(ours, backend)) for backend in encoders}
    times = in_turn(sides, rounds)
    rows = []
    for backend in encoders:
        cosine = float((vectors[backend] * vectors["encode"]).sum(1).min())
        more = {"texts": name, "lowest_cosine": round(cosine, 6), "goal": BACKENDS[backend]}
        rows.append(comparison(backend, times, backend, "encode", len(texts), "sentences/s", **more))
    print(*rows, sep="\n", flush=True)
    return rows


def main() -> None:
    from attune.index.embedding import load_embedder
    from attune.sources.packages import minilm_folder

    chosen = options(__doc__, texts=TEXTS, rounds=ROUNDS, data=Path("data/processed/pec/large/all"), dialogues="")
    files = {"sample": chosen.data / "train.parquet"}
    files |= {"EmpatheticDialogues": Path(chosen.dialogues)} if chosen.dialogues else {}
    require(*files.values())
    pin(1, chosen.threads)
    backends = [backend for backend in BACKENDS if backend == "torch" or find_spec(backend)]
    encoders = {backend: load_embedder(minilm_folder(), backend) for backend in backends}
    rows: list[dict[str, Any]] = []
    for name, path in files.items():
        texts = TEXTS_OF[name](path)
        drawn = random.Random(1).sample(texts, min(chosen.texts, len(texts)))
        rows += compare(name, drawn, encoders, chosen.rounds)
    write("embedding", rows, chosen.threads, texts=chosen.texts, batch=BATCH, rounds=chosen.rounds)


if __name__ == "__main__":
    main()
