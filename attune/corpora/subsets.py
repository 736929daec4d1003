"""Which conversations an experiment sees: seeded draws in which a smaller draw always lies inside a larger one."""

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from attune.core.errors import AttuneError

Item = TypeVar("Item")


def digest(*parts: str) -> str:
    """A short name for a text, by its content: the same conversation has the same id wherever it stands."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def draw(items: Iterable[Item], size: int | None, seed: int, name: Callable[[Item], str]) -> list[Item]:
    """The `size` items whose seeded hash is smallest, all for None, in the order of the hashes.

    Streams: only `size` items are held. A draw of fewer is the beginning of a draw of more, and does not depend on
    the order in which the items come.
    """

    def place(item: Item) -> bytes:
        return hashlib.sha256(f"{seed}/{name(item)}".encode()).digest()

    return sorted(items, key=place) if size is None else heapq.nsmallest(size, items, key=place)


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


def cut(items: Sequence[Item], test_share: float, opening: Callable[[Item], str]) -> dict[str, list[Item]]:
    """Split a draw into train and test, items of one `opening` always together; at least one opening is in each.

    People answer the same question in like words: with its other answers in train, a test answer would be remembered.
    The test part is the beginning of the draw, and exceeds its share by what the last opening in it has too many.
    """
    openings: dict[str, list[Item]] = {}
    for item in items:
        openings.setdefault(opening(item), []).append(item)
    if len(openings) < 2:
        raise AttuneError(
            f"{len(items)} conversations with {len(openings)} different openings cannot be cut into train and test; at "
            "least 2 openings are needed"
        )
    *groups, last = openings.values()
    test: list[Item] = []
    while groups and (not test or len(test) < round(len(items) * test_share)):
        test += groups.pop(0)
    return {"train": [item for group in (*groups, last) for item in group], "test": test}


def without_leaks(
    splits: Mapping[str, list[dict[str, Any]]], counts: dict[str, int]
) -> dict[str, list[dict[str, Any]]]:
    """Take out of train what is also in valid or test, and out of valid what is also in test, by id, counted."""
    kept = {}
    taken: set[str] = set()
    for split in ("test", "valid", "train"):
        kept[split] = [row for row in splits[split] if row["id"] not in taken]
        counts[f"{split}_also_in_a_later_split"] = len(splits[split]) - len(kept[split])
        taken.update(row["id"] for row in kept[split])
    return kept


def assert_disjoint(splits: Mapping[str, Iterable[str]]) -> None:
    """No conversation id in two splits.

    Raises
    ------
    AttuneError
        with the ids, for every figure that follows would be worthless.
    """
    owner: dict[str, str] = {}
    shared = []
    for split, ids in splits.items():
        for identity in set(ids):
            if owner.setdefault(identity, split) != split:
                shared.append(f"{identity} ({owner[identity]} and {split})")
    if shared:
        shared.sort()
        more = f" and {len(shared) - 10} more" if len(shared) > 10 else ""
        raise AttuneError(f"conversations in two splits: {', '.join(shared[:10])}{more}")


def pec_sets(
    rows: Mapping[str, Mapping[str, list[dict[str, Any]]]],
    sizes: Mapping[str, Mapping[str, int]],
    seed: int,
) -> dict[tuple[str, str, str], list[dict[str, Any]]]:
    """Cut PEC into (size, domain, split) from `rows` by domain and split; `all` draws from every domain.

    Sizes are drawn with one seed, so `small` lies inside `large`.
    """
    pools = {domain: dict(splits) for domain, splits in rows.items()}
    pools["all"] = {
        split: [row for splits in rows.values() for row in splits[split]] for split in ("train", "valid", "test")
    }
    sets = {}
    for size, wanted in sizes.items():
        for domain, splits in pools.items():
            for split, pool in splits.items():
                if len(pool) < wanted[split]:
                    raise AttuneError(
                        f"pec {domain}/{split} has {len(pool)} usable conversations, but subsets.{size}.{split} asks "
                        f"for {wanted[split]}; lower it in params.yaml or use a larger source"
                    )
                sets[size, domain, split] = draw(pool, wanted[split], seed, lambda row: row["id"])
            assert_disjoint({split: [row["id"] for row in sets[size, domain, split]] for split in splits})
    return sets
