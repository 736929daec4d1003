"""Which sizes one's own data suffice for in the place of the corpus whose replies are ranked."""

from collections.abc import Collection, Mapping
from pathlib import Path

from attune.corpora.base import Corpus, Sampling, Subset
from attune.corpora.own import ALL
from attune.corpora.reading import BadRows
from attune.corpora.subsets import SPLITS, TRAINED, most_candidates
from attune.parameters.types import MOST

# Where domains are named whose contexts models are ranked on.
_RANKED = "cobert.domains, compare.domains, seeds.domains, personas.domain"
_WHOLE = {"whole": dict.fromkeys((*SPLITS, "evaluate"))}


def that_fit(
    record: Corpus,
    raw: Path,
    sampling: Sampling,
    ranked: Collection[str],
    learnt: Mapping[str, str],
    candidates: int,
    scratch: Path,
) -> str:
    """What there is in each split, and all values of params.yaml that must be others, in a sentence.

    ranked, learnt, candidates: the domains that are used, and among how many replies, as for
    `attune.sources.own_checks.check_ranked`. What has too few conversations for any size, or nothing to rank, is to be
    left out.
    """
    assert record.subset is not None
    whole = record.subset(record, raw, sampling._replace(sizes=_WHOLE), BadRows("skip"), scratch)
    named = {ALL, *ranked, *learnt}
    counts = {domain: _sizes(whole, domain) for domain in sorted(named & whole.candidates.keys())}
    most = {domain: _most(whole, domain) if candidates else MOST for domain in counts.keys() & {ALL, *ranked}}
    usable = {
        domain: each
        for domain, each in counts.items()
        if min(each.values()) and each["train"] >= TRAINED and most.get(domain, MOST) > 1
    }
    total = sum(counts[ALL].values())
    if ALL not in usable:
        return f"corpora.{record.name} has {total} conversations, too few for any size; use more data"
    least = {split: min(each[split] for each in usable.values()) for split in SPLITS}
    fewest = " in its smallest domain" if len(usable) > 1 else ""
    values = _lowered(sampling.sizes, least)
    if (fitting := min(most[domain] for domain in usable.keys() & ranked or {ALL})) < candidates:
        values.append(f"-S cobert.candidates={fitting}")
    return (
        f"corpora.{record.name}: its {total} conversations give {least['train']} to train on, {least['valid']} to "
        f"validate on and {least['test']} to test on{fewest}, and `subsets` asks for more; add {' '.join(values)}"
        f"{_left_out(named - usable.keys(), learnt)}, or use more data"
    )


def _sizes(whole: Subset, domain: str) -> dict[str, int]:
    return {split: sum(1 for _ in whole.conversations[f"whole/{domain}/{split}"]) for split in SPLITS}


def _most(whole: Subset, domain: str) -> int:
    return most_candidates(row["response"] for row in whole.candidates[domain])


def _left_out(domains: Collection[str], learnt: Mapping[str, str]) -> str:
    """Where to take the domains out of which no size can be drawn."""
    if not domains:
        return ""
    places = ", ".join([_RANKED, *(learnt[domain] for domain in sorted(domains) if domain in learnt)])
    return f", take {', '.join(sorted(domains))} (too few for any size) out of {places}, or put {ALL} there"


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
