"""Which conversations an experiment uses: seeded draws in which a smaller draw always lies inside a larger one."""

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from attune.core.errors import AttuneError
from attune.corpora.base import Corpus, Row, Rows, Sampling, Subset
from attune.corpora.reading import BadRows

Item = TypeVar("Item")
SPLITS = ("train", "valid", "test")


def digest(*parts: str) -> str:
    """An id of 16 hex digits made from a text's content: the same conversation has the same id in every file."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def draw(items: Iterable[Item], size: int | None, seed: int, name: Callable[[Item], str]) -> list[Item]:
    """The `size` items with the smallest seeded hashes, all for None, in the order of the hashes.

    Streams: only `size` items are held. A smaller draw is the beginning of a larger one, and neither depends on the
    order in which the items arrive.
    """

    def rank(item: Item) -> bytes:
        return hashlib.sha256(f"{seed}/{name(item)}".encode()).digest()

    return sorted(items, key=rank) if size is None else heapq.nsmallest(size, items, key=rank)


def distinct(items: Iterable[Item], name: Callable[[Item], str], counts: dict[str, int]) -> Iterator[Item]:
    """Each item once; repeats are counted under `repeated`."""
    seen: set[int] = set()
    for item in items:
        key = hash(name(item))
        if key in seen:
            counts["repeated"] = counts.get("repeated", 0) + 1
        else:
            seen.add(key)
            yield item


def split_by_opening(items: Sequence[Item], test_share: float, opening: Callable[[Item], str]) -> dict[str, list[Item]]:
    """Split a draw into train and test, items with the same `opening` always together, at least one opening in each.

    People answer the same question in similar words: with its other answers in train, a test answer could be recalled
    rather than written. The test part is the beginning of the draw, and exceeds its share by at most the size of its
    last opening.

    Raises
    ------
    AttuneError
        for fewer than two openings.
    """
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(opening(item), []).append(item)
    if len(groups) < 2:
        raise AttuneError(
            f"{len(items)} conversations with {len(groups)} different openings cannot be split into train and test; at "
            "least 2 openings are needed"
        )
    *remaining, last = groups.values()
    test: list[Item] = []
    while remaining and (not test or len(test) < round(len(items) * test_share)):
        test += remaining.pop(0)
    return {"train": [item for group in (*remaining, last) for item in group], "test": test}


def without_leaks(splits: Mapping[str, Rows], counts: dict[str, int]) -> dict[str, Rows]:
    """Remove from train what is also in valid or test, and from valid what is also in test, by id, counted."""
    kept = {}
    later: set[str] = set()
    for split in ("test", "valid", "train"):
        kept[split] = [row for row in splits[split] if row["id"] not in later]
        counts[f"{split}_also_in_a_later_split"] = len(splits[split]) - len(kept[split])
        later.update(row["id"] for row in kept[split])
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


def train_and_test(corpus: Corpus, raw: Path, sampling: Sampling, bad: BadRows) -> Subset:
    """At most `sampling.cap` conversations of all raw files together, split by opening.

    Streams: a cap bounds the memory, however large the corpus is.

    Raises
    ------
    AttuneError
        for too few openings, and as reading does.
    """

    def name(row: Row) -> str:
        return row[corpus.key]

    def opening(row: Row) -> str:
        return " ".join(corpus.opening(row).lower().split()) if corpus.opening else name(row)

    counts: dict[str, int] = {}
    conversations = (row for path in corpus.files(raw).values() for row in corpus.read(path, bad))
    drawn = draw(distinct(conversations, name, counts), sampling.cap, sampling.seed, name)
    splits = split_by_opening(drawn, sampling.test_share, opening)
    assert_disjoint({split: [name(row) for row in rows] for split, rows in splits.items()})
    return Subset(splits, counts | {"bad_rows": bad.count})


def sized(
    corpus: str, rows: Mapping[str, Mapping[str, Rows]], sizes: Mapping[str, Mapping[str, int]], seed: int
) -> dict[tuple[str, str, str], Rows]:
    """Draw (size, domain, split) from `rows` by domain and split; the domain `all` draws from every domain.

    All sizes are drawn with one seed, so a smaller one lies inside a larger one.

    Raises
    ------
    AttuneError
        for a split with fewer conversations than a size asks for, and for a conversation in two splits.
    """
    pools = {domain: dict(splits) for domain, splits in rows.items()}
    pools["all"] = {split: [row for splits in rows.values() for row in splits[split]] for split in SPLITS}
    sets = {}
    for size, wanted in sizes.items():
        for domain, splits in pools.items():
            for split, pool in splits.items():
                if len(pool) < wanted[split]:
                    raise AttuneError(
                        f"{corpus} {domain}/{split} has {len(pool)} usable conversations, but subsets.{size}.{split} "
                        f"asks for {wanted[split]}; lower it in params.yaml or use a larger source"
                    )
                sets[size, domain, split] = draw(pool, wanted[split], seed, lambda row: row["id"])
            assert_disjoint({split: [row["id"] for row in sets[size, domain, split]] for split in splits})
    return sets
