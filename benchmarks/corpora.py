"""Time and memory of the data stages by the size of the corpus: `python -m benchmarks.corpora`.

Made-up corpora of the shapes of PEC and OpenOrca, at 1, 10 and 100 times a base size, go through download (from a
directory), subset (which keeps all of OpenOrca and nine tenths of each split of PEC), preprocess and, up to --indexed
conversations, index; each stage in a process of its own. With --pec 3500 --openorca 10000 the largest sizes are those
of the published corpora. Writes results/corpora.json and results/corpora.png.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from ruamel.yaml import YAML

from attune.core.files import write_json
from attune.core.import_graph import ROOT
from attune.report.figures.style import CYCLE, groups, save, subplots
from benchmarks import made_corpora

RESULTS = Path(__file__).parent / "results"
STAGES = ("download", "subset", "preprocess", "index")
PACKAGES = ("numpy", "pyarrow", "faiss-cpu", "sentence-transformers", "torch")
SEED = 1


def measured(folder: Path, *words: str) -> dict[str, float]:
    """Seconds by the clock and on the processor, and the peak MiB, of `python -m words` in `folder`."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    start = perf_counter()
    process = subprocess.Popen([sys.executable, "-m", *words], cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"python -m {' '.join(words)} failed")
    return {
        "seconds": round(seconds, 1),
        "processor_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mib": round(usage.ru_maxrss / 2**10),
    }


def project(folder: Path, pec: int) -> None:
    """params.yaml in `folder`: everything that is in `folder`/source, nothing left out but by `subsets`."""
    yaml = YAML()
    values = yaml.load(ROOT / "params.yaml")
    values["source"] = str(folder / "source")
    values["engine"] = "local"
    for entry in values["corpora"].values():
        if "cap" in entry:
            entry["cap"] = None
    large = {split: int(0.9 * pec * share / 2) for split, share in made_corpora.SPLITS.items()}
    values["subsets"] = {"large": large, "small": dict.fromkeys(large, 1)}
    yaml.dump(values, folder / "params.yaml")


def rows_of(corpus: str, size: int, indexed: int) -> list[dict[str, Any]]:
    """What each stage took for a corpus of `size` conversations."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        getattr(made_corpora, corpus)(folder / "source" / corpus, size, SEED)
        project(folder, size)
        words = {
            "download": ["target=raw"],
            "subset": ["raw=raw", "target=subset"],
            "preprocess": ["subset=subset", "target=processed"],
        }
        if corpus == "pec" and size <= indexed:
            measured(folder, "stages.base_models", "name=embedder", "target=embedder")
            words["index"] = ["processed=processed", "embedder=embedder", "target=index"]
        for stage, each in words.items():
            row = {"corpus": corpus, "rows": size, "stage": stage}
            rows.append(row | measured(folder, f"stages.{stage}", f"corpus={corpus}", *each))
            print(rows[-1], flush=True)
    return rows


def draw(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Processor seconds and peak memory by rows, one line per corpus and stage."""
    figure, panels = subplots(10, 3.6, 2)
    table = pd.DataFrame(rows)
    for axes, (column, label) in zip(
        panels, {"processor_seconds": "seconds on the processor", "peak_mib": "peak MiB"}.items(), strict=True
    ):
        for style, (corpus, part) in zip(("o-", "s--"), groups(table, "corpus"), strict=False):
            for colour, stage in zip(CYCLE, STAGES, strict=False):
                of_stage = part[part["stage"] == stage]
                if len(of_stage):
                    axes.plot(of_stage["rows"], of_stage[column], style, color=colour, ms=4, label=f"{corpus} {stage}")
        axes.set_xscale("log")
        axes.set_xlabel("conversations")
        axes.set_title(label)
    panels[0].set_yscale("log")
    panels[1].set_ylim(0)
    panels[1].legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pec", type=int, default=1000, help="conversations of PEC's shape at factor 1")
    parser.add_argument("--openorca", type=int, default=1000, help="rows of OpenOrca's shape at factor 1")
    parser.add_argument("--factors", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--indexed", type=int, default=2000, help="conversations up to which PEC is indexed")
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for factor in options.factors:
        rows += rows_of("pec", factor * options.pec, options.indexed)
        rows += rows_of("openorca", factor * options.openorca, 0)
        write(rows, vars(options))


def write(rows: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> None:
    """Results so far, with machine and versions, and their figure."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    write_json(
        RESULTS / "corpora.json",
        {
            "machine": machine | {"memory_gib": round(memory), "load": round(os.getloadavg()[0], 1)},
            "settings": settings,
            "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
            "rows": rows,
        },
    )
    save(draw(rows), RESULTS, "corpora")


if __name__ == "__main__":
    main()
