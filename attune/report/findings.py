"""Plain sentences about differences: what is beyond noise and what is not."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

# A difference whose p is below is called one.
ALPHA = 0.05

Test = Mapping[str, float]


def is_real(test: Test) -> bool:
    return test["p"] < ALPHA


def reached(test: Test) -> str:
    """(low to high, p)"""
    return f"({test['low']:+.3f} to {test['high']:+.3f}, p {test['p']:.4f})"


def about_ranking(tests: Mapping[str, Mapping[str, Mapping[str, Test]]], models: Sequence[str]) -> list[str]:
    """For each subset and each model beside the one before: over all domains, then how many domains show it.

    tests[subset][domain or "mean"]["a to b"], as metrics/cobert_tests.json has it.
    """
    found = []
    for subset, domains in tests.items():
        for before, after in pairwise(models):
            pair = f"{before} to {after}"
            test = domains["mean"][pair]
            alone = [each[pair] for name, each in domains.items() if name != "mean"]
            better = sum(is_real(each) and each["difference"] > 0 for each in alone)
            worse = sum(is_real(each) and each["difference"] < 0 for each in alone)
            found.append(
                f"{subset} subset: {_verdict(after, before, test, 'MRR', higher=True)}. Domain by domain it is clearly "
                f"better in {better} of {len(alone)}, clearly worse in {worse}."
            )
    return found


def about_generators(tests: Mapping[str, Mapping[str, Test]]) -> list[str]:
    """One a pair and score; tests["a to b"][score], as metrics/generators_tests.json has it."""
    found = []
    for pair, scores in tests.items():
        before, after = pair.split(" to ")
        for score, test in scores.items():
            found.append(f"{_verdict(after, before, test, *_WORDS[score])}{_as_perplexity(score, test)}.")
    return found


def about_pairs(tests: Mapping[str, Test], score: str) -> list[str]:
    """One a pair; tests["a to b"], of a score of which more is better."""
    found = []
    for pair, test in tests.items():
        before, after = pair.split(" to ")
        found.append(f"{_verdict(after, before, test, score, higher=True)}.")
    return found


# Each score's name, and whether more of it is better.
_WORDS = {
    "loss": ("nats a token", False),
    "loss_target_not_given": ("nats a token where no passage holds the target", False),
    "similarity": ("similarity to the target", True),
    "emotion_match": ("emotion match", True),
}


def _verdict(after: str, before: str, test: Test, score: str, higher: bool) -> str:
    if not is_real(test):
        return f"{after} and {before} cannot be told apart in {score} {reached(test)}"
    word = "better" if (test["difference"] > 0) == higher else "worse"
    return f"{after} is {word} than {before} by {abs(test['difference']):.3f} {score} {reached(test)}"


def _as_perplexity(score: str, test: Test) -> str:
    return (
        f", {math.exp(test['difference']):.2f} times the perplexity"
        if score.startswith("loss") and is_real(test)
        else ""
    )
