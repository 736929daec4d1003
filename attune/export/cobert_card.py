"""The card of a trained CoBERT."""

from typing import Any

from attune.core.files import read_csv
from attune.corpora import ranking_corpus
from attune.evaluation.ranking.summary import telling
from attune.export.facts import Facts, table
from attune.parameters.data import Subset

_SHOWN = ("mrr", "r@1", "r@10", "r@50", "loss")
_INDEXED = ("mrr", "r@1", "r@10")
_TEXT = """
# {name}

Ranks replies to a conversation by its context and by the persona of the one who replies: the task of CoBERT (Zhong et
al., "Towards Persona-Based Empathetic Conversational Models", EMNLP 2020). Matcher: `{matching}`; encoder: `{encoder}`.
Made by Attune, a reproducible pipeline for persona-based empathetic conversation.

## Intended use

Research on response selection: putting given replies in order. It writes nothing, judges neither truth nor kindness,
and is no crisis line.

## Use

```python
from attune import Ranker

ranker = Ranker.from_pretrained("{folder}")
print(ranker.rank(["i passed my driving test today !"], ["i love road trips ."], ["congratulations !", "it rains ."]))
```

{weights}

## Data

{data}

Trained on the subset `{subset}` of the domain `{domain}`: {sizes}.

## Training

The {frozen} lowest layers of the encoder were frozen. The weights are those of the epoch with the highest MRR among the
validation replies.{share} {time}

{recipe}

{curve}

## Test scores

Among {candidates} candidates, with 95 % intervals in parentheses, where one was estimated, from this one training: they
cover the draw of test contexts, not that of the seed.

{scores}

## Limitations

- Text is expected as the corpus has it, lower-cased and tokenised; other domains and languages were not tested.
- Contexts above {context_length} word pieces lose their oldest turns, and turns above {turn_length} their end.
- Scores are logits: they compare replies to one context, and nothing else.
- The text it was trained on, and that of its encoder, has biases that were not measured.

## Licence

The code is under GPL-3.0; the weights are also subject to the licences of the data and of the encoder.
"""


_SHARE = " Of what training changed in the encoder, {:.0%} was kept: the share that ranks best in validation."
EXPORTED = "The folder holds all weights; no other is needed."
IN_PLACE = "From the project's folder. The frozen layers' weights are those in `models/base/encoder`."


def text(name: str, folder: str, weights: str, config: Any, facts: Facts) -> str:
    """README.md of the CoBERT `name`, RECIPE-SUBSET-DOMAIN, in `folder`.

    weights: where all of them are, EXPORTED or IN_PLACE. config: the model's CobertConfig.
    """
    recipe, subset, domain = (*name.split("-"), "", "")[:3]
    parameters, corpus = facts.parameters, ranking_corpus().name
    measured = {each.name: each for each in facts.scores("cobert_intervals.json", subset, domain, recipe)}
    scores = {each: measured[each] for each in telling(measured, parameters.cobert.candidates)}
    results = [facts.result("text-ranking", corpus, scores[each]) for each in _INDEXED if each in scores]
    tags = ["cobert", "persona", "retrieval", "empathetic-conversation"]
    head = facts.front_matter(
        name, corpus, parameters.encoder, results, library_name="attune", pipeline_tag="text-ranking", tags=tags
    )
    options = parameters.recipe(recipe) if recipe in parameters.recipes else {}
    sizes = getattr(parameters.subsets, subset, None)
    path = facts.root / "metrics" / "curves" / "cobert" / f"{name}.csv"
    curve = read_csv(path) if path.is_file() else []
    shown = [(each, scores[each].shown) for each in _SHOWN if each in scores]
    return head + _TEXT.format(
        name=name,
        folder=folder,
        weights=weights,
        matching=config.matching,
        encoder=parameters.encoder,
        data=facts.data_sentences(corpus),
        subset=subset,
        domain=domain,
        sizes=_sizes(sizes) if sizes else "sizes unknown",
        frozen=config.frozen_layers,
        share=_SHARE.format(config.trained_share) if options.get("interpolate") else "",
        time=facts.training_time(f"train_cobert@{name}"),
        recipe=table(options.items(), "key", "value") if options else "",
        curve=table((tuple(each.values()) for each in curve), *curve[0]) if curve else "",
        candidates=parameters.cobert.candidates,
        scores=table(shown, "score", "value") if shown else "Not measured.",
        context_length=config.context_length,
        turn_length=config.turn_length,
    )


def _sizes(subset: Subset) -> str:
    """The conversations that a model is trained and tested on: all train, 100 valid, 100 test."""
    sizes = {"train": subset.train, "valid": subset.valid, "test": subset.evaluate or subset.test}
    return ", ".join(f"{'all' if count is None else count} {split}" for split, count in sizes.items())
