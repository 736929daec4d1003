"""Which systems can be talked to: every generator of params.yaml, and CoBERT's retrieval."""

from dataclasses import dataclass

from attune.chat.artifacts import Need, Places
from attune.evaluation.generation.summary import system_of
from attune.evaluation.schemas import PLAIN
from attune.parameters import Parameters
from attune.parameters.generators import Generator

COBERT = "cobert"
METHODS = {
    "prompt": "an instruction, no training",
    "prompt_tuning": "prompt tuning",
    "full": "fully fine-tuned",
    "lora": "LoRA",
}
VARIANTS = {
    PLAIN: "",
    "rag": ", with retrieved passages",
    "persona_rag": ", passages ordered by CoBERT for the persona",
}


@dataclass(frozen=True)
class System:
    """`generator` is None for CoBERT's retrieval; `variant`: as the evaluation calls it; `needs`: what it reads."""

    name: str
    title: str
    generator: str | None
    variant: str
    needs: tuple[Need, ...]


def systems(settings: Parameters, places: Places) -> dict[str, System]:
    """By name, as the evaluation's tables call them.

    A generator that was trained to read passages always gets some; one that was not never does, for the evaluation
    shows that they only confuse it.
    """
    title = f"{COBERT}: the reply of the train split that CoBERT ({settings.retrieval.recipe}) finds most apt"
    needs: tuple[Need, ...] = (
        places.embedder,
        places.index("pec"),
        places.cobert(cobert_name(settings, settings.retrieval.recipe)),
    )
    found = {COBERT: System(COBERT, title, None, PLAIN, needs)}
    for name, generator in settings.generators.items():
        for variant in ("rag", "persona_rag") if generator.passage_tokens else (PLAIN,):
            full_name = system_of(name, variant)
            title = f"{full_name}: {METHODS[generator.method]} on {generator.corpus.removesuffix('_rag')}"
            needs = _needs(settings, places, name, generator, variant)
            found[full_name] = System(full_name, title + VARIANTS[variant], name, variant, needs)
    return found


def cobert_name(settings: Parameters, recipe: str) -> str:
    """The folder of the recipe's CoBERT that passages and replies are ordered by."""
    return f"{recipe}-{settings.cobert.subsets[0]}-{settings.cobert.domains[0]}"


def _needs(settings: Parameters, places: Places, name: str, generator: Generator, variant: str) -> tuple[Need, ...]:
    needs: tuple[Need, ...] = (places.base(generator.base), places.generator(name))
    if variant != PLAIN:
        needs += (places.embedder, places.exchanges, places.index("empathetic_dialogues"))
    if variant == "persona_rag":
        needs += (places.cobert(cobert_name(settings, settings.rag.recipe)),)
    return needs
