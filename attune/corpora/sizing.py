"""Conversations of each size that `subsets` in params.yaml names, out of splits that are published or made before."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attune.core.errors import AttuneError
from attune.corpora.subsets import SPLITS, TRAINED, check_disjoint, draw

if TYPE_CHECKING:
    import numpy as np


class TooFew(AttuneError):
    """A split has fewer conversations than `subsets` asks for."""


def sized(
    corpus: str, pools: Mapping[str, Mapping[str, "np.ndarray"]], sizes: Mapping[str, Mapping[str, int | None]]
) -> dict[tuple[str, str, str], "np.ndarray"]:
    """Draw (size, domain, split) from `pools` by domain and split.

    pools: records with the fields `id` and `rank`. A smaller size lies inside a larger one. What models
    are ranked on is ("evaluate", size, domain): `evaluate` conversations of the test split, `test` where that is None.
    A split without a number takes all of a pool.

    Raises
    ------
    TooFew
        for splits with fewer conversations than the sizes ask for, with all values that would do.
    AttuneError
        for a conversation in two splits.
    """
    import numpy as np

    _check_enough(corpus, pools, sizes)
    sets = {}
    for size, wanted in sizes.items():
        for domain, splits in pools.items():
            for key, split in [*zip(SPLITS, SPLITS, strict=True), ("evaluate", "test")]:
                pool, count = splits[split], wanted[split] if wanted.get(key) is None else wanted[key]
                place = ("evaluate", size, domain) if key == "evaluate" else (size, domain, split)
                sets[place] = pool[draw(pool["rank"], count)]
            ids = {split: sets[size, domain, split]["id"] for split in SPLITS}
            if len(np.unique(np.concatenate(list(ids.values())))) < sum(map(len, ids.values())):
                check_disjoint({split: [f"{each:016x}" for each in part] for split, part in ids.items()})
    return sets


def _check_enough(
    corpus: str, pools: Mapping[str, Mapping[str, "np.ndarray"]], sizes: Mapping[str, Mapping[str, int | None]]
) -> None:
    least = {split: min(len(splits[split]) for splits in pools.values()) for split in SPLITS}
    values = lowered(sizes, least)
    if not values:
        return
    usable = in_words(least, len(pools))
    if not too_few(least):
        tested = max(wanted.get(key) or 0 for wanted in sizes.values() for key in ("test", "evaluate"))
        also = " (and set cobert.candidates to no more than there are to test on)" if tested > least["test"] else ""
        raise TooFew(
            f"corpora.{corpus} has {usable}, and `subsets` asks for more conversations; with dvc exp run add "
            f"{' '.join(values)}{also}, or set these values in params.yaml, or use a larger source"
        )
    raise TooFew(f"corpora.{corpus} has {usable}, too few conversations for any size; use a larger source")


def in_words(least: Mapping[str, int], domains: int) -> str:
    """How many conversations there are of each split, in so many domains at least."""
    fewest = " in its smallest domain" if domains > 1 else ""
    return f"{least['train']} to train on, {least['valid']} to validate on and {least['test']} to test on{fewest}"


def too_few(sizes: Mapping[str, int]) -> bool:
    """Whether no size can be drawn of splits with so many conversations."""
    return not min(sizes.values()) or sizes["train"] < TRAINED


def lowered(sizes: Mapping[str, Mapping[str, int | None]], least: Mapping[str, int]) -> list[str]:
    """The options that set each size which asks for more than the `least` to that."""
    options = []
    for size, wanted in sizes.items():
        fitting = {
            key: count if count is None else min(count, least["test" if key == "evaluate" else key])
            for key, count in wanted.items()
        }
        if fitting != wanted:
            pairs = ", ".join(f"{key}: {'null' if count is None else count}" for key, count in fitting.items())
            options.append(f"-S 'subsets.{size}={{{pairs}}}'")
    return options
