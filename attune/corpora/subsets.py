"""Which conversations an experiment uses: seeded draws in which a smaller draw always lies inside a larger one.

A corpus is read twice, since it may be larger than memory: first for a few numbers per conversation, from which the
subset is drawn, then for the drawn conversations themselves.
"""

import hashlib
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from attune.core.errors import AttuneError
from attune.core.text import words_of
from attune.corpora.base import Corpus, Sampling, Subset
from attune.corpora.copies import shared, together
from attune.corpora.reading import BadRows
from attune.corpora.spool import Spool

if TYPE_CHECKING:
    import numpy as np

SPLITS = ("train", "valid", "test")
# Conversations that a generator needs: one to learn from, and one that is held out to measure its loss.
TRAINED = 2
# DVC sees the name of a source, not what lies behind it, and would draw from the same old copy again.
FETCH_AGAIN = "if you change the source's files for that, run `dvc repro --force download` first"


def digest(*parts: str) -> str:
    """An id of 16 hex digits made from a text's content: the same conversation has the same id in every file."""
    return _sha256("\x1f".join(parts)).hex()[:16]


def key(text: str) -> int:
    """64 bits that stand for a text."""
    return int.from_bytes(_sha256(text)[:8], "big")


def _sha256(text: str) -> bytes:
    """Of the text's composed form (NFC): an accent is written as part of its letter or after it, and reads the same."""
    return hashlib.sha256(unicodedata.normalize("NFC", text).encode()).digest()


def rank(seed: int, name: str) -> int:
    """Where a conversation stands in the draws of a seed, lowest first: 64 bits that also stand for its name."""
    return key(f"{seed}/{name}")


def draw(ranks: "np.ndarray", size: int | None) -> "np.ndarray":
    """The positions of the `size` lowest distinct ranks, of all for None, lowest first; of equal ranks the first.

    A smaller draw is the beginning of a larger one, and neither depends on the order in which conversations are read.
    """
    import numpy as np

    return np.unique(ranks, return_index=True)[1][:size]


def tested(conversations: int, test_share: float) -> int:
    """How many of a draw are for testing; one at least."""
    return max(round(conversations * test_share), 1)


def split_by_opening(openings: "np.ndarray", test_share: float, whose: str) -> dict[str, "np.ndarray"]:
    """Split a draw into train and test, conversations with the same opening always together; positions in the draw.

    openings: the `key` of each conversation's opening, in the draw's order. People answer the same question in
    similar words: with its other answers in train, a test answer could be recalled rather than written. The test part
    takes openings from the beginning of the draw, those of more conversations than its share only after all others, and
    exceeds its share by at most the size of its last one. Each part has an opening at least. whose: an error's first
    words, as "corpora.openorca has".

    Raises
    ------
    AttuneError
        for fewer than two openings.
    """
    import numpy as np

    _, first, group, sizes = np.unique(openings, return_index=True, return_inverse=True, return_counts=True)
    if len(first) < 2:
        raise AttuneError(
            f"{whose} {len(openings)} conversation(s) with {len(first)} different opening(s); at least 2 openings are "
            "needed, to train on one and to test on another"
        )
    share = tested(len(openings), test_share)
    # Groups as they appear in the draw, those above the share behind the others, the smallest of them first.
    order = np.lexsort((first, np.maximum(sizes, share)))
    together = np.argsort(np.argsort(order)[group], kind="stable")
    ends = np.cumsum(sizes[order])
    end = ends[np.searchsorted(ends, min(share, ends[-2]))]
    return {"train": together[end:], "test": together[:end]}


def check_candidates(corpus: str, domain: str, replies: Iterable[str], wanted: int, step: str) -> None:
    """Check that the test split of a domain has as many replies as each right one is ranked among.

    Those with the words of the right one are not ranked beside it. step: what to do other than to ask for fewer.

    Raises
    ------
    AttuneError
        for fewer than `wanted`, which is cobert.candidates, beside any of the replies.
    """
    different = set(replies)
    if (most := most_candidates(different)) < wanted:
        alike = len(different) - most + 1
        same = f", {alike} of which have the same words," if alike > 1 else ","
        number = f"{len(different)} different repl{'y' if len(different) == 1 else 'ies'}"
        lower = f"set it to at most {most}, or " if most > 1 else ""
        raise AttuneError(
            f"corpora.{corpus}: the test split of {domain} has {number}{same} and "
            f"cobert.candidates is {wanted}; {lower}{step}"
        )


