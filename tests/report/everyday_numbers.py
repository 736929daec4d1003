"""Two generators and the replies by hand to fourteen everyday messages, as the stage everyday writes them."""

from typing import Any


def _scores(own: float, glad: float, troubled: float) -> dict[str, float]:
    values = {"own_message": own, "right_feeling_glad": glad, "right_feeling_troubled": troubled}
    values |= {"similarity": 0.4, "replies_words": 9.0}
    return {
        name: number
        for score, value in values.items()
        for name, number in ((score, value), (f"{score}_low", value * 0.9), (f"{score}_high", value * 1.05))
    }


EVERYDAY = {"full": _scores(0.9, 0.9, 0.5), "prompted": _scores(0.4, 0.2, 0.8), "targets": _scores(0.95, 0.9, 0.85)}
EVERYDAY_TESTS = [
    {
        "before": before, "after": after, "score": score, "difference": difference, "low": difference - 0.2,
        "high": difference + 0.2, "p": p, "p_holm": p, "effect": 0.4, "family": "everyday messages",
    }
    for before, after, score, difference, p in (
        ("prompted", "full", "own_message", 0.5, 0.001),
        ("prompted", "full", "right_feeling_glad", 0.7, 0.001),
        ("prompted", "full", "right_feeling_troubled", -0.3, 0.001),
        ("rag", "rag+rag", "own_message", -0.3, 0.001),
        ("rag", "rag+rag", "right_feeling_glad", 0.1, 0.6),
        ("rag", "rag+rag", "right_feeling_troubled", 0.1, 0.6),
    )
]  # fmt: skip
REPLIES: list[dict[str, Any]] = [
    {
        "system": system, "id": f"{feeling} {number}", "prompt": f"Message {number} of the {feeling}.",
        "target": "By hand.", "reply": f"{system} to {feeling} {number}.", "truncated": False, "similarity": 0.4,
        "own_message": 1.0, "right_feeling": 1.0,
    }
    for system in ("full", "prompted", "targets")
    for feeling in ("glad", "troubled")
    for number in range(1, 8)
]  # fmt: skip
