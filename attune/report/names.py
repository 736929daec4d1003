"""Systems as people call them: the names of params.yaml and of the evaluation's tables, in words."""

from collections import Counter
from collections.abc import Mapping, Sequence

from attune.corpora import dialogue_corpora, record_of
from attune.evaluation.generation.summary import TARGETS, system_of
from attune.evaluation.ranking import baselines
from attune.evaluation.ranking.summary import UNTRAINED
from attune.evaluation.schemas import NO_PERSONA, ORACLE_RAG, OTHER_PERSONA, OTHER_RAG, PERSONA_RAG, RAG, RETRIEVED
from attune.parameters import Parameters
from attune.parameters.cobert import Cobert
from attune.parameters.generators import GeneratorSettings
from attune.parameters.methods import METHODS

# What a variant of a generator's prompts adds to its name.
VARIANTS = {
    RAG: " + passages",
    PERSONA_RAG: " + reranked passages",
    ORACLE_RAG: " + ideal passages",
    OTHER_RAG: " + another message's passages",
    NO_PERSONA: ", told none",
    OTHER_PERSONA: ", told another person's",
}


# Ways to match whose names in words have hyphens or capitals.
_WAYS = {
    "bi_encoder": "bi-encoder",
    "poly_encoder": "poly-encoder",
    "cross_encoder": "cross-encoder",
    "max_sim": "MaxSim",
}


def generator_names(generators: Mapping[str, GeneratorSettings]) -> dict[str, str]:
    """Each generator's name in words, from its method and data; where two are the same, with its key in brackets."""
    words = {name: _generator(settings) for name, settings in generators.items()}
    count = Counter(words.values())
    return {name: each if count[each] == 1 else f"{each} ({name})" for name, each in words.items()}


def system_names(settings: Parameters) -> dict[str, str]:
    """The name in words of every system that an evaluation's table may hold, by the name that it has there."""
    names = ranker_names(settings) | {RETRIEVED: "CoBERT's retrieval", TARGETS: "True replies"}
    for name, words in generator_names(settings.generators).items():
        names |= {name: words, f"base of {name}": f"the base of {words}"}
        names |= {system_of(name, variant): words + ending for variant, ending in VARIANTS.items()}
    return names


def ranking_name(model: str) -> str:
    """A way to match, by the name that the tables have for it, in words."""
    return (baselines.BASELINES | _WAYS).get(model) or model.replace("_", " ")


def ranker_names(settings: Parameters) -> dict[str, str]:
    """The name in words of the ranking model that is not called after its recipe."""
    return {UNTRAINED: start_title(settings)}


def start_title(settings: Parameters) -> str:
    """The model that tables call untrained, beside what other recipes start from: "baseline before training"."""
    return f"{ranking_name(settings.cobert.recipes[0])} before training"


def way_title(model: str, settings: Parameters) -> str:
    """How the pages call a model or a way to match."""
    return start_title(settings) if model == UNTRAINED else ranking_name(model)


def listed(phrases: Sequence[str]) -> str:
    """a, b and c."""
    *others, last = phrases
    return f"{', '.join(others)} and {last}" if others else last


def counted(count: int, singular: str) -> str:
    """1 prompt, 2 prompts, 1,200 prompts."""
    return f"{count:,} {singular}{'' if count == 1 else 's'}"


def mean_title(domains: Sequence[str]) -> str:
    """What a score over these domains is of: "domain all", or "mean of all, happy and offmychest"."""
    return f"mean of {listed(domains)}" if len(domains) > 1 else f"domain {domains[0]}"


def personas_title(settings: Parameters) -> str:
    """The models of the persona ablation: "tuned, small subset, domain all"."""
    ablation = settings.personas
    return f"{ranking_name(ablation.recipe)}, {ablation.subset} subset, domain {ablation.domain}"


def sentences_title(count: str) -> str:
    """How many persona sentences: "5 persona sentences"."""
    return counted(int(count), "persona sentence")


def candidates_title(settings: Cobert) -> str:
    """How many replies each test context is ranked among: "100 candidates"; a batch of contexts may have fewer."""
    return f"{'at most ' if settings.drawn_from == 'in_batch' else ''}{settings.candidates} candidates"


def corpus_title(name: str) -> str:
    return record_of(name).title


def _generator(settings: GeneratorSettings) -> str:
    title = METHODS[settings.method].title
    words = title[0].upper() + title[1:] + (" for RAG" if settings.passage_tokens else "")
    if settings.corpus in {each.name for each in dialogue_corpora()}:
        return words
    return f"{words} on {corpus_title(settings.corpus)}" + (" with persona" if settings.persona_tokens else "")
