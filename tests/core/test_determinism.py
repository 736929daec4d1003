import json
import os
import subprocess
import sys

import pytest
from transformers import TrainingArguments

from attune.core.determinism import prepare
from tests.forked import python
from tests.project import ROOT

# What torchrun sets for a process.
LAUNCHED = dict.fromkeys(("LOCAL_RANK", "RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"), "1")
# Processes whose first call of a vector function comes from two threads; `pin` is what they do before. Forked, for a
# process that imports torch by itself takes a hundred times as long.
FORKS = """
import os, sys
import torch
from attune.core.determinism import pin

torch.use_deterministic_algorithms(True)  # what it imports, each fork would import anew
torch.set_num_threads(1)
values = torch.linspace(-4, 4, 400_000)
found = set()
for _ in range(int(sys.argv[1])):
    there, here = os.pipe()
    if os.fork() == 0:
        pin(seed=1, threads=2)
        os.write(here, str(hash(values.tanh().numpy().tobytes())).encode())
        os._exit(0)
    os.close(here)
    found.add(os.read(there, 100))
    os.close(there)
    if os.wait()[1]:
        sys.exit("a child failed")
sys.exit(f"{len(found)} results" if len(found) > 1 else 0)
"""
# What `pin` has set, and twice the same draws; numpy's matrix product loads its BLAS.
PINNED = """
import json, random, re
import numpy as np
import torch
from threadpoolctl import threadpool_info
from attune.core.determinism import pin

def draws():
    return [random.random(), np.random.random(), torch.rand(1).item()]

np.ones((2, 2)) @ np.ones((2, 2))
found = {}
for name, seed in (("first", 1), ("again", 1), ("other", 2)):
    pin(seed, 3)
    found[name] = draws()
tiny = torch.tensor([1e-20])
print(json.dumps(found | {
    "deterministic": torch.are_deterministic_algorithms_enabled(),
    "fills": torch.utils.deterministic.fill_uninitialized_memory,
    "threads": [*{each["num_threads"] for each in threadpool_info()}],
    "torch": [*set(re.findall(r"get_(?:num|max)_threads.. : ([0-9]+)", torch.__config__.parallel_info()))],
    "denormal": float((tiny * tiny).double()),
}))
"""


@pytest.mark.parametrize(
    ("given", "seen"),
    [({}, "0"), ({"CUDA_VISIBLE_DEVICES": "2"}, "2"), (LAUNCHED, None), ({"LOCAL_RANK": "1"}, "0")],
    ids=["one", "the named", "a launcher's", "left behind"],
)
def test_one_gpu_is_seen_unless_a_launcher_divides_them(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], seen: str | None
) -> None:
    for name in ("CUDA_VISIBLE_DEVICES", *LAUNCHED):
        monkeypatch.setenv(name, "")  # so that it is put back, whatever `prepare` does
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    prepare()
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == seen
    assert ("LOCAL_RANK" in os.environ) == (given == LAUNCHED)


@pytest.mark.fault("thread settings of the shell", "the project's own count")
def test_a_shell_cannot_choose_other_threads_or_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    dropped = ("OMP_DYNAMIC", "OMP_THREAD_LIMIT", "MKL_CBWR", "ATEN_CPU_CAPABILITY", "FAISS_OPT_LEVEL")
    for name in (*dropped, "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "PASSIVE")
    prepare()
    assert {name for name in os.environ if os.environ[name] == "PASSIVE"} == {"OMP_WAIT_POLICY"}


def test_a_processor_with_avx_512_computes_as_one_without() -> None:
    """By what the libraries themselves say; MKL's sums are the same on AMD's processors."""
    code = (
        "from attune.core.determinism import prepare; prepare()\n"
        "import faiss, numpy._core._multiarray_umath as loops, torch\n"
        "print(torch.backends.cpu.get_cpu_capability(), loops.__cpu_features__['X86_V4'])\n"
        "print(faiss.SIMDConfig.get_level_name())"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "ATEN_CPU_CAPABILITY": "avx512", "FAISS_SIMD_LEVEL": "AVX512"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "AVX512" not in done.stdout
    assert "True" not in done.stdout


@pytest.mark.fault("settings of the shell for accelerate and cuBLAS", "the project's own numbers")
def test_a_shell_cannot_choose_other_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ACCELERATE_MIXED_PRECISION": "bf16", "CUBLAS_WORKSPACE_CONFIG": ":0:0"}.items():
        monkeypatch.setenv(name, value)
    prepare()
    assert TrainingArguments(bf16=False, fp16=False, report_to=[]).mixed_precision == "no"
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    prepare()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


@pytest.mark.fault("MPLBACKEND of a library that is not there", "figures are drawn into files all the same")
def test_a_shell_s_backend_of_matplotlib_does_not_keep_figures_from_being_drawn() -> None:
    code = "from attune.core.determinism import prepare; prepare(); import matplotlib; print(matplotlib.get_backend())"
    environment = os.environ | {"MPLBACKEND": "Qt4Agg", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "agg\n"), done.stderr


def test_a_stage_s_draws_threads_and_algorithms_are_pinned() -> None:
    done = python("models", "-c", PINNED, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    first, again, other = (found.pop(name) for name in ("first", "again", "other"))
    assert first == again
    assert not {*first} & {*other}
    assert found == {"deterministic": True, "fills": False, "threads": [3], "torch": ["3"], "denormal": 0.0}


@pytest.mark.slow
@pytest.mark.timeout(1000)
def test_the_first_batch_of_a_process_has_the_same_bits_each_time() -> None:
    """Without `pin`'s own first call one process of a thousand differs, in half of the numbers' last digits."""
    subprocess.run([sys.executable, "-c", FORKS, "3000"], check=True)


@pytest.mark.parametrize("package", ["stages", "studies"])
def test_libraries_are_set_up_before_a_stage_imports_any_of_them(package: str) -> None:
    code = f"import sys, {package}; print('attune.core.determinism' in sys.modules, 'numpy' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout == "True False\n", done.stderr
