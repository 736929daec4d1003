"""`python -m benchmarks`: each of BENCHMARKS in a process of its own, then their figures and the tables of the pages.

Words of the command line are options for every benchmark, such as `--threads 1`.
"""

import argparse
import subprocess
import sys

# Three are run by hand: `attune` trains a model per part of a recipe, from folders that it is told; `corpora` fills the
# disk with made-up corpora of the sizes that it is told; `gpu` needs an NVIDIA GPU.
BENCHMARKS = ("cobert", "matching", "generators", "embedding", "search", "scale")


def main() -> None:
    _, options = argparse.ArgumentParser(description=__doc__).parse_known_args()
    for name in (*BENCHMARKS, "draw", "tables"):
        print(f"== {name}", flush=True)
        words = options if name in BENCHMARKS else []
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *words], check=True)


if __name__ == "__main__":
    main()
