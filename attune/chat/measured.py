"""What the pipeline has measured of a system: its test score, and whether it answers badly by it."""

from collections.abc import Mapping
from typing import Any

from attune.chat.artifacts import Artifact, Artifacts
from attune.chat.systems import GeneratorSystem, RetrievalSystem, System
from attune.core.files import read_json
from attune.evaluation.comparison import table
from attune.evaluation.generation.sweep import MOST_REPEATED, REPEATED
from attune.evaluation.ranking.summary import UNTRAINED
from attune.parameters import Parameters
from attune.report.differences import Difference, differences
from attune.report.names import candidates_title, generator_names, start_title

# A generator is marked where more of its test replies than this were cut off at the length limit, ...
MOST_TRUNCATED = 0.5
# ... and where they are more alike than this, by Self-BLEU of 0 to 100: it then says much the same to everybody.
MOST_ALIKE = 50
# ... and where fewer of its replies to somebody who feels so have that feeling than this, by the whole interval.
LEAST_RIGHT = 0.5
# CoBERT's retrieval is marked where its MRR among all test replies is below this, by the whole interval: its share of
# contexts for which it chooses the true reply is no higher than its MRR.
LEAST_MRR = 0.5
# The feeling in a score's name: how those who write feel, and as what they are answered where that is wrong.
_FEELINGS = {"troubled": ("in trouble", "glad"), "glad": ("glad", "troubled")}


def measured(scores: Artifact) -> dict[str, Any]:
    """The pipeline's scores; none where it has not measured yet."""
    return read_json(scores.path) if scores.path.is_file() else {}


def tested(tests: Artifact) -> list[Difference]:
    """The pipeline's comparisons; none where it has not measured yet."""
    return differences(table(read_json(tests.path))) if tests.path.is_file() else []


class Measured:
    """The test scores of every system, as they were when the page was built."""

    def __init__(self, parameters: Parameters, artifacts: Artifacts) -> None:
        self.parameters = parameters
        self._generators = measured(artifacts.scores)
        subset, domain = parameters.cobert.subsets[0], parameters.cobert.domains[0]
        self._everyday, self._everyday_tests = measured(artifacts.everyday_scores), tested(artifacts.everyday_tests)
        self._rankers = measured(artifacts.ranking_scores).get(subset, {}).get(domain, {})
        self._retrieval = measured(artifacts.retrieval_scores).get(domain, {})

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
        """By which scores the system answers badly, a phrase each; none where nothing is measured."""
        of_everyday = self._feelings(system.name) if isinstance(system, GeneratorSystem) else []
        return self.failures(system) + of_everyday

    def failures(self, system: System) -> list[str]:
        """The same of the test scores alone: a system that fails by them is no good to start with."""
        if isinstance(system, RetrievalSystem):
            return self._of_retrieval()
        return _of_generator(self._generators.get(system.name, {}), self._trained(system))

    def _of_retrieval(self) -> list[str]:
        # The untrained model is what the first recipe starts from; where others start, the studies measure.
        trained, untrained = (
            self._rankers.get(name, {}).get("mrr") for name in (self.parameters.retrieval.recipe, UNTRAINED)
        )
        found, scores = [], self._retrieval
        if trained is not None and untrained is not None and trained <= untrained:
            found.append(f"it ranks test replies no better than {start_title(self.parameters)}")
        if scores.get("mrr_reranked_high", 1.0) < LEAST_MRR:
            among, mrr = f"out of all {scores['replies']:,} test replies", f"MRR {scores['mrr_reranked']:.2f}"
            found.append(f"{among}, it mostly chooses another than the true one ({mrr})")
        return found

    def _feelings(self, name: str) -> list[str]:
        """To whom the system replies as if they felt otherwise: mostly, or clearly more often than an untrained one."""
        scores, found = self._everyday.get(name, {}), []
        for feeling, (being, otherwise) in _FEELINGS.items():
            share = f"right_feeling_{feeling}"
            worse = next((each for each in self._everyday_tests if self._loses(each, name, share)), None)
            if share not in scores or not (worse or scores.get(f"{share}_high", 1.0) < LEAST_RIGHT):
                continue
            beside = f" ({self._words(worse.before)}: {1 - self._everyday[worse.before][share]:.0%})" if worse else ""
            wrong = f"{1 - scores[share]:.0%} of those who are {being} as if they were {otherwise}"
            found.append(f"it answers {wrong}{beside}")
        return found

    def _loses(self, test: Difference, name: str, share: str) -> bool:
        generator = self.parameters.generators.get(test.before)
        against_untrained = generator is not None and not generator.trains
        return against_untrained and test.worse and (test.after, test.score) == (name, share)

    def _words(self, name: str) -> str:
        return generator_names(self.parameters.generators)[name]

    def _trained(self, system: GeneratorSystem) -> bool:
        return self.parameters.generators[system.generator].trains


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
