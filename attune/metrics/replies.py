"""Scores of written replies that need no model: their diversity, and the faults that are otherwise seen in examples."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from attune.core.text import FULL_WIDTH_MARKS, SENTENCE_MARKS
from attune.metrics.words import SPACED, WORD

_WORD = re.compile(rf"{WORD}|[^\w\s]")
_SENTENCE = re.compile(rf"[^{SENTENCE_MARKS}{FULL_WIDTH_MARKS}\n]+")
# A line that begins another turn, as instruction data and forums mark it.
_NEXT_TURN = re.compile(r"(?im)^\s*(question|q|answer|a|user|human|speaker|listener|instruction|system|assistant)\s*:")
NGRAM = 3


def reply_scores(reply: str, prompt: str, truncated: bool) -> Iterator[tuple[str, float]]:
    """(score, value) of one reply to the message `prompt`; reported as `replies_<score>`, the mean over replies."""
    yield "empty", float(not reply.strip())
    yield "truncated", float(truncated)
    yield "starts_with_input", float(begins_with(reply, prompt))
    yield "extra_turn", float(extra_turn(reply))
    yield "repeated_sentences", float(repeats_a_sentence(reply))
    yield f"repeated_{NGRAM}grams", repeated_ngrams(reply)
    yield f"copied_{NGRAM}grams", copied(reply, prompt)
    yield "words", float(len(SPACED.findall(reply)))


def words(text: str) -> list[str]:
    """Lower-cased words and punctuation marks."""
    return _WORD.findall(text.lower())


def ngrams(tokens: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """All n-grams in order, repeated ones included."""
    return [tuple(tokens[at : at + n]) for at in range(len(tokens) - n + 1)]


def distinct(replies: Sequence[str], n: int) -> float:
    """Distinct n-grams per n-gram, over all replies (after Li et al. 2016, who divide by words); 0 if there are none.

    "a b a b" has the bigrams ab, ba, ab: 2/3.
    """
    counts = Counter(gram for reply in replies for gram in ngrams(words(reply), n))
    return len(counts) / counts.total() if counts else 0.0


def repeated_ngrams(reply: str) -> float:
    """Share of the reply's n-grams that occur earlier in it (seq-rep-n; Welleck et al. 2020, section 6.1)."""
    grams = ngrams(words(reply), NGRAM)
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def repeats_a_sentence(reply: str) -> bool:
    """Whether a sentence of at least two words occurs twice."""
    sentences = [tuple(words(part)) for part in _SENTENCE.findall(reply)]
    return any(count > 1 for sentence, count in Counter(sentences).items() if len(sentence) > 1)


def copied(reply: str, prompt: str) -> float:
    """Share of the reply's n-grams that also occur in `prompt`, the message that it answers."""
    grams, prompt_grams = ngrams(words(reply), NGRAM), set(ngrams(words(prompt), NGRAM))
    return sum(gram in prompt_grams for gram in grams) / len(grams) if grams else 0.0


def begins_with(reply: str, prompt: str) -> bool:
    """Whether the reply starts with the words and marks of the whole message that it answers, ignoring case."""
    start = words(prompt)
    return bool(start) and words(reply)[: len(start)] == start


def extra_turn(reply: str) -> bool:
    """Whether a line of the reply begins another turn (`Question: ...`)."""
    return _NEXT_TURN.search(reply) is not None
