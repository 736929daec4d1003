"""Replies to everyday messages, on the studies' page: what was found, all scores, and some of the replies."""

from collections import Counter

import pandas as pd

from attune.evaluation.comparison import table
from attune.evaluation.everyday import Everyday
from attune.evaluation.generation.summary import TARGETS, system_of
from attune.evaluation.schemas import RAG, SHARES
from attune.parameters.generators import first_untrained
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
    "own_message": "{} % nearest to their own message",
    "right_feeling_glad": "{} % right for the glad",
    "right_feeling_troubled": "{} % right for the troubled",
}


def tests(results: Results) -> pd.DataFrame:
    """Each system against the first generator that is not trained, and each with passages against itself without."""
    return table(results.metrics("everyday_tests"))


def finding(results: Results) -> str:
    """All shares of each generator that leads by one, so that what it does worse is told as well; and by hand."""
    scores, tested = results.everyday, differences(tests(results))
    generators = scores[scores["system"] != TARGETS]
    leading = dict.fromkeys(best(generators, share)["system"] for share in SHARES)
    names = system_names(results.settings) | {TARGETS: "By hand"}
    untrained = first_untrained(results.settings.generators)
    clear = [each for each in tested if each.before == untrained and each.found]
    told = [f"{names[each]}: {_shares(scores, each, clear)}" for each in (*leading, TARGETS)]
    beside = f"; in brackets, what differs clearly from “{names[untrained]}”" if untrained else ""
    return (
        f"Everyday messages ({messages()}): shares of replies, for each generator that is best in one of them{beside}. "
        f"{'. '.join(told)}.{_passages(results, tested)}"
    )


def messages() -> str:
    """How many messages of either feeling there are: "60 of the glad, 60 of the troubled"."""
    feelings = Counter(each.glad for each in Everyday.read().messages)
    return f"{feelings[True]} of the glad, {feelings[False]} of the troubled"


def _shares(scores: pd.DataFrame, system: str, clear: list[Difference]) -> str:
    """What a system reaches by each share, with its difference where that is clear."""
    values = scores[scores["system"] == system].set_index("score")["value"]
    parts = []
    for share, told in _TOLD.items():
        test = next((each for each in clear if (each.after, each.score) == (system, share)), None)
        part = told.format(format_of(share).text(float(values[share])))
        parts.append(f"{part} ({test.size}, {test.verdict})" if test else part)
    return ", ".join(parts)


def _passages(results: Results, tested: list[Difference]) -> str:
    """What passages change in the replies of each generator that was trained with them."""
    names, told = system_names(results.settings), ""
    for name in results.settings.generators:
        own = [between(tested, name, system_of(name, RAG), share) for share in SHARES]
        changes = [f"{each.score_title.lower()} {each.size}, {each.verdict}" for each in own if each]
        told += f" “{names[name]}” with passages in its prompt: {'; '.join(changes)}." if changes else ""
    return told


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
