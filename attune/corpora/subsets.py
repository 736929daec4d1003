"""Which conversations an experiment uses: seeded draws in which a smaller draw always lies inside a larger one.

A corpus is read twice, since it may be larger than memory: first for a few numbers per conversation, from which the
subset is drawn, then for the drawn conversations themselves.
"""

import hashlib
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from attune.core.errors import AttuneError
from attune.corpora.base import Corpus, Row, Sampling, Subset
from attune.corpora.reading import BadRows
from attune.corpora.spool import Spool

if TYPE_CHECKING:
    import numpy as np

SPLITS = ("train", "valid", "test")


def digest(*parts: str) -> str:
    """An id of 16 hex digits made from a text's content: the same conversation has the same id in every file."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def key(text: str) -> int:
    """64 bits that stand for a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


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

    `openings`: the `key` of each conversation's opening, in the draw's order. People answer the same question in
    similar words: with its other answers in train, a test answer could be recalled rather than written. The test part
    is the beginning of the draw, and exceeds its share by at most the size of its last opening. Each part has an
    opening at least. `whose`: an error's first words, as "corpora.openorca has".

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
    together = np.argsort(first[group], kind="stable")  # groups as they appear in the draw
    ends = np.cumsum(sizes[np.argsort(first)])
    wanted = min(tested(len(openings), test_share), ends[-2])
    end = ends[np.searchsorted(ends, wanted)]
    return {"train": together[end:], "test": together[:end]}


def without_leaks(splits: Mapping[str, "np.ndarray"], counts: dict[str, int]) -> dict[str, "np.ndarray"]:
    """Remove from train what is also in valid or test, and from valid what is also in test, counted.

    `splits`: records with the field `id`, by split.
    """
    import numpy as np

    kept: dict[str, np.ndarray] = {}
    later = np.empty(0, np.uint64)
    for split in ("test", "valid", "train"):
        kept[split] = splits[split][~np.isin(splits[split]["id"], later)]
        counts[f"{split}_also_in_a_later_split"] = len(splits[split]) - len(kept[split])
        later = np.concatenate([later, kept[split]["id"]])
    return kept


def assert_disjoint(splits: Mapping[str, Iterable[str]]) -> None:
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


def opening_of(corpus: Corpus, row: Row) -> str:
    """What no two splits share; the conversation's own name where its corpus has no openings."""
    return corpus.opening(row) if corpus.opening else row[corpus.key]


def opening_key(opening: str) -> int:
    """A number for an opening, whatever its case and its spaces."""
    return key(" ".join(opening.lower().split()))


def drawn_splits(
    corpus: Corpus, conversations: Iterable[tuple[str, str]], sampling: Sampling, bad: BadRows
) -> tuple[dict[str, "np.ndarray"], int]:
    """At most `sampling.cap` conversations, split by opening: their numbers from 0, and how many are repeated.

    `conversations`: of each its name and its opening; two numbers of 8 bytes are held. `bad`: those left out of them.

    Raises
    ------
    AttuneError
        for too few openings, with the corpus' key in params.yaml.
    """
    import numpy as np

    ranks, openings = array("Q"), array("Q")
    for name, opening in conversations:
        ranks.append(rank(sampling.seed, name))
        openings.append(opening_key(opening))
    distinct = draw(np.asarray(ranks), None)
    drawn = distinct[: sampling.cap]
    left_out = f" without its {bad.count} malformed row(s)" if bad.count else ""
    has = f".cap = {sampling.cap} leaves" if len(drawn) < len(distinct) else f"{left_out} has"
    splits = split_by_opening(np.asarray(openings)[drawn], sampling.test_share, f"corpora.{corpus.name}{has}")
    return {split: drawn[part] for split, part in splits.items()}, len(ranks) - len(distinct)


def train_and_test(corpus: Corpus, raw: Path, sampling: Sampling, bad: BadRows, scratch: Path) -> Subset:
    """The draw of `drawn_splits` out of all raw files together, as streams; raises as it does, and as reading does."""

    files = corpus.files(raw).values()
    named = ((row[corpus.key], opening_of(corpus, row)) for path in files for row in corpus.read(path, bad))
    splits, repeated = drawn_splits(corpus, named, sampling, bad)
    spool = Spool(scratch, splits)
    again = BadRows("skip")  # they are counted already
    spool.fill(row for path in files for row in corpus.read(path, again))
    counts = {"bad_rows": bad.count}
    if repeated:
        counts["repeated"] = repeated
    return Subset({split: spool.rows(split) for split in splits}, counts)


def sized(
    corpus: str, pools: Mapping[str, Mapping[str, "np.ndarray"]], sizes: Mapping[str, Mapping[str, int | None]]
) -> dict[tuple[str, str, str], "np.ndarray"]:
    """Draw (size, domain, split) from `pools` by domain and split; the domain `all` draws from every domain.

    Unless `pools` has it, and with it conversations that are of no other domain.

    `pools`: records with the fields `id` and `rank`. A smaller size lies inside a larger one. What models
    are ranked on is ("evaluate", size, domain): `evaluate` conversations of the test split, `test` where that is None.
    A split without a number takes all of a pool.

    Raises
    ------
    AttuneError
        for a split with fewer conversations than a size asks for, and for a conversation in two splits.
    """
    import numpy as np

    together = pools.get("all") or {
        split: np.concatenate([splits[split] for splits in pools.values()]) for split in SPLITS
    }
    sets = {}
    for size, wanted in sizes.items():
        for domain, splits in {**pools, "all": together}.items():
            for key, split in [*zip(SPLITS, SPLITS, strict=True), ("evaluate", "test")]:
                pool, count = splits[split], wanted[split] if wanted.get(key) is None else wanted[key]
                if len(pool) < (count or 0):
                    raise AttuneError(
                        f"{corpus} {domain}/{split} has {len(pool)} usable conversations, but subsets.{size}.{key} "
                        f"asks for {count}; lower it in params.yaml or use a larger source"
                    )
                place = ("evaluate", size, domain) if key == "evaluate" else (size, domain, split)
                sets[place] = pool[draw(pool["rank"], count)]
            ids = {split: sets[size, domain, split]["id"] for split in SPLITS}
            if len(np.unique(np.concatenate(list(ids.values())))) < sum(map(len, ids.values())):
                assert_disjoint({split: [f"{each:016x}" for each in part] for split, part in ids.items()})
    return sets
