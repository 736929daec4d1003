"""Which systems a chat starts with, by what the pipeline has measured; how they decode and what persona they read."""

import math
from collections.abc import Sequence
from typing import Any

from attune.chat.artifacts import missing
from attune.chat.engine import Engine
from attune.chat.measured import measured
from attune.chat.systems import GeneratorSystem, RetrievalSystem
from attune.chat.variety import varied
from attune.core.errors import AttuneError
from attune.corpora import dialogue_corpora, ranking_corpus
from attune.parameters.decoding import Decoding
from attune.report.names import generator_names, listed


def starting_system(engine: Engine) -> str:
    """The generator of conversations that no score marks as bad and that has the lowest perplexity on held-out replies.

    One without passages where there is one, since a perplexity is lower whenever a passage has the true reply. A marked
    one only where there is no other. Before anything is measured, the same order without perplexities, and trained ones
    before others. Where no such generator is ready, the first system that is.
    """
    corpora = {ranking_corpus().name, *(corpus.name for corpus in dialogue_corpora())}
    scores = measured(engine.artifacts.scores)
    ready = [name for name, system in engine.systems.items() if missing(system.artifacts) is None]

    def rank(name: str) -> tuple[bool, bool, float, bool]:
        system = engine.systems[name]
        assert isinstance(system, GeneratorSystem)
        untrained = not engine.parameters.generators[system.generator].trains
        perplexity = scores.get(name, {}).get("perplexity", math.inf)
        marked = bool(engine.measured.failures(system))
        return marked, system.passages is not None, perplexity, untrained

    converse = [name for name in ready if _corpus(engine, name) in corpora]
    return min(converse, key=rank, default=next(iter(ready or engine.systems)))


def _corpus(engine: Engine, name: str) -> str | None:
    """The corpus of a generator; None for a system that retrieves its replies."""
    system = engine.systems[name]
    return engine.parameters.generators[system.generator].corpus if isinstance(system, GeneratorSystem) else None


def require_ready(engine: Engine) -> None:
    """An AttuneError where no system at all can answer; it names what is missing and what writes it."""
    reasons = [missing(system.artifacts) for system in engine.systems.values()]
    if all(reasons):
        raise AttuneError(f"no system can answer yet: {reasons[-1]}")


def answers_questions(engine: Engine, name: str) -> bool:
    """Whether the system is one of the instruction models, which params.yaml puts questions to."""
    return name in engine.parameters.generation.questions.generators


def question_system(engine: Engine) -> str:
    """The first instruction model that is ready; the starting system where none is."""
    for name, system in engine.systems.items():
        if answers_questions(engine, name) and missing(system.artifacts) is None:
            return name
    return starting_system(engine)


def decoding_note(engine: Engine, name: str, sampling: Sequence[float | None] = ()) -> str:
    """How the system decodes, and whether the sweep chose that.

    sampling: temperature, top_k and top_p where people chose them, as `Engine.decoding` takes them.
    """
    system = engine.system(name)
    if not isinstance(system, GeneratorSystem):
        return f"{system.label} retrieves its replies, and decodes nothing."
    decoding = engine.decoding(name, *sampling)
    said_by = "params.yaml says (generation.decoding)" if decoding == engine.decoding(name) else "you chose"
    settings = {key: value for key, value in decoding.model_dump(exclude_defaults=True).items() if key != "method"}
    written = ", ".join([decoding.method, *(f"{key} {value:g}" for key, value in settings.items())])
    note = f"{system.label} decodes as {said_by}: {written}."
    if varied(decoding, attempt=1) != decoding:
        note += " It takes the likeliest word each time; Retry leaves more to chance, for another reply."
    swept = [each for each, points in measured(engine.artifacts.sweep).items() if decoding in _best(points, decoding)]
    if not swept:
        return note
    names = generator_names(engine.parameters.generators)
    by = " and ".join(names.get(each, each) for each in swept)
    return (
        f"{note} The sweep chose these settings on held-out text by the replies of {by}: the first that are within one "
        "standard error of those with the replies most similar to the true ones."
    )


def persona_note(engine: Engine, name: str) -> str:
    """Whether the system replies by the persona and how much of it is read, or which systems do."""
    label = engine.system(name).label
    readers = [each.label for other, each in engine.systems.items() if engine.reads_persona(other)]
    if label not in readers:
        return f"Not read by {label}, but by {listed(readers)}."
    system, settings = engine.system(name), engine.parameters
    if isinstance(system, GeneratorSystem) and system.ranker is None:
        tokens = settings.generators[system.generator].persona_tokens
        return f"Read by {label}, as many sentences as fit into {tokens} tokens."
    reranking = settings.retrieval if isinstance(system, RetrievalSystem) else settings.rag
    limit = settings.recipes[reranking.recipe].num_personas
    return f"Read by CoBERT, at most {limit} sentences."


def _best(points: dict[str, Any], decoding: Decoding) -> list[Decoding]:
    """`decoding` at the point of a sweep that is marked as best; its name is temperature/top_k/top_p."""
    names = [point.split("/") for point, scores in points.items() if scores.get("best")]
    return [
        decoding.sampling(temperature=float(temperature), top_k=int(top_k), top_p=float(top_p))
        for temperature, top_k, top_p in names
    ]
