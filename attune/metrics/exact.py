"""Exact 95 % intervals of shares, where resamples of a test set would vary too little: near 0, near 1, or nowhere."""

from scipy.special import betaincinv

from attune.metrics.ratio import LEVEL, Domains, score

# A share that fewer units than this have at all, or lack at all, has an interval at least as wide as the exact one.
_RARE = 5


def unanimous(domains: Domains) -> bool:
    return all(each.share and each.unanimous for each in domains)


def one_sided(differences: Domains) -> bool:
    """Whether they are of shares, and no unit's is above 0, or none's below it."""
    lows, highs = zip(*(each.extremes for each in differences), strict=True)
    return all(each.share for each in differences) and (min(lows) >= 0 or max(highs) <= 0)


def of_rare(domains: Domains) -> tuple[float, float] | None:
    """The exact 95 % interval (Clopper and Pearson 1934) of a share that few units have, or that few lack; else None.

    So it is in each domain; n units are those of the domain with the fewest.
    """
    if not all(each.share and min(each.having, each.lacking) < _RARE for each in domains):
        return None
    units, tail = min(len(each.numerator) for each in domains), (1 - LEVEL) / 2
    seen = score(domains) * units
    low = betaincinv(seen, units - seen + 1, tail) if seen > 0 else 0.0
    high = betaincinv(seen + 1, units - seen, 1 - tail) if seen < units else 1.0
    return float(low), float(high)


def exact(domains: Domains, lowest: float) -> tuple[float, float]:
    """The 95 % interval of `score` where all units of a domain have one value; others may have any in [lowest, 1].

    n units that agree do not rule out, at 95 %, that a share of up to 1 - .025^(1/n) of all units does not (Clopper and
    Pearson 1934). n is that of the domain with the fewest units.
    """
    unseen = 1 - ((1 - LEVEL) / 2) ** (1 / min(len(each.numerator) for each in domains))
    seen = (1 - unseen) * score(domains)
    return seen + unseen * lowest, seen + unseen
