"""The scores as readers see them: each with its name, its sense, and how its values are written."""

import math
from dataclasses import dataclass
from typing import Literal

MINUS = "−"
Sense = Literal["higher", "lower"] | None
_ARROWS = {"higher": " ↑", "lower": " ↓", None: ""}


@dataclass(frozen=True)
class ScoreFormat:
    """sense: which values are better, None where neither is. percent: values are shares."""

    title: str
    sense: Sense = None
    digits: int = 3
    percent: bool = False

    @property
    def header(self) -> str:
        """The title with an arrow that points to the better values."""
        return self.title + _ARROWS[self.sense] + (" (%)" if self.percent else "")

    def text(self, value: float) -> str:
        digits = max(self.digits - 2, 0) if self.percent else self.digits
        return f"{100 * value if self.percent else value:.{digits}f}"


def _share(title: str, sense: Sense = None) -> ScoreFormat:
    return ScoreFormat(title, sense, digits=2, percent=True)


_FORMATS = {
    "mrr": ScoreFormat("MRR", "higher"),
    "loss": ScoreFormat("Loss (nats)", "lower", 2),
    "perplexity": ScoreFormat("Perplexity", "lower", 1),
    "base_perplexity": ScoreFormat("Its base's perplexity", None, 1),
    "similarity": ScoreFormat("Similarity to the true reply", "higher"),
    "bleu": ScoreFormat("BLEU", "higher", 1),
    "chrf": ScoreFormat("chrF", "higher", 1),
    "self_bleu": ScoreFormat("Self-BLEU", "lower", 1),
    "distinct_1": ScoreFormat("Distinct words", "higher", 2),
    "distinct_2": ScoreFormat("Distinct bigrams", "higher", 2),
    "emotion_match": _share("Emotion match"),
    "own_message": _share("Nearest to its own message", "higher"),
    "right_feeling_glad": _share("Right feeling for the glad", "higher"),
    "right_feeling_troubled": _share("Right feeling for the troubled", "higher"),
    "passages": ScoreFormat("Passages per prompt", None, 1),
    "target_given": _share("True reply in a passage"),
    "passage_similarity": ScoreFormat("Passages' similarity to the true reply"),
    "passage_like_target": _share("Passage like the true reply"),
    "replies_words": ScoreFormat("Words per reply", None, 0),
    "replies_repeated_3grams": _share("Repeated trigrams", "lower"),
    "replies_repeated_sentences": _share("Repeated sentences", "lower"),
    "replies_copied_3grams": _share("Trigrams copied from the message", "lower"),
    "replies_truncated": _share("Truncated", "lower"),
    "replies_empty": _share("Empty", "lower"),
    "replies_extra_turn": _share("With an extra turn", "lower"),
    "replies_starts_with_input": _share("Begin with the message", "lower"),
    "replies": ScoreFormat("Replies", None, 0),
    "recall": _share("Recall of the shortlist", "higher"),
    "mrr_index": ScoreFormat("MRR of the index", "higher"),
    "gflops": ScoreFormat("Cost (GFLOP per context)", "lower", 1),
    "mrr_reranked": ScoreFormat("MRR after CoBERT", "higher"),
}


def format_of(score: str) -> ScoreFormat:
    """The format of a score; one that is not listed has its own name, no sense and three decimals."""
    if score.startswith("r@"):
        return _share(f"R@{score[2:]}", "higher")
    return _FORMATS.get(score, ScoreFormat(score.replace("_", " ").capitalize()))


def change(score: str, value: float) -> str:
    """A difference with its sign; a loss's as the change of the perplexity in percent."""
    if score.startswith("loss"):
        return f"{signed(100 * math.expm1(value), 1)} %"
    if format_of(score).percent:
        return f"{signed(100 * value, 0)} points"
    return signed(value, 3)


def signed(value: float, digits: int) -> str:
    """+0.055, −0.055, and 0.000 without a sign."""
    text = f"{abs(value):.{digits}f}"
    if not float(text):
        return text
    return f"{'+' if value > 0 else MINUS}{text}"
