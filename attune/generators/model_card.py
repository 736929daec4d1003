"""The model card of a generator: data, recipe, losses and how to load it."""

from collections.abc import Sequence
from typing import Any

from attune.parameters.generators import Generator

_TEXT = """---
library_name: transformers
license: gpl-3.0
language: en
tags: [text-generation, empathetic-conversation]
---

# {name}

Writes replies: {method} on the base `{base}`. For research; no help line.

## Data

The {examples} replies of {corpus}'s train split, less those of held-out conversations. The weights carry
what the corpus' licence (the README's table) and the base's say, beside the code's GPL-3.0.

## Recipe

| key | value |
|---|---|
{recipe}

## Loss in nats a reply token

| step | training | held-out train conversations |
|---|---|---|
{losses}

A `small` base was pretrained on all train conversations, also on those held out here.
Scores on test conversations, with their intervals, are in the pipeline's `metrics/`.

## Use

```python
from pathlib import Path

from attune.inference.generator import loaded
from attune.parameters import load

generator = load().generators["{name}"]
folders = Path("models/base/{base}"), Path("models/generators/{name}")
ready = loaded(generator, *folders, max_new_tokens=96, passages={passages})
reply = write_replies(
    ready.model, ready.tokenizer, examples([row]), Decoding(method="greedy"), ready.limits, ready.writing, 1, seed=13
)[0]
```

`row` is one of the processed parquet files'; `write_replies` is in `attune.generators.replies`, `examples` in
`attune.generators.prompts`, `Decoding` in `attune.parameters.generators`.
"""
_METHODS = {
    "prompt": "an instruction, and no training,",
    "full": "all weights trained",
    "prompt_tuning": "prompt tuning (Lester et al. 2021)",
    "lora": "LoRA (Hu et al. 2021)",
}


def model_card(name: str, generator: Generator, examples: int, curve: Sequence[dict[str, Any]]) -> str:
    """`examples`: replies of the train split. `curve`: as `attune.generators.training.train` returns it."""
    given = {key: value for key, value in generator.model_dump().items() if value is not None}
    return _TEXT.format(
        name=name,
        method=_METHODS[generator.method],
        base=generator.base,
        corpus=generator.corpus,
        examples=examples,
        passages=generator.passage_tokens,
        recipe="\n".join(f"| {key} | {value} |" for key, value in given.items()),
        losses="\n".join(
            f"| {row['step']} | {row.get('train_loss', '')} | {row['valid_loss']} |"
            for row in curve
            if "valid_loss" in row
        ),
    )
