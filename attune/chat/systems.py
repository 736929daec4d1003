"""The systems that can be chatted with: every generator of params.yaml, and CoBERT's retrieval."""

from dataclasses import dataclass

from attune.chat.artifacts import Artifact, Artifacts
from attune.corpora import ranking_corpus, record_of
from attune.corpora.base import Corpus
from attune.evaluation.generation.summary import system_of
from attune.evaluation.schemas import PERSONA_RAG, PLAIN, RAG, RETRIEVED
from attune.parameters import Parameters
from attune.parameters.generators import GeneratorSettings
from attune.report.names import listed, system_names

RETRIEVAL = "cobert"
_PASSAGES = {
    PLAIN: (),
    RAG: ("the most similar exchanges of its training data",),
    PERSONA_RAG: ("similar exchanges of its training data, which CoBERT chooses for the persona",),
}


@dataclass(frozen=True)
class _System:
    """name: as in the evaluation's tables. label: its name in words, as in the report. sentence: how it replies.

    model: what writes or chooses the reply. artifacts: all that the pipeline must have written for it.
    """

    name: str
    label: str
    sentence: str
    model: Artifact
    artifacts: tuple[Artifact, ...]

    @property
    def title(self) -> str:
        return f"{self.name}: {self.label}. {self.sentence}"


@dataclass(frozen=True)
class RetrievalSystem(_System):
    """Replies with a reply from the index of the corpus `replies`, chosen by the CoBERT `ranker`."""

    replies: str
    ranker: str


@dataclass(frozen=True)
class GeneratorSystem(_System):
    """Replies with a generator.

    passages: the corpus whose exchanges its prompts get, None for none. ranker: the CoBERT that orders the
    passages, None for the index's order. tokenised: it reads and writes PEC's wording.
    """

    generator: str
    passages: str | None
    ranker: str | None
    tokenised: bool


System = RetrievalSystem | GeneratorSystem


def systems(parameters: Parameters, artifacts: Artifacts) -> dict[str, System]:
    """The systems by the names that the evaluation's tables give them.

    A generator that was trained with passages always gets them, and no other generator does: each replies as it was
    trained to.
    """
    generators = (
        _generator(parameters, artifacts, name, settings, variant)
        for name, settings in parameters.generators.items()
        for variant in ((RAG, PERSONA_RAG) if settings.passage_tokens else (PLAIN,))
    )
    every: tuple[System, ...] = (_retrieval(parameters, artifacts), *generators)
    return {system.name: system for system in every}


def _retrieval(parameters: Parameters, artifacts: Artifacts) -> RetrievalSystem:
    replies, ranker = ranking_corpus(), _cobert(parameters, parameters.retrieval.recipe)
    sentence = (
        f"Of the replies in {replies.title}, CoBERT chooses the one that suits the conversation and the persona best."
    )
    model = artifacts.cobert(ranker)
    needed = (artifacts.embedder, artifacts.index(replies.name), artifacts.encoder, model)
    label = system_names(parameters)[RETRIEVED]
    return RetrievalSystem(RETRIEVAL, label, sentence, model, needed, replies.name, ranker)


def _generator(
    parameters: Parameters, artifacts: Artifacts, name: str, settings: GeneratorSettings, variant: str
) -> GeneratorSystem:
    needed = [artifacts.base_model(settings.base), artifacts.generator(name)]
    passages = None if variant == PLAIN else settings.corpus
    ranker = _cobert(parameters, parameters.rag.recipe) if variant == PERSONA_RAG else None
    if passages:
        needed += [artifacts.embedder, artifacts.train_rows(passages), artifacts.index(passages)]
    if ranker:
        needed += [artifacts.encoder, artifacts.cobert(ranker)]
    reads = ("the conversation", *(("the persona",) if settings.persona_tokens else ()), *_PASSAGES[variant])
    sentence = (
        f"{_role(record_of(settings.corpus))} The model {parameters.bases[settings.base].model} reads "
        f"{listed(reads)}, and writes the reply."
    )
    tokenised, system = settings.corpus == ranking_corpus().name, system_of(name, variant)
    return GeneratorSystem(
        system, system_names(parameters)[system], sentence,
        artifacts.generator(name), tuple(needed), name, passages, ranker, tokenised,
    )  # fmt: skip


def _role(source: Corpus) -> str:
    """What a generator of the corpus does, a sentence."""
    if source.has_passages:
        return f"It listens as in {source.title}."
    if source.name == ranking_corpus().name:
        return f"It chats as in {source.title}."
    return f"It answers questions as in {source.title}."


def _cobert(parameters: Parameters, recipe: str) -> str:
    """The folder name of the recipe's CoBERT, trained on the first of the subsets and of the domains."""
    return f"{recipe}-{parameters.cobert.subsets[0]}-{parameters.cobert.domains[0]}"
