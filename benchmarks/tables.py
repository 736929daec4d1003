"""The tables of docs/benchmarks.md and docs/scale.md from results/*.json: `python -m benchmarks.tables` writes them."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from attune.core.files import atomic_file, read_json
from benchmarks.harness import RESULTS
from tools import described

DOCS = Path(__file__).parents[1] / "docs"
COMPARED = Path(__file__).parents[1] / "metrics" / "compare.json"
Row = dict[str, Any]


def table(rows: Sequence[Row], columns: Mapping[str, str | Callable[[Row], Any]]) -> str:
    """A Markdown table. columns: by header, a row's key or what makes its cell."""
    cells = [[shown(row[of] if isinstance(of, str) else of(row)) for of in columns.values()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [[*columns], ["---"] * len(columns), *cells])


def shown(value: Any) -> str:
    """A number without an exponent; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def goal(row: Row) -> str:
    """What a comparison was meant to reach, and whether it does."""
    if row["goal"] is None:
        return ""
    return f"{row['goal']:g}: {'reached' if row['times_faster'] >= row['goal'] else 'missed'}"


def spread(row: Row) -> str:
    """The ratio's lowest and highest round."""
    return f"{shown(row['lowest'])} to {shown(row['highest'])}"


RATIO: dict[str, str | Callable[[Row], Any]] = {
    "times as fast": "times_faster",
    "in single rounds": spread,
    "goal": goal,
}


def cobert(result: Row) -> str:
    columns = {"context": "context", "what": "what", "beside": "peer"} | RATIO
    columns |= {"by processor seconds": "processor_ratio"}
    columns |= {"seconds": "attune", "the other's": "peer_value", "peak GiB": "attune_gib", "its peak GiB": "peer_gib"}
    return table(result["rows"], columns)


def generators(result: Row) -> str:
    columns = {"what": "what", "model": "model", "beside": "peer"} | RATIO
    return table(result["rows"], columns | {"Attune": "attune", "the other": "peer_value", "unit": "unit"})


def embedding(result: Row) -> str:
    columns = {"backend": "what", "texts": "texts"} | RATIO
    columns |= {"sentences/s": "attune", "`encode`'s": "peer_value", "lowest cosine with `encode`'s": "lowest_cosine"}
    return table(result["rows"], columns)


def search(result: Row) -> str:
    columns = {"vectors": "vectors", "index": "index", "recall@10": "recall", "queries/s": "queries_per_s"}
    return table(result["rows"], columns | {"built in s": "build_s", "MiB": "mib"})


def with_scores(result: Row, scores: Row) -> list[Row]:
    """The rows of benchmarks.matching with the MRR and GFLOP of metrics/compare.json; None where it has none yet."""
    of_domain = scores.get(result["settings"]["domain"], {})
    return [row | {key: of_domain.get(row["what"], {}).get(key) for key in ("mrr", "gflops")} for row in result["rows"]]


def matching(result: Row) -> str:
    columns: dict[str, str | Callable[[Row], Any]] = {
        "way to match": lambda row: f"`{row['what']}`",
        "MRR": lambda row: None if row["mrr"] is None else f"{row['mrr']:.3f}",
        "seconds": "seconds",
        "in single rounds": spread,
        "GFLOP": lambda row: None if row["gflops"] is None else f"{row['gflops']:.1f}",
    }
    return table(with_scores(result, read_json(COMPARED)), columns)


def of_kind(result: Row, kind: str) -> list[Row]:
    """The rows of benchmarks.scale that were measured, or else extrapolated from them."""
    return [row for row in result["rows"] if row["kind"] == kind]


def measured(result: Row) -> str:
    columns: dict[str, str | Callable[[Row], Any]] = {
        "model": "model",
        "layers": "layers",
        "MFLOP per token, counted": lambda row: row["flop_per_token"] / 1e6,
        "by the formula": lambda row: row["expected_flop_per_token"] / 1e6,
        "tokens/s": "tokens_per_s",
        "GFLOP/s": "gflops",
    }
    return table(of_kind(result, "measured"), columns)


def extrapolated(result: Row) -> str:
    columns: dict[str, str | Callable[[Row], Any]] = {
        "training": "what",
        "model": "model",
        "examples": "examples",
        "tokens each": "tokens",
        "epochs": "epochs",
        "PFLOP": lambda row: row["flop"] / 1e15,
        "hours on this machine": "hours_here",
        "GiB of disk": "disk_gib",
    }
    return table(of_kind(result, "extrapolated"), columns)


def gpu(result: Row) -> str:
    columns: dict[str, str | Callable[[Row], Any]] = {
        "training": "what",
        "model": "model",
        "batch": "batch",
        "tokens each": "tokens",
        "seconds of a step": "seconds",
        "tokens/s": "tokens_per_s",
        "TFLOP/s": "tflops",
        "GiB": "gib",
        "hours": "hours",
        "on 8 GPUs": "hours_8_gpus",
    }
    return table(result["rows"], columns)


def machine(result: Row) -> str:
    """Where a result is from."""
    of, versions = result["machine"], result["versions"]
    accelerator = f"{of['gpu']}, {shown(of['gpu_gib'])} GiB; " if "gpu" in of else ""
    return (
        f"{accelerator}{of['cpu']}, {of['cores']} cores, {shown(of['memory_gib'])} GiB, {of['threads']} threads, "
        f"load {of['load']}; float32 matrix products {shown(of['products_gflops'])} GFLOP/s; Python "
        f"{versions['python']}, torch {versions['torch']}."
    )


# Page: block: the file that it comes from, and what writes it.
BLOCKS: dict[str, dict[str, tuple[str, Callable[[Row], str]]]] = {
    "benchmarks.md": {
        **{f"{name} machine": (name, machine) for name in ("cobert", "matching", "generators", "embedding", "search")},
        "cobert": ("cobert", cobert),
        "matching": ("matching", matching),
        "generators": ("generators", generators),
        "embedding": ("embedding", embedding),
        "search": ("search", search),
        "gpu machine": ("cobert_gpu", machine),
        "gpu cobert": ("cobert_gpu", cobert),
        "gpu embedding": ("embedding_gpu", embedding),
    },
    "scale.md": {
        "machine": ("scale", machine),
        "measured": ("scale", measured),
        "extrapolated": ("scale", extrapolated),
        "gpu machine": ("steps_gpu", machine),
        "gpu": ("steps_gpu", gpu),
    },
}


def filled(page: str, text: str) -> str:
    """`text` of docs/`page` with what the results say in each block."""
    for name, (file, write) in BLOCKS[page].items():
        block = write(read_json(RESULTS / f"{file}.json"))
        pattern = rf"(<!-- table: {name} -->\n).*?(\n<!-- end -->)"
        text, count = re.subn(pattern, partial(_put, block), text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"docs/{page} has {count} blocks `table: {name}`, not one")
    return text


def _put(block: str, match: re.Match[str]) -> str:
    """What takes the place of `match`, whose groups stand before and after the block."""
    return match[1] + block + match[2]


def main() -> None:
    described(__doc__).parse_args()
    for page in BLOCKS:
        text = filled(page, (DOCS / page).read_text(encoding="utf-8"))
        with atomic_file(DOCS / page) as path:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
