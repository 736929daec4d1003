"""The card of a trained CoBERT."""

from pathlib import Path
from typing import Any, NamedTuple

from attune.core.files import read_csv
from attune.corpora import ranking_corpus
from attune.evaluation.ranking.summary import telling
from attune.export.facts import INSTALL, Facts, Score, table
from attune.export.measured import NO_SCORES, OF_COBERT, is_of, no_scores
from attune.export.recorded import UNRECORDED, Training, changes, of_study
from attune.parameters import Parameters
from attune.parameters.data import Subset
from attune.training.precision import as_trained

_SHOWN = ("mrr", "r@1", "r@10", "r@50", "loss")
_INDEXED = ("mrr", "r@1", "r@10")
_TEXT = """
# {name}

{task} (Zhong et
al., "Towards Persona-Based Empathetic Conversational Models", EMNLP 2020). Matcher: `{matching}`; encoder: `{encoder}`.
Made by Attune, a reproducible pipeline for persona-based empathetic conversation.

## Intended use

Research on response selection: putting given replies in order. It writes nothing, judges neither truth nor kindness,
and is no crisis line.

## Use

```python
from attune import Ranker

ranker = Ranker.from_pretrained("{folder}")
print(ranker.rank(["i passed my driving test today !"], {persona}, ["congratulations !", "it rains ."]))
```

{weights}

## Data

{data}

{trained_on}

## Training

The {frozen} lowest layers of the encoder were frozen. {kept} {time}

{recipe}
{unrecorded}
{curve}

## Test scores

{scores}

## Limitations

- Text is expected as the corpus has it, lower-cased and tokenised; other domains and languages were not tested.
- Contexts above {context_length} word pieces lose their oldest turns. {limits}
- Scores are logits: they compare replies to one context, and nothing else.
- The text it was trained on, and that of its encoder, has biases that were not measured.

## Licence

The code is under GPL-3.0; the weights are also subject to the licences of the data and of the encoder.
"""


_BEST = (
    "The weights are those of the trained epoch with\nthe highest MRR among the validation replies; epoch 0 is the "
    "untrained model."
)
_UNTRAINED = "The weights are those of the untrained model: nothing that training changed ranks better in validation."
_SHARE = " Of what training changed in the encoder, {:.0%} was kept: the share that ranks best in validation."
_TASK = "Ranks replies to a conversation by its context and by the persona of the one who replies: the task of CoBERT"
_WITHOUT_PERSONA = "Ranks replies to a conversation by its context alone, with a CoBERT that reads no persona"
_LIMITS = "The first turn loses its end above {}, later turns\n  and replies above {}{}."
_SENTENCES = ", and sentences of the persona above {1}; only the first {0} are read"
EXPORTED = f"The folder holds all weights; no other is needed.\n\n{INSTALL}"
_TRAINED_ON = "Trained on the subset `{}` of the domain `{}`: {}."
_SCORES = (
    "Among {} candidates, with 95 % intervals in parentheses, where one was estimated, from this one training: they\n"
    "cover the draw of test contexts, not that of the seed.\n\n{}"
)
IN_PLACE = "From the project's folder. The frozen layers' weights are those in `models/base/encoder`."


class _Origin(NamedTuple):
    """The training of a CoBERT, as far as its folder tells; empty where it does not.

    scores: the keys of its scores in the file of its place's measurement. stage: the one that trained it alone.
    """

    recipe: str = ""
    subset: str = ""
    domain: str = ""
    scores: tuple[str, ...] = ()
    stage: str = ""


def text(model: Path, folder: str, weights: str, config: Any, facts: Facts) -> str:
    """README.md of the CoBERT in the folder `model`, for its place in `folder`.

    weights: where all of them are, EXPORTED or IN_PLACE. config: the model's CobertConfig.
    """
    name, place, parameters, corpus = model.name, facts.place(model), facts.parameters, ranking_corpus().name
    origin = _origin(name, place, parameters)
    scores, unmeasured = _scores(f"{place}/{name}", origin, facts) if origin.scores else ({}, NO_SCORES)
    results = [facts.result("text-ranking", corpus, scores[each]) for each in _INDEXED if each in scores]
    tags = ["cobert", *(["persona"] if config.num_personas else []), "retrieval", "empathetic-conversation"]
    # Without a library, a hub takes a folder with a config.json for one that transformers loads.
    head = facts.front_matter(
        name, corpus, parameters.encoder, results, library_name="attune", pipeline_tag="text-ranking", tags=tags
    )
    options = parameters.recipe(origin.recipe) if origin.recipe in parameters.recipes else {}
    options |= {"seed": facts.seed(place), "num_personas": config.num_personas} if options else {}
    options = as_trained(options, getattr(config, "training_precision", "")) if options else {}
    path = facts.root / "metrics" / "curves" / place / f"{name}.csv"
    curve = read_csv(path) if path.is_file() else []
    recorded = training(model, facts)
    shown = table([(each, scores[each].shown) for each in _SHOWN if each in scores], "score", "value")
    return head + _TEXT.format(
        name=name,
        folder=folder,
        weights=weights,
        matching=config.matching,
        encoder=parameters.encoder,
        data=facts.data_sentences(corpus),
        trained_on=_trained_on(origin, place, parameters),
        frozen=config.frozen_layers,
        kept=_kept(config.trained_share, bool(options.get("interpolate"))),
        time=facts.training_time(origin.stage),
        recipe=table(options.items(), "key", "value") if options else "",
        unrecorded=f"\n{UNRECORDED}\n" if recorded and changes(facts.root, recorded) is None else "",
        curve=table((tuple(each.values()) for each in curve), *curve[0]) if curve else "",
        scores=_SCORES.format(parameters.cobert.candidates, shown) if scores else unmeasured,
        context_length=config.context_length,
        **_of_inputs(config),
    )


