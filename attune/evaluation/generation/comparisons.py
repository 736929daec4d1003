"""Which systems are compared on the same test replies, and the paired tests."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attune.evaluation import families
from attune.evaluation.comparison import Comparison
from attune.evaluation.generation.semantics import SCORES
from attune.evaluation.generation.summary import Rows, means, nats_per_token, system_of
from attune.evaluation.schemas import NO_PERSONA, ORACLE_RAG, OTHER_PERSONA, OTHER_RAG, PERSONA_RAG, RAG
from attune.evaluation.units import enough_clusters
from attune.metrics.bootstrap import compare
from attune.metrics.ratio import Ratio
from attune.parameters.generators import GeneratorSettings

Generators = Mapping[str, GeneratorSettings]


def comparisons(systems: Mapping[str, Rows], generators: Generators, seed: int) -> list[Comparison]:
    """Each generator against its base, then the pairs of `pairs_of`.

    `loss` is in nats per token; `loss_target_not_given` is over the rows in which no passage contains the target, where
    others contain it.
    """
    results = []
    for name in generators:
        test = compare([nats_per_token(systems[name], "base_nats")], [nats_per_token(systems[name])], seed)
        results.append(Comparison.of(f"base of {name}", name, "loss", test, families.TRAINING_GENERATORS))
        for before, after in pairs_of(name, generators):
            if before in systems and after in systems:
                left, right = systems[before], systems[after]
                loss, replies = families.PASSAGES_LOSS, families.PASSAGES_REPLIES
                if after == name:  # with the right persona; passages would be in the name
                    loss, replies = families.PERSONAS_LOSS, families.PERSONAS_REPLIES
                results += _compared(before, after, _losses(left, right), seed, loss)
                results += _compared(before, after, _means(left, right), seed, replies)
    return results


def answer_comparisons(systems: Mapping[str, Rows], before: str, after: Iterable[str], seed: int) -> list[Comparison]:
    """The replies of `before` against those of each of `after`."""
    family = families.RETRIEVED_AND_WRITTEN
    return [
        comparison
        for each in after
        for comparison in _compared(before, each, _means(systems[before], systems[each]), seed, family)
    ]


def pairs_of(name: str, generators: Generators) -> Iterator[tuple[str, str]]:
    """(before, after): without passages, or with another message's, and with them; with no persona or another's, and
    with the right one.

    A generator that was trained with passages is also compared with the one that differs in that alone.
    """
    yield from ((name, system_of(name, variant)) for variant in (RAG, PERSONA_RAG, ORACLE_RAG))
    yield system_of(name, OTHER_RAG), system_of(name, RAG)
    yield system_of(name, RAG), system_of(name, ORACLE_RAG)
    yield from ((system_of(name, variant), name) for variant in (NO_PERSONA, OTHER_PERSONA))
    other = without_passages(name, generators)
    if other:
        yield from ((other, system_of(name, variant)) for variant in (RAG, PERSONA_RAG, ORACLE_RAG))


def without_passages(name: str, generators: Generators) -> str | None:
    """The generator that was trained without passages, if `name` was with them and all other settings are the same."""
    own = generators[name]
    if not own.passage_tokens:
        return None
    others = (other for other, each in generators.items() if not each.passage_tokens and _apart(each) == _apart(own))
    return next(others, None)


def _apart(generator: GeneratorSettings) -> dict[str, Any]:
    """Its settings apart from passages; their rows are in another folder."""
    return generator.model_dump(exclude={"rows", "passage_tokens"})


def _losses(before: Rows, after: Rows) -> dict[str, tuple[Ratio, Ratio]]:
    pairs = {"loss": (nats_per_token(before), nats_per_token(after))}
    new = {row["id"] for row in after if not row["target_given"]}
    if 0 < len(new) < len(after):
        clustered = enough_clusters(after)
        left, right = ([row for row in rows if row["id"] in new] for rows in (before, after))
        pairs["loss_target_not_given"] = (
            nats_per_token(left, clustered=clustered),
            nats_per_token(right, clustered=clustered),
        )
    return pairs


def _means(before: Rows, after: Rows) -> dict[str, tuple[Ratio, Ratio]]:
    left, right = means(before), means(after)
    return {score: (left[score], right[score]) for score in SCORES if score in left and score in right}


def _compared(
    before: str, after: str, scores: Mapping[str, tuple[Ratio, Ratio]], seed: int, family: str
) -> list[Comparison]:
    return [Comparison.of(before, after, score, compare([x], [y], seed), family) for score, (x, y) in scores.items()]
