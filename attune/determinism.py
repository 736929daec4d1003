"""Everything that makes two runs on one machine, and on most machines, give the same bits."""

import os
import random
from pathlib import Path

# The vector instructions that a library picks change the order of its sums. Pinned to AVX2, which every x86-64
# machine of the last ten years has, so that the same figures come out with and without AVX-512.
AVX2_PATHS = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_CBWR": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "FAISS_OPT_LEVEL": "avx2",
}


def pin_instructions() -> None:
    """Choose the vector instructions; must run before torch, numpy or faiss is imported."""
    cpu = Path("/proc/cpuinfo")
    if cpu.exists() and " avx2 " in cpu.read_text():
        for name, value in AVX2_PATHS.items():
            os.environ.setdefault(name, value)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def pin(seed: int, threads: int) -> None:
    """Seed every generator, fix torch's thread count (1 and 2 threads give other sums) and its algorithms."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    # Attention's tails are numbers below 1e-38, on which a processor is ten times slower; they become 0. Threads take
    # this over when they start, so it stands before the first that does.
    torch.set_flush_denormal(True)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    # Every tensor is written before it is read, so filling new memory first would only cost time (15 percent).
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def seeded(*parts: str | int) -> random.Random:
    """A generator of its own for each purpose, so that one draw more in one place moves nothing elsewhere."""
    return random.Random("/".join(map(str, parts)))