def most_candidates(replies: Iterable[str]) -> int:
    """Among how many of the replies each of them can be ranked, itself included."""
    words = Counter(map(words_of, set(replies)))
    return words.total() - max(words.values(), default=1) + 1


def check_disjoint(splits: Mapping[str, Iterable[str]]) -> None:
    """Check that no conversation id is in two splits.

    Raises
    ------
    AttuneError
        naming such ids, since every score computed on these splits would be worthless.
    """
    first: dict[str, str] = {}
    shared = []
    for split, ids in splits.items():
        for identity in set(ids):
            if first.setdefault(identity, split) != split:
                shared.append(f"{identity} ({first[identity]} and {split})")
    if shared:
        shared.sort()
        more = f" and {len(shared) - 10} more" if len(shared) > 10 else ""
        raise AttuneError(f"conversations in two splits: {', '.join(shared[:10])}{more}")


def opening_key(opening: str) -> int:
    """A number for an opening, whatever its case, its spaces and its punctuation (`words_of`)."""
    return key(words_of(opening))


def drawn_splits(
    corpus: Corpus, conversations: Iterable[tuple[str, tuple[str, str, str]]], sampling: Sampling, bad: BadRows
) -> tuple[dict[str, "np.ndarray"], int]:
    """At most `sampling.cap` conversations, split by opening: their numbers from 0, and how many are repeated.

    conversations: of each its name and what is `shared`; four numbers of 8 bytes are held. bad: those left out.

    Raises
    ------
    AttuneError
        for too few openings, or too few conversations to train on, with the corpus' key in params.yaml.
    """
    import numpy as np

    ranks, openings, texts, groups = (array("Q") for _ in range(4))
    for name, (opening, text, group) in conversations:
        ranks.append(rank(sampling.seed, name))
        openings.append(opening_key(opening))
        texts.append(opening_key(text))
        groups.append(key(group) if group else 0)
    distinct = draw(np.asarray(ranks), None)
    drawn = distinct[: sampling.cap]
    left_out = [f"{bad.count} malformed row(s)"] if bad.count else []
    left_out += [f"{bad.without_a_reply} dialogue(s) that nobody answers"] if bad.without_a_reply else []
    without = f" without its {' and '.join(left_out)}" if left_out else ""
    has = f".cap = {sampling.cap} leaves" if len(drawn) < len(distinct) else f"{without} has"
    whose = f"corpora.{corpus.name}{has}"
    openings_of = together(np.asarray(openings), np.asarray(texts), np.asarray(groups), drawn)
    splits = split_by_opening(openings_of, sampling.test_share, whose)
    if len(splits["train"]) < TRAINED:
        raise AttuneError(
            f"{whose} {len(drawn)} conversation(s), {len(splits['train'])} of which would be for training; a generator "
            f"needs {TRAINED}, since it holds one of them out: use more conversations, or lower preprocess.test_share"
        )
    return {split: drawn[part] for split, part in splits.items()}, len(ranks) - len(distinct)


def train_and_test(corpus: Corpus, raw: Path, sampling: Sampling, bad: BadRows, scratch: Path) -> Subset:
    """`drawn_splits` of all raw files together, as streams; raises as it does and as reading."""
    files = corpus.files(raw).values()
    named = ((row[corpus.key], shared(corpus, row)) for path in files for row in corpus.read(path, bad))
    splits, repeated = drawn_splits(corpus, named, sampling, bad)
    spool = Spool(scratch, splits)
    again = BadRows("skip")  # they are counted already
    spool.fill(row for path in files for row in corpus.read(path, again))
    counts = {"bad_rows": bad.count}
    if repeated:
        counts["repeated"] = repeated
    if bad.without_a_reply:
        counts["without_a_reply"] = bad.without_a_reply
    return Subset({split: spool.rows(split) for split in splits}, counts)
