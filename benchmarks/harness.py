"""What all benchmarks share: sides that take turns in one run, and their results as JSON with machine and versions."""

import argparse
import multiprocessing
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from attune.core.determinism import pin
from attune.core.files import write_json
from tools import described

RESULTS = Path(__file__).parent / "results"
CORES = os.cpu_count() or 1
PACKAGES = ("torch", "transformers", "sentence-transformers", "trl", "openvino", "faiss-cpu", "numpy", "pyarrow")
Seconds = dict[str, list[float]]


class Side:
    """One side of a comparison in a process of its own, which works only while it is asked to.

    `build(*arguments)`, called there, returns a function; each `run` calls it once. So sides can take turns, and the
    peak of each process is the memory of its side. `wait` until all sides are built before any of them runs.
    `processor` has the processor seconds of each call so far, which other work on the machine changes less.
    """

    def __init__(self, build: Callable[..., Callable[[], Any]], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.processor: list[float] = []
        self.process = context.Process(target=_serve, args=(other, build, arguments), daemon=True)
        self.process.start()
        other.close()

    def wait(self) -> None:
        """Until `build` has returned; once."""
        self.pipe.recv()

    def run(self) -> float:
        """The seconds that one call took."""
        self.pipe.send(True)
        taken, processor = self.pipe.recv()
        self.processor.append(processor)
        return taken

    def close(self) -> float:
        """End the process; its peak memory in GiB."""
        self.pipe.send(False)
        peak = self.pipe.recv()
        self.process.join()
        return peak


def _serve(pipe: Any, build: Callable[..., Callable[[], Any]], arguments: Sequence[Any]) -> None:
    work = build(*arguments)
    pipe.send(True)
    while pipe.recv():
        before = time.process_time()
        taken = seconds(work)
        pipe.send((taken, time.process_time() - before))
    pipe.send(peak_gib())


def seconds(work: Callable[[], Any]) -> float:
    """How long one call of `work` takes, with what it leaves to a GPU."""
    finish()
    start = time.perf_counter()
    work()
    finish()
    return time.perf_counter() - start


def finish() -> None:
    """Wait for the GPU, if this process uses one."""
    if uses_gpu():
        sys.modules["torch"].cuda.synchronize()


def uses_gpu() -> bool:
    """Whether this process has computed on a GPU."""
    torch = sys.modules.get("torch")
    return torch is not None and torch.cuda.is_initialized()


def peak_gib() -> float:
    """The most memory that this process has used: PyTorch's on the GPU where it uses one, else the machine's."""
    if uses_gpu():
        return sys.modules["torch"].cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def in_turn(sides: Mapping[str, Callable[[], float]], rounds: int, warm_up: bool = True) -> Seconds:
    """The seconds of `rounds` calls of each side, which take turns; a first round for warming up does not count."""
    times: Seconds = {name: [] for name in sides}
    for turn in range(rounds + warm_up):
        for name, side in sides.items():
            taken = side()
            if turn >= warm_up:
                times[name].append(taken)
    return times


def comparison(
    what: str, times: Seconds, ours: str, peer: str, amount: float, unit: str, **more: Any
) -> dict[str, Any]:
    """One comparison: the median of each side, and the ratio of the two in each round (median, lowest, highest).

    unit: "s" for seconds per call, or what `amount` of is done in one call, such as "sentences/s".
    """
    ratios = sorted(theirs / own for theirs, own in zip(times[peer], times[ours], strict=True))
    own, theirs = (
        median(times[name]) if unit == "s" else amount / median(times[name]) for name in (ours, peer)
    )  # fmt: skip
    return {
        "what": what, "peer": peer, "times_faster": rounded(median(ratios)), "lowest": rounded(ratios[0]),
        "highest": rounded(ratios[-1]), "attune": rounded(own), "peer_value": rounded(theirs), "unit": unit,
    } | more  # fmt: skip


def rounded(value: float) -> float:
    """`value` to three digits."""
    return float(f"{value:.3g}")


def write(name: str, rows: Sequence[Mapping[str, Any]], threads: int, **settings: Any) -> None:
    """Write results/NAME.json, or NAME_gpu.json if this process has used a GPU.

    It has the rows, the settings they were measured with, the machine and the versions.
    """
    RESULTS.mkdir(exist_ok=True)
    content = {"machine": machine(threads) | gpu(), "settings": settings, "versions": versions(), "rows": list(rows)}
    path = RESULTS / (f"{name}_gpu.json" if uses_gpu() else f"{name}.json")
    write_json(path, content)
    print(f"wrote {path}", flush=True)


def machine(threads: int) -> dict[str, Any]:
    """Processor, cores, memory, threads, and the speed of float32 matrix products (1024 x 384 by 384 x 1536)."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": _cpu(), "cores": CORES, "memory_gib": rounded(memory), "threads": threads,
        "load": rounded(os.getloadavg()[0]), "products_gflops": rounded(products(threads)),
    }  # fmt: skip


def gpu() -> dict[str, Any]:
    """The GPU, if this process has used one."""
    if not uses_gpu():
        return {}
    about = sys.modules["torch"].cuda.get_device_properties(0)
    return {"gpu": about.name, "gpu_gib": rounded(about.total_memory / 2**30)}


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Python, and what of PACKAGES is installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def products(threads: int) -> float:
    """GFLOP/s of float32 matrix products of the shape of MiniLM's largest."""
    import torch

    pin(1, threads)
    left, right = torch.randn(1024, 384), torch.randn(384, 1536)
    return 2 * 1024 * 384 * 1536 / median(seconds(lambda: left @ right) for _ in range(200)) / 1e9


def require(*paths: Path) -> None:
    """End with a message where one of the inputs is missing."""
    if missing := [str(path) for path in paths if not path.exists()]:
        sys.exit(f"error: {', '.join(missing)} is missing; `make repro` writes the data and models, or name others")


def options(doc: str | None, **defaults: Any) -> argparse.Namespace:
    """The command line: --threads, and an option for each default (a tuple takes several values)."""
    parser, shown = described(doc), "default: %(default)s"
    parser.add_argument("--threads", type=int, default=CORES, help=shown)
    for name, value in defaults.items():
        flag, several = f"--{name.replace('_', '-')}", isinstance(value, tuple)
        kind = type(value[0] if several else value)
        parser.add_argument(flag, type=kind, default=value, nargs="+" if several else None, help=shown)
    return parser.parse_args()
