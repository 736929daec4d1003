"""What PEC's splits share: people post the same in several of its subreddits, each of which was split for itself."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from attune.corpora.subsets import SPLITS, key

if TYPE_CHECKING:
    import numpy as np

# Words that a first turn has at least to be known as the same post; the greetings of strangers are alike too.
POST_WORDS = 10

Pools = dict[str, dict[str, "np.ndarray"]]


def text_key(text: str) -> int:
    """A number for a text, whatever its case and its spaces; what is posted again keeps its punctuation."""
    return key(" ".join(text.lower().split()))


def post(turn: str) -> int:
    """The `text_key` of a first turn that is long enough to be known again, or 0."""
    return text_key(turn) if len(turn.split()) >= POST_WORDS else 0


def apart(pools: Pools, counts: dict[str, int]) -> Pools:
    """The pools of the domains, and of all together as `all`, without what a later split has too, counted.

    No domain keeps a conversation that any domain has in a later split, in the same words and whoever wrote it: a model
    is tested on other domains than its own as well. `all` also lacks what begins with another domain's post of a later
    split.

    pools: records with the fields `text` and `post`, by domain and split.
    """
    import numpy as np

    kept = {domain: without_leaks(splits, "text", pools.values()) for domain, splits in pools.items()}
    for domain, splits in pools.items():
        for split in SPLITS:
            counts[f"{domain}_{split}_also_in_a_later_split"] = len(splits[split]) - len(kept[domain][split])
    parts = [
        without_leaks(splits, "post", [each for name, each in kept.items() if name != domain])
        for domain, splits in kept.items()
    ]
    together = {split: np.concatenate([part[split] for part in parts]) for split in SPLITS}
    for split in SPLITS:
        if left_out := sum(len(splits[split]) for splits in kept.values()) - len(together[split]):
            counts[f"all_{split}_posted_in_another_domain"] = left_out
    return kept | {"all": together}


def without_leaks(
    splits: Mapping[str, "np.ndarray"], field: str, others: Collection[Mapping[str, "np.ndarray"]]
) -> dict[str, "np.ndarray"]:
    """`splits` without the records whose `field` a later split of `others` has too; 0 is like nothing else.

    `splits` and each of `others`: records by split.
    """
    import numpy as np

    kept: dict[str, np.ndarray] = {}
    later = np.empty(0, np.uint64)
    for split in reversed(SPLITS):
        kept[split] = splits[split][~np.isin(splits[split][field], later)]
        values = np.concatenate([later, *(each[split][field] for each in others)])
        later = values[values > 0]
    return kept
