"""A score as a ratio of sums over the units of a test set, and over domains."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

# Of all intervals.
LEVEL = 0.95


@dataclass(frozen=True)
class Ratio:
    """A score that is sum(numerator) / sum(denominator), both by unit.

    share: a proportion, to which each example adds 0 or 1, or what is between: R@k, how many replies are empty.
    """

    numerator: Mapping[str, float]
    denominator: Mapping[str, float]
    share: bool = False

    @classmethod
    def of(cls, rows: Iterable[tuple[str, float, float]], share: bool = False) -> "Ratio":
        """From (unit, numerator, denominator) of each example; examples of one unit are summed."""
        numerator: dict[str, float] = {}
        denominator: dict[str, float] = {}
        for unit, above, below in rows:
            numerator[unit] = numerator.get(unit, 0.0) + above
            denominator[unit] = denominator.get(unit, 0.0) + below
        return cls(numerator, denominator, share)

    @classmethod
    def mean(cls, values: Mapping[str, float], share: bool = False) -> "Ratio":
        """The mean of one value per unit."""
        return cls(values, dict.fromkeys(values, 1.0), share)

    @property
    def value(self) -> float:
        return sum(self.numerator.values()) / sum(self.denominator.values())

    @property
    def unanimous(self) -> bool:
        """Whether all units have the same value."""
        values = [above / self.denominator[unit] for unit, above in self.numerator.items()]
        return max(values) - min(values) < 1e-12

    @property
    def having(self) -> int:
        """How many units have any of a share."""
        return sum(above > 0 for above in self.numerator.values())

    @property
    def lacking(self) -> int:
        """How many units lack any of a share."""
        return sum(above < self.denominator[unit] for unit, above in self.numerator.items())

    @property
    def extremes(self) -> tuple[float, float]:
        """The lowest and the highest sum of a unit."""
        return min(self.numerator.values()), max(self.numerator.values())

    def above(self, other: "Ratio") -> "Ratio":
        """By how much each unit's value is above that in `other`, which has the same units and denominators."""
        numerator = {unit: value - other.numerator[unit] for unit, value in self.numerator.items()}
        return Ratio(numerator, self.denominator, self.share and other.share)


# The same score in each domain; a single one for data without domains.
Domains = Sequence[Ratio]


def score(domains: Domains) -> float:
    """The mean over domains of each domain's score."""
    return fmean(domain.value for domain in domains)
