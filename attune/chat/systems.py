"""The systems that can be chatted with: every generator of params.yaml, and CoBERT's retrieval."""

from dataclasses import dataclass

from attune.chat.artifacts import Artifact, Artifacts
from attune.corpora import corpus, ranking_corpus
from attune.evaluation.generation.summary import system_of
from attune.evaluation.schemas import PLAIN
from attune.generators.methods import METHODS
from attune.parameters import Parameters
from attune.parameters.generators import GeneratorSettings

RETRIEVAL = "cobert"
# The variants with passages, as the evaluation names them: in the index's order, and reranked by CoBERT.
RAG, PERSONA_RAG = "rag", "persona_rag"
VARIANT_TITLES = {
    PLAIN: "",
    RAG: ", with passages",
    PERSONA_RAG: ", with passages reranked by CoBERT for the persona",
}


@dataclass(frozen=True)
class _System:
    """`artifacts`: what the pipeline must have written for it."""

    name: str
    title: str
    artifacts: tuple[Artifact, ...]


@dataclass(frozen=True)
class RetrievalSystem(_System):
    """Replies with a reply from the index of the corpus `replies`, chosen by the CoBERT `ranker`."""

    replies: str
    ranker: str


@dataclass(frozen=True)
class GeneratorSystem(_System):
    """Replies with a generator.

    `passages`: the corpus whose exchanges its prompts get, None for none. `ranker`: the CoBERT that orders the
    passages, None for the index's order. `tokenised`: it reads text as PEC has it, lower-cased and tokenised.
    """

    generator: str
    passages: str | None
    ranker: str | None
    tokenised: bool


System = RetrievalSystem | GeneratorSystem


def systems(parameters: Parameters, artifacts: Artifacts) -> dict[str, System]:
    """The systems by the names that the evaluation's tables give them.

    A generator that was trained with passages always gets them, and no other generator does: the evaluation shows that
    passages only confuse a generator that was trained without.
    """
    generators = (
        _generator(parameters, artifacts, name, settings, variant)
        for name, settings in parameters.generators.items()
        for variant in ((RAG, PERSONA_RAG) if settings.passage_tokens else (PLAIN,))
    )
    every: tuple[System, ...] = (_retrieval(parameters, artifacts), *generators)
    return {system.name: system for system in every}


def _retrieval(parameters: Parameters, artifacts: Artifacts) -> RetrievalSystem:
    replies, ranker = ranking_corpus().name, _cobert(parameters, parameters.retrieval.recipe)
    title = f"{RETRIEVAL}: the reply of the train split that CoBERT ({parameters.retrieval.recipe}) ranks first"
    needed = (artifacts.embedder, artifacts.index(replies), artifacts.encoder, artifacts.cobert(ranker))
    return RetrievalSystem(RETRIEVAL, title, needed, replies, ranker)


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
    system = system_of(name, variant)
    title = f"{system}: {METHODS[settings.method].title} ({corpus(settings.corpus).title}){VARIANT_TITLES[variant]}"
    tokenised = settings.corpus == ranking_corpus().name
    return GeneratorSystem(system, title, tuple(needed), name, passages, ranker, tokenised)


def _cobert(parameters: Parameters, recipe: str) -> str:
    """The folder name of the recipe's CoBERT, trained on the first of the subsets and of the domains."""
    return f"{recipe}-{parameters.cobert.subsets[0]}-{parameters.cobert.domains[0]}"
