"""Which sizes one's own data suffice for in the place of the corpus whose replies are ranked."""

from collections.abc import Collection, Mapping
from pathlib import Path

from attune.corpora.base import Corpus, Sampling, Subset
from attune.corpora.own import ALL
from attune.corpora.reading import BadRows
from attune.corpora.sizing import in_words, lowered, too_few
from attune.corpora.subsets import SPLITS, most_candidates
from attune.parameters.types import MOST

# Where domains are named whose contexts models are ranked on.
_RANKED = "cobert.domains, compare.domains, seeds.domains, personas.domain"
_FEW, _ALIKE = "too few for any size", "all test replies have the same words"
_ALL_UNFIT = {
    _FEW: f"{_FEW}; use more data",
    _ALIKE: f"but {_ALIKE}, and each is to be ranked among different ones; use data with more different replies",
}
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
    `attune.sources.own_checks.check_ranked`. What has too few conversations for any size, or only one reply to rank by
    its words, is to be left out.
    """
    assert record.subset is not None
    whole = record.subset(record, raw, sampling._replace(sizes=_WHOLE), BadRows("skip"), scratch)
    named = {ALL, *ranked, *learnt}
    counts = {domain: _sizes(whole, domain) for domain in sorted(named & whole.candidates.keys())}
    most = {domain: _most(whole, domain) if candidates else MOST for domain in counts.keys() & {ALL, *ranked}}
    why = {domain: _why_unfit(counts.get(domain), most.get(domain, MOST)) for domain in sorted(named)}
    unfit = {domain: reason for domain, reason in why.items() if reason}
    total = sum(counts[ALL].values())
    if why[ALL]:
        return f"corpora.{record.name} has {total} conversations, {_ALL_UNFIT[why[ALL]]}"
    usable = {domain: each for domain, each in counts.items() if domain not in unfit}
    least = {split: min(each[split] for each in usable.values()) for split in SPLITS}
    values = lowered(sampling.sizes, least)
    if (fitting := min(most[domain] for domain in usable.keys() & ranked or {ALL})) < candidates:
        values.append(f"-S cobert.candidates={fitting}")
    return (
        f"corpora.{record.name}: its {total} conversations give {in_words(least, len(usable))}, and `subsets` "
        f"asks for more; with dvc exp run add {' '.join(values)}{_left_out(unfit, learnt)}, or set these values in "
        "params.yaml, or use more data"
    )


def _sizes(whole: Subset, domain: str) -> dict[str, int]:
    return {split: sum(1 for _ in whole.conversations[f"whole/{domain}/{split}"]) for split in SPLITS}


def _most(whole: Subset, domain: str) -> int:
    return most_candidates(row["response"] for row in whole.candidates[domain])


def _why_unfit(sizes: Mapping[str, int] | None, most: int) -> str:
    """What no size can be drawn of, or nothing ranked; empty for any other. sizes: of the domain's splits."""
    if sizes is None or too_few(sizes):
        return _FEW
    if most > 1:
        return ""
    return _ALIKE if sizes["test"] > 1 else _FEW


def _left_out(unfit: Mapping[str, str], learnt: Mapping[str, str]) -> str:
    """Where to take the domains out that are `unfit`, each with the reason."""
    if not unfit:
        return ""
    places = ", ".join([_RANKED, *(learnt[domain] for domain in unfit if domain in learnt)])
    domains = {reason: [domain for domain in unfit if unfit[domain] == reason] for reason in (_FEW, _ALIKE)}
    named = " and ".join(f"{', '.join(each)} ({reason})" for reason, each in domains.items() if each)
    return f", take {named} out of {places}, or put {ALL} there"
