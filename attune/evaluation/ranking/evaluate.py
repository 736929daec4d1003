"""The ranking test: each context's true response among candidates of the test split, the same for all models."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from torch import Tensor

from attune.cobert.examples import examples
from attune.cobert.inputs import TokenSequence
from attune.cobert.scoring import States, encode, lower_cache, scores
from attune.core.files import read_parquet
from attune.evaluation.ranking.candidates import candidates
from attune.evaluation.ranking.summary import about
from attune.inference.ranker import Ranker
from attune.metrics.ranking import ranked
from attune.parameters.cobert import Cobert as CobertSettings

# Contexts whose states are in memory at once, with those of their personas.
CONTEXTS = 256


@dataclass(frozen=True)
class RankingTest:
    """Test contexts, each with its candidates, the true response first.

    contexts: rows with id, context (turns), personas (sentences) and response. frozen_states: number of frozen layers
    -> their output, which is computed once for all models that freeze as many; so all that are tested must share their
    encoder. Tests may share it, too.
    """

    contexts: Sequence[dict[str, Any]]
    candidates: Sequence[Sequence[str]]
    frozen_states: dict[int, States] = field(default_factory=dict)

    @classmethod
    def load(
        cls,
        processed: Path,
        subset: str,
        domain: str,
        settings: CobertSettings,
        seed: int,
        frozen_states: dict[int, States] | None = None,
    ) -> "RankingTest":
        """The contexts that models of a subset and domain are ranked on.

        processed: the stage preprocess' folder; settings: `cobert` of params.yaml; frozen_states: another test's.

        Raises
        ------
        AttuneError
            if the test split has fewer distinct replies than `settings.candidates`.
        """
        rows = read_parquet(processed / "evaluate" / subset / f"{domain}.parquet")
        pool = [row["response"] for row in read_parquet(processed / "candidates" / f"{domain}.parquet")]
        drawn = candidates(rows, pool, settings.candidates, seed, settings.drawn_from)
        return cls(rows, drawn, {} if frozen_states is None else frozen_states)

    def rank(self, ranker: Ranker, contexts: Sequence[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        """As `evaluate`. `contexts` replaces the test's, with other personas for instance."""
        lower = self.frozen_states.setdefault(ranker.model.config.frozen_layers, {})
        return evaluate(ranker, self.contexts if contexts is None else contexts, self.candidates, lower)


def evaluate(
    ranker: Ranker,
    rows: Sequence[dict[str, Any]],
    texts: Sequence[Sequence[str]],
    lower: States | None = None,
) -> list[dict[str, Any]]:
    """One row per context: id, cluster, rank, loss (nats), response (the true one) and first (the one ranked first).

    texts: each context's candidates, the true response first. lower: output of the frozen layers, from a model that
    freezes the same number of the same encoder; what is missing is computed and added to it.

    Each distinct candidate is encoded once, and its states are kept; those of CONTEXTS contexts are dropped together.
    """
    replies = {text: ranker.inputs.response(text) for text in chain.from_iterable(texts)}
    known: States = {}
    found: list[dict[str, Any]] = []
    for start in range(0, len(rows), CONTEXTS):
        chunk, given = rows[start : start + CONTEXTS], texts[start : start + CONTEXTS]
        logits = _scores(ranker, chunk, [[replies[text] for text in each] for each in given], known, lower)
        found += [
            about(row) | ranked(values.tolist(), each, logits=True)
            for row, values, each in zip(chunk, logits, given, strict=True)
        ]
    return found


def _scores(
    ranker: Ranker,
    rows: Sequence[dict[str, Any]],
    replies: Sequence[Sequence[TokenSequence]],
    known: States,
    lower: States | None,
) -> list[Tensor]:
    """The scores of each context's candidates. known: the states of candidates so far, to which new ones are added."""
    parts = examples(rows, ranker.inputs)
    sequences = [
        sequence
        for each, responses in zip(parts, replies, strict=True)
        for sequence in (each.context, each.persona, *responses)
        if sequence not in known
    ]
    states = known | encode(ranker.model, sequences, lower_cache(ranker.model, sequences, lower))
    known |= {reply: states[reply] for reply in chain.from_iterable(replies) if reply in states}
    contexts, personas = [each.context for each in parts], [each.persona for each in parts]
    return scores(ranker.model, states, contexts, personas, replies)
