"""What can be said of written replies by counting: how varied they are, and the faults that examples only show."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

# Scripts without spaces between words: each character counts as a word.
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}]+|[^\w\s]")
_SENTENCE = re.compile(r"[^.!?\n\u3002\uff01\uff1f]+")
# A line that begins another turn, as instruction data and forums mark it.
_NEXT_TURN = re.compile(r"(?im)^\s*(question|q|answer|a|user|human|speaker|listener|instruction|system|assistant)\s*:")
NGRAM = 3


def words(text: str) -> list[str]:
    """Lower-cased words and punctuation marks."""
    return _WORD.findall(text.lower())


def ngrams(tokens: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(tokens[at : at + n]) for at in range(len(tokens) - n + 1)]


def distinct(replies: Sequence[str], n: int) -> float:
    """Distinct n-grams a written n-gram, over all replies (after Li et al. 2016, who divide by words); 0 for none.

    "a b a b" has the bigrams ab, ba, ab: 2/3.
    """
    found = Counter(gram for reply in replies for gram in ngrams(words(reply), n))
    return len(found) / found.total() if found else 0.0


def repeated_ngrams(reply: str, n: int = NGRAM) -> float:
    """Share of the reply's n-grams that stood in it before (Welleck et al. 2020, section 6.1: seq-rep-n)."""
    found = ngrams(words(reply), n)
    return 1 - len(set(found)) / len(found) if found else 0.0


def repeats_a_sentence(reply: str) -> bool:
    """Whether a sentence of two words or more stands in it twice."""
    sentences = [tuple(words(part)) for part in _SENTENCE.findall(reply)]
    return any(count > 1 for sentence, count in Counter(sentences).items() if len(sentence) > 1)


def copied(reply: str, prompt: str, n: int = NGRAM) -> float:
    """Share of the reply's n-grams that stand in `prompt`, which is what was said last."""
    found, given = ngrams(words(reply), n), set(ngrams(words(prompt), n))
    return sum(gram in given for gram in found) / len(found) if found else 0.0


def begins_with(reply: str, prompt: str) -> bool:
    """Whether the reply is its prompt, or starts with it, in whatever case."""
    start = prompt.strip().lower()
    return bool(start) and reply.strip().lower().startswith(start)


def goes_on(reply: str) -> bool:
    """Whether a line of the reply begins another turn (`Question: ...`), which the model writes by itself."""
    return _NEXT_TURN.search(reply) is not None


def faults(reply: str, prompt: str, cut: bool) -> Iterator[tuple[str, float]]:
    """(score, value) of one reply; each reported score is the mean over replies."""
    yield "empty", float(not reply.strip())
    yield "cut", float(cut)
    yield "starts_with_input", float(begins_with(reply, prompt))
    yield "goes_on", float(goes_on(reply))
    yield "repeated_sentences", float(repeats_a_sentence(reply))
    yield f"repeated_{NGRAM}grams", repeated_ngrams(reply)
    yield f"copied_{NGRAM}grams", copied(reply, prompt)
    yield "words", float(len(words(reply)))
