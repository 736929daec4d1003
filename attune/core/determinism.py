"""Settings, seeds and thread counts that make two runs on one machine give the same bits."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from attune.core import garbage_collection

if TYPE_CHECKING:
    import numpy as np

_GPUS = "CUDA_VISIBLE_DEVICES"
# By variables that begin so, a shell tells the libraries below torch and numpy how many threads to start and which of
# the processor's instructions to use; NVIDIA_TF32_OVERRIDE and its like shorten a GPU's numbers or choose its library,
# and ACCELERATE_MIXED_PRECISION and its like train in other numbers, or elsewhere.
_OF_LIBRARIES = (
    *("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "GOTO_", "BLIS_", "VECLIB_", "ATEN_", "ONEDNN_", "DNNL_"),
    *("NPY_DISABLE_", "NPY_ENABLE_", "FAISS_", "NVIDIA_TF32_", "TORCH_ALLOW_TF32_", "TORCH_BLAS_", "TORCH_LINALG_"),
    "ACCELERATE_",
)
# These are left: they say how threads wait and where they run, or are overruled by `pin`.
_HARMLESS = {
    *("OMP_WAIT_POLICY", "OMP_PROC_BIND", "OMP_PLACES", "OMP_STACKSIZE", "OMP_DISPLAY_ENV", "OMP_NUM_THREADS"),
    *("GOMP_CPU_AFFINITY", "GOMP_SPINCOUNT", "KMP_AFFINITY", "KMP_BLOCKTIME", "KMP_STACKSIZE", "KMP_DUPLICATE_LIB_OK"),
    *("MKL_NUM_THREADS", "MKL_VERBOSE", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
    *("ONEDNN_VERBOSE", "DNNL_VERBOSE"),
}
# The workspaces with which cuBLAS gives the same sums each time; torch refuses to compute with any other.
_WORKSPACES = (":4096:8", ":16:8")
# Sums in longer vectors have other last digits, and so other weights follow: where a processor has AVX-512, libraries
# are kept to AVX2, as on processors without it. MKL is left: it does so on AMD's by itself, and on Intel's would take
# twice as long.
_AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "FAISS_SIMD_LEVEL": "AVX2",
}
# What a launcher sets for each of its processes; LOCAL_RANK alone has been left behind by something else.
_OF_LAUNCHERS = ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_assigned = False  # whether `prepare` chose the GPU


def prepare() -> None:
    """Set the environment variables that libraries read when they are imported; call it before importing torch.

    What the shell has set for the same libraries is dropped, such as OMP_DYNAMIC: other threads or instructions would
    give other sums, and so other weights. So is LOCAL_RANK, unless a launcher has set it.
    """
    for name in [name for name in os.environ if name.startswith(_OF_LIBRARIES) and name not in _HARMLESS]:
        del os.environ[name]
    if _has_avx512():
        os.environ.update(_AVX2)
    if not all(name in os.environ for name in _OF_LAUNCHERS):
        os.environ.pop("LOCAL_RANK", None)
    if os.environ.get("CUBLAS_WORKSPACE_CONFIG") not in _WORKSPACES:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = _WORKSPACES[0]
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ["MPLBACKEND"] = "agg"  # figures are drawn into files, on any machine
    if "LOCAL_RANK" not in os.environ and _GPUS not in os.environ:
        # One GPU unless a launcher assigns one to each process; of several that the shell names, the first is used.
        global _assigned
        os.environ[_GPUS], _assigned = "0", True


def _has_avx512() -> bool:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            return any(line.startswith("flags") and " avx512f " in line for line in islice(file, 40))
    except OSError:  # no Linux
        return False


@contextmanager
def unassigned_devices() -> Iterator[None]:
    """Processes that are started inside see all GPUs, unless whoever started this one chose some."""
    chosen = os.environ.pop(_GPUS) if _assigned else None
    try:
        yield
    finally:
        if chosen is not None:
            os.environ[_GPUS] = chosen


def pin(seed: int, threads: int) -> None:
    """Seed every random generator, and pin torch's algorithms and thread count (1 and 2 threads sum differently).

    A stage calls it between its imports and its work.
    """
    import numpy as np
    import torch
    from threadpoolctl import threadpool_limits

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    # Attention's tails are denormal numbers (below 1e-38), on which a processor is ten times slower; flush them to 0.
    # Threads inherit the setting when they start, so it comes before the first thread.
    torch.set_flush_denormal(True)
    torch.set_num_threads(threads)
    threadpool_limits(threads)  # the BLAS of numpy and scikit-learn, where they are already imported
    torch.use_deterministic_algorithms(True)
    # Every tensor is written before it is read, so filling new memory would only cost time (15 %).
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    # MKL detects the processor in its first call. If that call comes from two threads at once, one of them may choose
    # another code path, with other last digits (once in a thousand processes); so make the first call from one thread.
    torch.tanh(torch.zeros(1))
    garbage_collection.resume()


def seeded(*parts: str | int) -> random.Random:
    """A random generator per purpose, so that an extra draw in one place changes nothing elsewhere."""
    return random.Random("/".join(map(str, parts)))


def seeded_numpy(*parts: str | int) -> "np.random.Generator":
    """As `seeded`, for draws by the thousand."""
    import numpy as np  # not above: `prepare` must run before numpy is imported

    return np.random.default_rng(seeded(*parts).getrandbits(64))
