"""Everything that makes two runs on one machine give the same bits."""

import os
import random


def prepare() -> None:
    """Settings that a library reads when it is imported."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if "LOCAL_RANK" not in os.environ:
        # One GPU unless a launcher gives each process its own: of several, Trainer would divide the candidates.
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")


def pin(seed: int, threads: int) -> None:
    """Seed every generator, fix torch's thread count (1 and 2 threads give other sums) and its algorithms."""
    import numpy as np
    import torch
    from threadpoolctl import threadpool_limits

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    # Attention's tails are numbers below 1e-38, on which a processor is ten times slower; they become 0. Threads take
    # this over when they start, so it stands before the first that does.
    torch.set_flush_denormal(True)
    torch.set_num_threads(threads)
    threadpool_limits(threads)  # numpy's and scikit-learn's BLAS, where they are imported before
    torch.use_deterministic_algorithms(True)
    # Every tensor is written before it is read, so filling new memory first would only cost time (15 percent).
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    # MKL finds out which processor it runs on in its first call. Where that call comes from two threads at once, one of
    # them may take other code for it, with other last digits: once in a thousand processes, so here comes one from one.
    torch.tanh(torch.zeros(1))


def seeded(*parts: str | int) -> random.Random:
    """A generator of its own for each purpose, so that one draw more in one place moves nothing elsewhere."""
    return random.Random("/".join(map(str, parts)))
