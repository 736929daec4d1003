"""CoBERT's training step and ranking beside the original's matching: `python -m benchmarks.cobert`.

Batch 16, ten persona sentences, all-MiniLM-L6-v2 with nothing frozen, float32, on texts of randomly drawn lengths.
The peer is benchmarks.peers.cobert_original. Before anything is timed, both must give the same scores for the same
texts. The recipes here train without dropout, so a step without is also put beside the peer's as the paper trains,
with dropout. Each side has torch's settings of its own: ours those of `attune.core.determinism.pin`, the peer torch's
defaults. Both have as many cores as --threads says: the peer, and ours where dropout draws, by torch's threads, ours
otherwise by pieces of one thread each, as the stages do. Ours has the optimizer that Trainer makes, the peer's is
torch's plain AdamW.
"""

import argparse
import os
import random
from collections.abc import Callable
from statistics import median
from typing import Any

from attune.core.cores import WORKERS
from attune.core.determinism import pin, prepare
from benchmarks.harness import Side, comparison, in_turn, options, rounded, uses_gpu, write

prepare()
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

Texts = list[tuple[int, ...]]
Work = Callable[[], Any]
ORIGINAL, PLAIN = "the original", "the original without dropout"
BATCH, PEOPLE, ROUNDS = 16, 100, 2
# Mean and maximum length in tokens of real text, at each context length.
CONTEXT = {128: (75, 128), 256: (82, 256)}
PERSONA, RESPONSE = (134, 231), (21, 32)
TOLERANCE = 1e-4  # of the largest score
# How many times as fast as its peer each comparison is meant to be.
GOALS = {
    128: {"dropout": 2.0, "none": 3.0, "ranking": 4.0},
    256: {"dropout": 3.0, "none": 4.5, "ranking": 6.0},
}


def texts(count: int, length: int, draws: random.Random) -> list[Texts]:
    """`count` contexts, personas and responses as token ids."""
    return [
        [tuple(draws.randrange(2000, 30000) for _ in range(size)) for size in lengths(count, *shape, draws)]
        for shape in (CONTEXT[length], PERSONA, RESPONSE)
    ]


def lengths(count: int, mean: int, longest: int, draws: random.Random) -> list[int]:
    """`count` lengths from 4 to `longest` with a mean close to `mean`, from a triangular distribution."""
    mode = min(max(3 * mean - 4 - longest, 4), longest)
    return [round(draws.triangular(4, longest, mode)) for _ in range(count)]


def our_scores(model: Any, groups: list[Texts]) -> Any:
    """Every context's scores of all responses, (contexts, responses)."""
    import torch

    from attune.cobert.scoring import encode, scores

    contexts, personas, responses = map(sequences, groups)
    states = encode(model, [*contexts, *personas, *responses])
    return torch.stack(scores(model, states, contexts, personas, [responses] * len(contexts)))


def sequences(group: Texts) -> list[Any]:
    from attune.cobert.inputs import TokenSequence

    return [TokenSequence(ids, (0,) * len(ids)) for ids in group]


def our_step(model: Any, optimizer: Any, groups: list[Texts]) -> None:
    import torch

    from attune.cobert.inputs import pad

    model.train()
    padded = [{name: each.to(model.device) for name, each in pad(sequences(group)).items()} for group in groups]
    batch: dict[str, Any] = dict(zip(("context", "persona", "response"), padded, strict=True))
    batch["same"] = torch.eye(len(groups[0]), dtype=torch.bool, device=model.device)
    model(**batch)["loss"].backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


def models(length: int, dropout: float | None) -> tuple[Any, Any]:
    """Ours and the peer, with the same weights. dropout: None is the encoder's own, 0.1."""
    from attune.cobert.model import Cobert
    from attune.core.devices import device
    from attune.sources.packages import minilm_folder
    from benchmarks.peers.cobert_original import OriginalCobert

    limits = (length, PERSONA[1], RESPONSE[1])
    ours = Cobert.from_encoder(minilm_folder(), context_length=length, dropout=dropout)
    return ours.to(device()), OriginalCobert(minilm_folder(), limits, dropout).to(device())