def _of_inputs(config: Any) -> dict[str, str]:
    """What depends on how much the model reads, and on whether that includes a persona."""
    from attune.cobert.inputs import FIRST_TURN, PERSONA_SENTENCE  # torch takes seconds to import

    count, turn = config.num_personas, config.turn_length
    sentences = _SENTENCES.format(count, PERSONA_SENTENCE) if count else ""
    return {
        "task": _TASK if count else _WITHOUT_PERSONA,
        "persona": '["i love road trips ."]' if count else "[]",
        "limits": _LIMITS.format(max(turn, FIRST_TURN), turn, sentences),
    }


def training(model: Path, facts: Facts) -> Training | None:
    """The training of the CoBERT in the folder `model`; None for a copy, of which the card has no parameters."""
    place, parameters, corpus = facts.place(model), facts.parameters, ranking_corpus().name
    origin = _origin(model.name, place, parameters)
    if not origin.recipe:
        return None
    recipe = parameters.recipes.get(origin.recipe)
    # The top level's, where the recipe leaves them to it.
    general = [key for key in ("lr", "max_length") if recipe and getattr(recipe, key) is None]
    read = ["seed", "threads", f"recipes.{origin.recipe}", *general]
    shown = {
        "base_encoders@encoder": ["encoder"],
        f"download@{corpus}": ["source", f"corpora.{corpus}"],
        f"subset@{corpus}": ["seed", "subsets"],
    }
    if place.startswith("seeds/"):
        stage = of_study(f"train_seeds@{place.partition('/')[2]}")
        return Training(stage, {stage: [*read, "seeds.varies"], **shown})
    study = ["personas.recipe", "personas.subset", "personas.domain"] if place == "personas" else []
    return Training(origin.stage, {"recipes": [*read, "launcher", *study], **shown})


def _origin(name: str, place: str, parameters: Parameters) -> _Origin:
    """By the names that the stages give their models; place: as `Facts.place` has it."""
    match ["seeds" if place.startswith("seeds/") else place, *name.split("-")]:
        case ["cobert", recipe, subset, domain]:
            return _Origin(recipe, subset, domain, (subset, domain, recipe), f"train_cobert@{name}")
        case ["compared", recipe, subset, domain]:
            stage = of_study(f"train_compared@{recipe}-{domain}")
            return _Origin(recipe, subset, domain, (domain, recipe), stage)
        case ["personas", count]:
            study, stage = parameters.personas, of_study(f"train_personas@{count}")
            return _Origin(study.recipe, study.subset, study.domain, (count,), stage)
        case ["seeds", recipe, domain]:
            return _Origin(recipe, parameters.cobert.subsets[0], domain)
    return _Origin()


def _scores(model: str, origin: _Origin, facts: Facts) -> tuple[dict[str, Score], str]:
    """The test scores of the CoBERT at `model` in models/ that tell something, by name, or why there are none."""
    measurement = OF_COBERT[model.partition("/")[0]]
    measured = {each.name: each for each in facts.scores(measurement.file, *origin.scores)}
    if not measured:
        return {}, NO_SCORES
    if not is_of(facts.root, f"models/{model}", origin.stage, measurement):
        return {}, no_scores(measurement)
    return {each: measured[each] for each in telling(measured, facts.parameters.cobert.candidates)}, ""


def _kept(share: float | None, interpolates: bool) -> str:
    if share is None:
        return _UNTRAINED
    return _BEST + _SHARE.format(share) if interpolates or share != 1 else _BEST


def _trained_on(origin: _Origin, place: str, parameters: Parameters) -> str:
    """The conversations that it was trained and tested on: all train, 100 valid, 100 test; empty where not known."""
    subset: Subset | None = getattr(parameters.subsets, origin.subset, None)
    if subset is None:
        return ""
    tested = parameters.subsets.large if place == "personas" else subset
    counts = {"train": subset.train, "valid": subset.valid, "test": tested.evaluate or tested.test}
    sizes = ", ".join(f"{'all' if count is None else count} {split}" for split, count in counts.items())
    return _TRAINED_ON.format(origin.subset, origin.domain, sizes)
