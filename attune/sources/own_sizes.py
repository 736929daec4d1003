"""Which sizes one's own data suffice for in the place of the corpus whose replies are ranked."""

from collections.abc import Collection, Mapping
from pathlib import Path

from attune.corpora.base import Corpus, Sampling
from attune.corpora.own import ALL
from attune.corpora.reading import BadRows
from attune.corpora.subsets import SPLITS, TRAINED, most_candidates

_WHOLE = {"whole": dict.fromkeys((*SPLITS, "evaluate"))}


def that_fit(
    record: Corpus, raw: Path, sampling: Sampling, domains: Collection[str], candidates: int, scratch: Path
) -> str:
    """What there is in each split, and all values of params.yaml that must be lower, in a sentence.

    domains: those that are used; what has too few conversations for any size is left out. candidates: as for
    `attune.sources.own_checks.check_ranked`.
    """
    assert record.subset is not None
    whole = record.subset(record, raw, sampling._replace(sizes=_WHOLE), BadRows("skip"), scratch)
    counts = {
        domain: {split: sum(1 for _ in whole.conversations[f"whole/{domain}/{split}"]) for split in SPLITS}
        for domain in {ALL, *domains} & whole.candidates.keys()
    }
    total = sum(counts[ALL].values())
    usable = {domain: each for domain, each in counts.items() if min(each.values()) and each["train"] >= TRAINED}
    if not usable:
        return f"corpora.{record.name} has {total} conversations, too few for any size; use more data"
    least = {split: min(each[split] for each in usable.values()) for split in SPLITS}
    fewest = " in its smallest domain" if len(usable) > 1 else ""
    values = _lowered(sampling.sizes, least)
    most = min(most_candidates(row["response"] for row in whole.candidates[domain]) for domain in usable)
    if 1 < most < candidates:
        values.append(f"-S cobert.candidates={most}")
    return (
        f"corpora.{record.name}: its {total} conversations give {least['train']} to train on, {least['valid']} to "
        f"validate on and {least['test']} to test on{fewest}, and `subsets` asks for more; add {' '.join(values)}, or "
        "use more data"
    )


def _lowered(sizes: Mapping[str, Mapping[str, int | None]], least: Mapping[str, int]) -> list[str]:
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