def settle(peer: bool, cores: int, in_pieces: bool) -> None:
    """Seeds, and threads or pieces; for the peer otherwise torch's defaults, so that it flushes no denormal numbers."""
    import torch

    os.environ[WORKERS] = str(cores if in_pieces else 1)
    pin(1, 1 if in_pieces else cores)
    if peer:
        torch.set_flush_denormal(False)
        torch.use_deterministic_algorithms(False)


def training(peer: bool, dropout: float | None, length: int, size: int, threads: int) -> Work:
    """A training step on `size` fresh examples."""
    import torch

    from benchmarks.peers import cobert_original

    settle(peer, threads, in_pieces=not peer and dropout == 0)
    draws = random.Random(1)
    model = models(length, dropout)[peer]
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5, fused=not peer)
    step = cobert_original.step if peer else our_step
    return lambda: step(model, optimizer, texts(size, length, draws))


def ranking(peer: bool, length: int, size: int, threads: int) -> Work:
    """The scores of `size` fresh contexts' responses for each of these contexts."""
    from benchmarks.peers.cobert_original import rank

    settle(peer, threads, in_pieces=not peer)
    draws = random.Random(1)
    model, score = models(length, None)[peer], rank if peer else our_scores
    return lambda: score(model, texts(size, length, draws))


def difference(length: int) -> float:
    """The largest difference of the two sides' scores of the same texts, as a share of the largest score.

    Raises
    ------
    SystemExit
        if it is so large that the two do not compute the same.
    """
    from benchmarks.peers.cobert_original import rank

    ours, peer = models(length, None)
    groups = texts(4, length, random.Random(2))
    own, theirs = our_scores(ours, groups), rank(peer, groups)
    share = float((own - theirs).abs().max() / theirs.abs().max())
    if not share < TOLERANCE:
        raise SystemExit(f"at {length} the scores of peer and project differ by {share:.2g} of the largest")
    return share


def compare(sides: dict[str, Side], pairs: list[tuple], length: int, rounds: int) -> list[dict[str, Any]]:
    """The rows of `pairs` (what, ours, peer, goal) of sides that take turns. One round is not worth a warm-up.

    Unless it is on a GPU, whose first work waits for libraries.
    """
    for side in sides.values():
        side.wait()
    times = in_turn({name: side.run for name, side in sides.items()}, rounds, warm_up=rounds > 1 or uses_gpu())
    peaks = {name: round(side.close(), 1) for name, side in sides.items()}
    processor = {name: side.processor[-rounds:] for name, side in sides.items()}
    rows = []
    for what, ours, peer, goal in pairs:
        ratio = median(theirs / own for theirs, own in zip(processor[peer], processor[ours], strict=True))
        more = {"context": length, "goal": goal, "attune_gib": peaks[ours], "peer_gib": peaks[peer]}
        rows.append(comparison(what, times, ours, peer, 1, "s", processor_ratio=rounded(ratio), **more))
    print(*rows, sep="\n", flush=True)
    return rows


def at_length(length: int, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """All comparisons at one context length."""
    goals, people, common = GOALS[length], chosen.people, (length, chosen.batch, chosen.threads)
    steps = {
        ORIGINAL: Side(training, True, None, *common),
        PLAIN: Side(training, True, 0.0, *common),
        "dropout": Side(training, False, None, *common),
        "none": Side(training, False, 0.0, *common),
    }
    pairs = [
        ("training step, dropout 0.1", "dropout", ORIGINAL, goals["dropout"]),
        ("training step, no dropout", "none", ORIGINAL, goals["none"]),
        ("training step, no dropout", "none", PLAIN, None),
    ]
    rankings = {ORIGINAL: Side(ranking, True, length, people, chosen.threads)}
    rankings["ranking"] = Side(ranking, False, length, people, chosen.threads)
    what = (f"{people} contexts x {people} candidates", "ranking", ORIGINAL, goals["ranking"])
    return compare(steps, pairs, length, chosen.rounds) + compare(rankings, [what], length, 1)


def main() -> None:
    chosen = options(__doc__, rounds=ROUNDS, batch=BATCH, people=PEOPLE, lengths=tuple(CONTEXT))
    pin(1, chosen.threads)
    differences = {str(length): difference(length) for length in chosen.lengths}
    rows = [row for length in chosen.lengths for row in at_length(length, chosen)]
    write("cobert", rows, chosen.threads, batch=chosen.batch, rounds=chosen.rounds, score_difference=differences)


if __name__ == "__main__":
    main()
