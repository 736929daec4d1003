"""The model card of a trained CoBERT: data, recipe, scores and how to use it."""

from pathlib import Path
from typing import Any

_TEXT = """---
library_name: transformers
tags: [text-ranking, retrieval, persona, empathetic-conversation]
---

# {name}

Ranks replies to a conversation by its context and the persona of the person who replies: the task of CoBERT (Zhong et
al., "Towards Persona-Based Empathetic Conversational Models", EMNLP 2020). `matching` below names the matcher. A
research prototype, not a crisis line.

## Data

{train} conversations for training and {valid} for validation, from `{data}`. The weights are subject to the licences of
these data and of the encoder; the code is under GPL-3.0.

## Recipe

| key | value |
|---|---|
{recipe}

## Validation scores

The candidates of each context are {candidates}.

| epoch | loss (nats) | MRR | R@1 |
|---|---|---|---|
{scores}

{kept}
Test scores with their 95 % intervals are in the pipeline's `metrics/`, and on the card that
`python -m attune.export {folder} TARGET` writes.

## Use

`model.safetensors` holds the weights that training may change. Frozen layers, if the recipe has any, are read from the
encoder that training started from: `../../base/encoder`, or the folder given as `encoder`.

```python
from attune import Ranker

ranker = Ranker.from_pretrained("{folder}")
print(ranker.rank(["i passed my driving test today !"], ["i love road trips ."], ["congratulations !", "it rains ."]))
```
"""
_BEST = "The weights are those of the trained epoch with the highest MRR; epoch 0 is the untrained model."
_UNTRAINED = (
    "The weights are those of the untrained model, epoch 0: nothing that training changed ranks better in validation, "
    "so that neither the encoder's change nor the matcher's was kept."
)
_SHARE = (
    "\nOf what training changed in the encoder, a share of {share:g} was kept: the one that ranks best in validation."
)
_CANDIDATES = "all distinct validation replies"


def model_card(
    folder: Path,
    data: Path,
    recipe: dict[str, Any],
    sizes: dict[str, int],
    curve: list[dict[str, Any]],
    share: float | None,
) -> str:
    """The card as Markdown.

    folder, data: of the model and of its training data, relative to the project's root. sizes: conversations in "train"
    and "valid". curve: one row per epoch, as `attune.cobert.training.train` returns it. share: the model's
    `trained_share`.
    """
    count = recipe["valid_candidates"]
    return _TEXT.format(
        name=folder.name,
        folder=folder.as_posix(),
        data=data.as_posix(),
        **sizes,
        candidates=_CANDIDATES if count is None else f"its own reply and at most {count - 1} other validation replies",
        kept=_kept(share) if recipe["interpolate"] else _BEST,
        recipe="\n".join(f"| {key} | {value} |" for key, value in recipe.items()),
        scores="\n".join(
            f"| {row['epoch']} | {row['valid_loss']} | {row['valid_mrr']} | {row['valid_r@1']} |" for row in curve
        ),
    )


def _kept(share: float | None) -> str:
    return _UNTRAINED if share is None else _BEST + _SHARE.format(share=share)
