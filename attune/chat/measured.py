"""What the pipeline has measured of a system: its test score, and whether it answers badly by it."""

from collections.abc import Mapping
from typing import Any

from attune.chat.artifacts import Artifact, Artifacts
from attune.chat.systems import GeneratorSystem, RetrievalSystem, System
from attune.core.files import read_json
from attune.evaluation.generation.sweep import MOST_REPEATED, REPEATED
from attune.evaluation.ranking.summary import UNTRAINED
from attune.parameters import Parameters
from attune.parameters.methods import METHODS
from attune.report.names import candidates_title, start_title

# A generator is marked where more of its test replies than this were cut off at the length limit, ...
MOST_TRUNCATED = 0.5
# ... and where they are more alike than this, by Self-BLEU of 0 to 100: it then says much the same to everybody.
MOST_ALIKE = 50


def measured(scores: Artifact) -> dict[str, Any]:
    """The pipeline's scores; none where it has not measured yet."""
    return read_json(scores.path) if scores.path.is_file() else {}


class Measured:
    """The test scores of every system, as they were when the page was built."""

    def __init__(self, parameters: Parameters, artifacts: Artifacts) -> None:
        self.parameters = parameters
        self._generators = measured(artifacts.scores)
        subset, domain = parameters.cobert.subsets[0], parameters.cobert.domains[0]
        self._rankers = measured(artifacts.ranking_scores).get(subset, {}).get(domain, {})

    def score(self, system: System) -> str:
        """A phrase with the system's test MRR or perplexity."""
        if isinstance(system, RetrievalSystem):
            scores = self._rankers.get(self.parameters.retrieval.recipe)
            among = candidates_title(self.parameters.cobert)
            return f"test MRR {scores['mrr']:.2f} among {among}" if scores else "not measured yet"
        scores = self._generators.get(system.name)
        if not scores:
            return "not measured yet"
        base = "its base before training" if self._trained(system) else "without the instruction"
        before = f" ({base}: {scores['base_perplexity']:.1f})" if "base_perplexity" in scores else ""
        return f"test perplexity {scores['perplexity']:.1f}{before}"

    def weaknesses(self, system: System) -> list[str]:
        """By which test scores the system answers badly, a phrase each; none where nothing is measured."""
        if isinstance(system, RetrievalSystem):
            # The untrained model is what the first recipe starts from; where others start, the studies measure.
            trained, untrained = (
                self._rankers.get(name, {}).get("mrr") for name in (self.parameters.retrieval.recipe, UNTRAINED)
            )
            worse = trained is not None and untrained is not None and trained <= untrained
            return [f"it ranks test replies no better than {start_title(self.parameters)}"] if worse else []
        return _of_generator(self._generators.get(system.name, {}), self._trained(system))

    def _trained(self, system: GeneratorSystem) -> bool:
        return METHODS[self.parameters.generators[system.generator].method].trains


def _of_generator(scores: Mapping[str, float], trained: bool) -> list[str]:
    found = []
    if trained and scores.get("perplexity", 0) >= scores.get("base_perplexity", float("inf")):
        found.append("it predicts test replies no better than its base before training")
    if (cut := scores.get("replies_truncated", 0)) > MOST_TRUNCATED:
        found.append(f"{cut:.0%} of its test replies reach the length limit")
    if (repeated := scores.get(REPEATED, 0)) > MOST_REPEATED:
        found.append(f"its test replies repeat {repeated:.0%} of their word triples")
    if (alike := scores.get("self_bleu", 0)) > MOST_ALIKE:
        found.append(f"it says much the same to everybody (Self-BLEU {alike:.0f} of 100 on test messages)")
    return found
