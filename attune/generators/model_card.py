"""The model card of a generator: what it is, its data, its settings, its losses, and how to use it."""

from collections.abc import Mapping, Sequence
from typing import Any

from attune.generators.card_example import WORDING, asked
from attune.generators.held_out import HELD_OUT_ROWS, MEASURED_ROWS
from attune.generators.learning_curve import summary
from attune.parameters.generators import GeneratorSettings
from attune.parameters.methods import METHODS
from attune.training.precision import as_trained

_TEXT = """---
library_name: transformers
tags: [text-generation, conversation, empathy]
---

# {name}

Writes replies in a conversation. Base: `{base}`; method: {method}. A research prototype, not a crisis line.

## Use

From the project's folder:

```python
from attune import Generator
generator = Generator.from_pretrained("models/generators/{name}")
print(generator.reply({asked}).text)
```
{wording}
The base is read from `models/base/{base}`; name another folder with `base=`.

## Data

{data} The corpus' and the base's licences
apply to the weights, beside the code's GPL-3.0; the README lists the corpora's.

## Settings

| key | value |
|---|---|
{settings}

## Loss in nats per reply token

| step | training | held-out train conversations |
|---|---|---|
{losses}

In short: {summary}. Scores on test conversations, with 95 % intervals, are in the pipeline's `metrics/`; `python -m
attune.export models/generators/{name} TARGET` writes a card with them.
"""

_TRAINED = (
    "Of the {examples} replies of the train split of {corpus}, at most {held_out}, or those of one longer\n"
    "conversation, were held out. Training went through the others {epochs:.2f} times. The loss on at most {measured}\n"
    "of those held out chose the weights."
)
_UNTRAINED = (
    "None was trained on. The loss below is that of at most {measured} replies of the train split of\n{corpus}."
)


def model_card(
    name: str,
    settings: GeneratorSettings,
    examples: int,
    curve: Sequence[Mapping[str, Any]],
    tokenised: bool,
    precision: str = "",
) -> str:
    """README.md of the generator `name`.

    examples: replies in the train split. curve: as `attune.generators.training.train` returns it. tokenised: whether
    its corpus has PEC's wording. precision: as in card.json.
    """
    method = METHODS[settings.method]
    data = (_TRAINED if settings.trains else _UNTRAINED).format(
        corpus=settings.corpus,
        examples=examples,
        held_out=HELD_OUT_ROWS,
        measured=MEASURED_ROWS,
        epochs=max(row["epoch"] for row in curve),
    )
    values = {key: value for key, value in settings.model_dump().items() if value not in (None, "")}
    return _TEXT.format(
        name=name,
        method=f"{method.title} ({method.paper})" if method.paper else method.title,
        base=settings.base,
        data=data,
        asked=asked(tokenised, settings.persona_tokens > 0).arguments,
        wording=f"\n{WORDING}\n" if tokenised and settings.trains else "",
        settings="\n".join(f"| {key} | {value} |" for key, value in as_trained(values, precision).items()),
        summary=summary(curve),
        losses="\n".join(
            f"| {row['step']} | {row.get('train_loss', '')} | {row['valid_loss']} |"
            for row in curve
            if "valid_loss" in row
        ),
    )
