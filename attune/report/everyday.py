"""Replies to everyday messages, on the studies' page: what was found, all scores, and some of the replies."""

import pandas as pd

from attune.evaluation.comparison import table
from attune.evaluation.generation.summary import TARGETS, system_of
from attune.evaluation.schemas import RAG, SHARES
from attune.report import html
from attune.report.differences import Difference, between, differences
from attune.report.findings import best
from attune.report.names import system_names
from attune.report.replies import everyday_blocks
from attune.report.results import Results
from attune.report.score_tables import score_table
from attune.report.scores import format_of

_ABOUT = (
    "This project wrote the messages, with a reply to each, for this measurement alone; they are in no corpus. "
    "“Nearest to its own message”: none of the messages is nearer to the reply, by sentence embeddings, than the one "
    "that it answers. A reply that would fit anybody fails; one that repeats the message does not. “Right feeling”: a "
    "probe, which has learned from other replies by hand, takes the reply for one to somebody who is glad, or "
    "troubled, as the writer is. Similarity is to the reply by hand."
)

_TOLD = {
    "own_message": "of whose replies are nearest to their own message",
    "right_feeling_glad": "of whose replies to somebody who is glad have that feeling",
    "right_feeling_troubled": "of whose replies to somebody who is troubled have that feeling",
}
_BOUNDS = ("value", "low", "high")


def tests(results: Results) -> pd.DataFrame:
    """Each system against the first generator that is not trained, and each with passages against itself without."""
    return table(results.metrics("everyday_tests"))


def finding(results: Results) -> str:
    """Which system does best by each of the shares, beside the replies by hand and what is not trained."""
    by_hand = results.everyday["system"] == TARGETS
    tested = differences(tests(results))
    parts = [_leading(results, share, told, by_hand, tested) for share, told in _TOLD.items()]
    return f"Everyday messages, highest shares of all generators: {'; '.join(parts)}.{_passages(results, tested)}"


def _passages(results: Results, tested: list[Difference]) -> str:
    """What passages change in the replies of each generator that was trained with them."""
    names, told = system_names(results.settings), ""
    for name in results.settings.generators:
        own = [between(tested, name, system_of(name, RAG), share) for share in SHARES]
        changes = [f"{each.score_title.lower()} {each.size}, {each.verdict}" for each in own if each]
        told += f" “{names[name]}” with passages in its prompt: {'; '.join(changes)}." if changes else ""
    return told


def _leading(results: Results, share: str, told: str, by_hand: pd.Series, tested: list[Difference]) -> str:
    names, form = system_names(results.settings), format_of(share)
    leading = best(results.everyday[~by_hand], share)
    hand = best(results.everyday[by_hand], share)
    value, low, high, reached = (form.text(each) for each in (*(leading[key] for key in _BOUNDS), hand["value"]))
    part = f"{names[leading['system']]}, {value} % ({low} to {high}) {told}"
    part += f" (replies by hand: {reached} %)"
    test = next((each for each in tested if (each.after, each.score) == (leading["system"], share)), None)
    return f"{part}, {test.size} against “{names[test.before]}”, {test.verdict}" if test else part


def section(results: Results) -> str:
    """HTML of the scores and of some messages with every system's reply."""
    names = system_names(results.settings) | {TARGETS: "Replies by hand"}
    scores = (*SHARES, "similarity", "replies_words", "replies_truncated")
    rows = score_table(results.everyday, scores, lambda name: names.get(name, name), {TARGETS})
    return (
        html.about(_ABOUT)
        + html.folded("Scores, with 95 % intervals", rows)
        + everyday_blocks(results.everyday_replies, names)
    )
