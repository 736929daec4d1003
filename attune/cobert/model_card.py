"""The model card of a trained CoBERT: data, recipe, scores and how to load it."""

from typing import Any

_TEXT = """---
library_name: transformers
license: gpl-3.0
language: en
tags: [text-ranking, retrieval, persona, empathetic-conversation]
---

# {name}

Ranks replies to a conversation by context and by the persona of who replies, the task of CoBERT (Zhong et al., "Towards
Persona-Based Empathetic Conversational Models", EMNLP 2020); `matching` below says how. For research; no help line.

## Data

{train} conversations of PEC's layout for training, {valid} for validation. The weights carry what PEC's licence and the
encoder's say, beside the code's GPL-3.0.

## Recipe

| key | value |
|---|---|
{recipe}

## Validation scores, every distinct validation reply a candidate

| epoch | loss (nats) | MRR | R@1 |
|---|---|---|---|
{scores}

The weights are those of the trained epoch with the highest MRR; epoch 0 is the model before training. Test scores with
their intervals are in the pipeline's `metrics/`.

## Use

```python
from pathlib import Path

from attune.inference.ranker import saved

model, inputs = saved(Path("{name}"))
```
"""


def model_card(name: str, recipe: dict[str, Any], sizes: dict[str, int], curve: list[dict[str, Any]]) -> str:
    """`sizes`: conversations by split. `curve`: a row an epoch, as `attune.cobert.training.train` returns it."""
    return _TEXT.format(
        name=name,
        **sizes,
        recipe="\n".join(f"| {key} | {value} |" for key, value in recipe.items()),
        scores="\n".join(
            f"| {row['epoch']} | {row['valid_loss']} | {row['valid_mrr']} | {row['valid_r@1']} |" for row in curve
        ),
    )
