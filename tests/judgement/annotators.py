"""Simulated annotators, who prefer systems by known Bradley-Terry strengths, and the replies that they judge."""

import math
import random
from pathlib import Path

from attune.core.files import read_csv, write_csv, write_parquet
from attune.evaluation.schemas import ANSWERED

# Log-strengths; their mean is 0.
STRENGTHS = {"good": 1.2, "fair": 0.2, "poor": -1.4}


def write_replies(path: Path, contexts: int = 40, people: int = 0) -> None:
    """Each system's own reply to each context; people: so many reply in turn, and are named."""
    rows = [
        {
            "system": system, "id": f"c{at}/1", "conversation": f"c{at}",
            "cluster": f"person {at % people}" if people else "", "prompt": f"Message {at}",
            "target": "True.", "reply": f"Reply {at} of {number}.", "truncated": False,
        }
        for number, system in enumerate([*STRENGTHS, "targets"])
        for at in range(contexts)
    ]  # fmt: skip
    write_parquet(path, rows, ANSWERED)


def answer(key: Path, path: Path, name: str, seed: int) -> None:
    """Answer every pair: a tie in one of ten, else as the strengths say."""
    draws = random.Random(seed)
    rows = []
    for row in read_csv(key):
        ahead = STRENGTHS[row["system_a"]] - STRENGTHS[row["system_b"]]
        verdict = "a" if draws.random() < 1 / (1 + math.exp(-ahead)) else "b"
        verdict = "tie" if draws.random() < 0.1 else verdict
        rows.append({"form": row["form"], "annotator": name, "pair": row["pair"], "verdict": verdict})
    write_csv(path, rows)
