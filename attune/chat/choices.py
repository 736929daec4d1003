"""Which systems a chat starts with, and how their generators decode, by what the pipeline has measured."""

import math
from typing import Any

from attune.chat.artifacts import Artifact, missing
from attune.chat.engine import Engine
from attune.chat.systems import GeneratorSystem
from attune.core.files import read_json
from attune.corpora import dialogue_corpora
from attune.generators.methods import METHODS
from attune.parameters.decoding import Decoding


def starting_system(engine: Engine) -> str:
    """The generator of conversations, without passages, with the lowest perplexity on held-out replies.

    Before it is measured, the first trained one; where no such generator is ready, the first system that is.
    """
    measured, corpora = _measured(engine.artifacts.scores), {corpus.name for corpus in dialogue_corpora()}

    def rank(name: str) -> tuple[float, bool]:
        untrained = METHODS[engine.parameters.generators[name].method].adapt is None
        return measured.get(name, {}).get("perplexity", math.inf), untrained

    ready = [name for name, system in engine.systems.items() if missing(system.artifacts) is None]
    plain = [name for name in ready if name in engine.parameters.generators]  # with passages, it has another name
    converses = [name for name in plain if engine.parameters.generators[name].corpus in corpora]
    return min(converses, key=rank, default=next(iter(ready or engine.systems)))


def answers_questions(engine: Engine, name: str) -> bool:
    """Whether the system is one of the instruction models, which params.yaml puts questions to."""
    return name in engine.parameters.generation.questions.generators


def question_system(engine: Engine) -> str:
    """The first instruction model that is ready; the starting system where none is."""
    for name, system in engine.systems.items():
        if answers_questions(engine, name) and missing(system.artifacts) is None:
            return name
    return starting_system(engine)


def decoding_note(engine: Engine, name: str) -> str:
    """How the system decodes unless it is told otherwise, and whether the sweep found that best."""
    system = engine.system(name)
    if not isinstance(system, GeneratorSystem):
        return f"{name} retrieves its replies, and decodes nothing."
    decoding = engine.decoding(name)
    settings = {key: value for key, value in decoding.model_dump(exclude_defaults=True).items() if key != "method"}
    written = ", ".join([decoding.method, *(f"{key} {value:g}" for key, value in settings.items())])
    note = f"{name} decodes as params.yaml says (generation.decoding): {written}."
    swept = [each for each, points in _measured(engine.artifacts.sweep).items() if decoding in _best(points, decoding)]
    if not swept:
        return note
    return f"{note} The sweep found these settings best on held-out text, by the replies of {' and '.join(swept)}."


def _best(points: dict[str, Any], decoding: Decoding) -> list[Decoding]:
    """`decoding` at the point of a sweep that is marked as best; its name is temperature/top_k/top_p."""
    names = [point.split("/") for point, scores in points.items() if scores.get("best")]
    return [
        decoding.sampling(temperature=float(temperature), top_k=int(top_k), top_p=float(top_p))
        for temperature, top_k, top_p in names
    ]


def _measured(scores: Artifact) -> dict[str, Any]:
    """The pipeline's scores; none where it has not measured yet."""
    return read_json(scores.path) if scores.path.is_file() else {}
