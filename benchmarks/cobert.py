"""CoBERT's time and peak memory beside the original's: `python -m benchmarks.cobert`.

Batch 16, ten personas, all-MiniLM-L6-v2 with nothing frozen, float32, 2 threads, on randomly drawn lengths. A training
step is measured with the encoder's dropout of 0.1 as in the original, without dropout as in the recipes here, and
without dropout in micro-batches of 4. The original's figures (its training and evaluation loops, zhongpeixiang/PEC at
d8346ce, torch 2.13, 2 cores, eager attention) were measured on another day, so the ratios hold only for a machine of
that speed; the last line has the speed of this one.
"""

import random
import resource
import statistics
import subprocess
import sys
import time

from attune.core.determinism import pin, prepare

BATCH, PEOPLE = 16, 100
# Mean and maximum length in tokens of real text, at each context length.
CONTEXT = {128: (75, 128), 256: (82, 256)}
RESPONSE, PERSONA = (21, 32), (134, 231)
# Median seconds per training step, its peak GiB, and seconds for 100 contexts x 100 candidates (eager attention).
ORIGINAL = {128: (6.4, 4.0, 18.0), 256: (9.0, 5.1, 38.1)}
# Dropout (None: the encoder's) and micro-batch of the training steps that are measured.
TRAININGS = {
    "training step": (None, None),
    "training step without dropout": (0.0, None),
    "training step without dropout, micro-batches of 4": (0.0, 4),
}
RANKING = f"{PEOPLE} x {PEOPLE}"


def lengths(count: int, mean: int, longest: int, draws: random.Random) -> list[int]:
    """`count` lengths from 4 to `longest` with a mean close to `mean`, from a triangular distribution."""
    mode = min(max(3 * mean - 4 - longest, 4), longest)
    return [round(draws.triangular(4, longest, mode)) for _ in range(count)]


def sequences(count: int, shape: tuple[int, int], draws: random.Random) -> list:
    from attune.cobert.inputs import TokenSequence

    drawn = [[draws.randrange(2000, 30000) for _ in range(size)] for size in lengths(count, *shape, draws)]
    return [TokenSequence(tuple(ids), (0,) * len(ids)) for ids in drawn]


def products() -> float:
    """GFLOP/s of float32 matrix products of the shape of the encoder's largest, on 2 threads."""
    import torch

    pin(1, 2)
    left, right = torch.randn(1024, 384), torch.randn(384, 1536)
    times = []
    for _ in range(200):
        start = time.perf_counter()
        left @ right
        times.append(time.perf_counter() - start)
    return 2 * 1024 * 384 * 1536 / statistics.median(times) / 1e9


def measure(what: str, length: int) -> None:
    """Print the seconds (median of the runs after the first) and the peak GiB of this process."""
    import torch

    from attune.cobert.gradient_cache import step
    from attune.cobert.inputs import pad
    from attune.cobert.model import Cobert
    from attune.cobert.scoring import encode, scores
    from attune.sources.packages import minilm_folder

    pin(1, 2)
    draws = random.Random(1)
    dropout, micro_batch = TRAININGS.get(what, (None, None))
    model = Cobert.from_encoder(minilm_folder(), context_length=length, dropout=dropout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
    shapes = (CONTEXT[length], PERSONA, RESPONSE)
    times = []
    for _ in range(4 if what == RANKING else 7):
        groups = [sequences(PEOPLE if what == RANKING else BATCH, shape, draws) for shape in shapes]
        start = time.perf_counter()
        if what == RANKING:
            contexts, personas, responses = groups
            states = encode(model, [*contexts, *personas, *responses])
            scores(model, states, contexts, personas, [responses] * PEOPLE)
        else:
            model.train()
            batch = dict(zip(("context", "persona", "response"), map(pad, groups), strict=True))
            batch["same"] = torch.eye(BATCH, dtype=torch.bool)
            if micro_batch:
                step(model, batch, micro_batch, 1.0)
            else:
                model(**batch)["loss"].backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
        times.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(statistics.median(times[1:]), peak)


def main() -> None:
    print("| context | what | seconds | the original's | times faster | peak GiB | the original's |")
    print("|---|---|---|---|---|---|---|")
    for length, (step, memory, ranking) in ORIGINAL.items():
        for what in (*TRAININGS, RANKING):
            command = [sys.executable, "-m", "benchmarks.cobert", what, str(length)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds, peak = map(float, done.stdout.split())
            before, its_memory = (ranking, 1.0) if what == RANKING else (step, memory)
            ratio = before / seconds
            print(
                f"| {length} | {what} | {seconds:.2f} | {before} | {ratio:.1f} | {peak:.1f} | {its_memory} |",
                flush=True,
            )
    print(f"\nmatrix products on this machine: {products():.0f} GFLOP/s")


if __name__ == "__main__":
    prepare()
    if len(sys.argv) == 3:
        measure(sys.argv[1], int(sys.argv[2]))
    else:
        main()
