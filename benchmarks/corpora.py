"""Time and memory of the data stages by the size of the corpus: `python -m benchmarks.corpora`.

Made-up corpora of the shapes of PEC and OpenOrca, at 1, 10 and 100 times a base size, go through download (from a
directory), subset (all of OpenOrca; of PEC three sets, each as large as nine tenths of one domain), preprocess and, up
to --indexed conversations, index; each stage in a process of its own, on as many threads as params.yaml says, whatever
--threads says. --pec and --openorca are the sizes at factor 1: with 3500 and 10000 the largest are those of the
published corpora. Writes results/corpora.json and results/corpora.png.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from ruamel.yaml import YAML

from attune import parameters
from attune.core.import_graph import ROOT
from attune.report.figures.style import CYCLE, groups, log_axis, save, subplots
from benchmarks import made_corpora
from benchmarks.harness import RESULTS, options, write

STAGES = ("download", "subset", "preprocess", "index")
SEED = 1


def measured(folder: Path, *words: str) -> dict[str, float]:
    """Seconds by the clock and on the processor, and the peak MiB, of `python -m words` in `folder`."""
    command = [sys.executable, str(ROOT / "benchmarks" / "usage.py"), sys.executable, "-m", *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True)
    figures: dict[str, float] = json.loads(run.stdout)
    return figures


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
    powers = 10 ** np.arange(8)
    ticks = powers[(powers >= table["rows"].min()) & (powers <= table["rows"].max())]
    for axes, (column, label) in zip(
        panels, {"processor_seconds": "seconds on the processor", "peak_mib": "peak MiB"}.items(), strict=True
    ):
        for style, (corpus, part) in zip(("o-", "s--"), groups(table, "corpus"), strict=False):
            for colour, stage in zip(CYCLE, STAGES, strict=False):
                of_stage = part[part["stage"] == stage]
                if len(of_stage):
                    axes.plot(of_stage["rows"], of_stage[column], style, color=colour, ms=4, label=f"{corpus} {stage}")
        axes.set_xscale("log")
        axes.set_xticks(ticks, [f"{count:,}" for count in ticks])
        axes.minorticks_off()
        axes.set_xlabel("conversations")
        axes.set_title(label)
    log_axis(panels[0])
    panels[1].set_ylim(0)
    panels[1].legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def main() -> None:
    sizes = {"pec": 1000, "openorca": 1000, "factors": (1, 10, 100), "indexed": 2000}
    chosen, threads = options(__doc__, **sizes), parameters.load(ROOT / "params.yaml").threads
    rows: list[dict[str, Any]] = []
    for factor in chosen.factors:
        rows += rows_of("pec", factor * chosen.pec, chosen.indexed)
        rows += rows_of("openorca", factor * chosen.openorca, 0)
        write("corpora", rows, threads, **{name: getattr(chosen, name) for name in sizes})  # results so far
        save(draw(rows), RESULTS, "corpora")


if __name__ == "__main__":
    main()
