"""The card of a trained generator."""

from typing import Any

from attune.export.facts import Facts, table
from attune.generators.loading import Card
from attune.generators.prompts import Example, prompt_text
from attune.parameters.methods import METHODS

# The scores of metrics/generators_intervals.json that the card shows, and those of them for the hub's index.
_SHOWN = ("perplexity", "similarity", "emotion_match", "replies_words", "replies_truncated", "replies_repeated_3grams")
_INDEXED = ("perplexity", "similarity")
_SAID = "I had such a hard day at work today."
_VARIANTS = {"": "as it is", "+rag": "with retrieved passages", "+persona_rag": "with passages reranked by CoBERT"}
_TEXT = """
# {name}

Writes one reply in a conversation. Made from `{base}` by {method}, in Attune, a reproducible pipeline for persona-based
empathetic conversation.

## Intended use

Research on empathy in conversation, such as comparing ways to adapt a small language model. It is no crisis line, no
therapist and no source of facts; do not put it before people in need.

## Use

{use}

## Data

{data}

A tenth of the train conversations was held out to choose the weights; test conversations were read by no training.

## Training

Seed {seed}, {threads} thread(s) of torch; the same parameters give the same bits on one machine. {time}

{settings}

## Test scores

With 95 % intervals in parentheses, where one was estimated, from this one training: they cover the draw of test
conversations, not that of the seed. Perplexity is of the reply's tokens alone.

{scores}

## Limitations

- {parameters:,} parameters are few: replies can be wrong, unkind or beside the point.
- English only; prompt and reply were at most {length} tokens in training.
- Perplexity compares models with the same tokenizer only.
- The text it was trained on, and that of its base, has biases that were not measured.

## Licence

The code is under GPL-3.0; the weights are also subject to the licences of the data and of the base.
"""


def text(name: str, use: str, card: Card, facts: Facts) -> str:
    """README.md of the generator `name`; use: how it is used, Markdown."""
    settings = facts.parameters.generators.get(name)
    measured = {
        variant: {each.name: each for each in facts.scores("generators_intervals.json", f"{name}{variant}")}
        for variant in _VARIANTS
    }
    rows = [
        (label, *(measured[variant][score].shown if score in measured[variant] else "" for score in _SHOWN))
        for variant, label in _VARIANTS.items()
        if measured[variant]
    ]
    results = [
        facts.result("text-generation", card.corpus, measured[""][each]) for each in _INDEXED if each in measured[""]
    ]
    entry, method = facts.parameters.bases.get(card.base), METHODS[card.method]
    base = entry.model if entry else card.base  # since training the entry may have been renamed
    tags = ["conversational", "empathetic-conversation", "attune"]
    head = facts.front_matter(
        name, card.corpus, base, results, library_name="transformers", pipeline_tag="text-generation", tags=tags
    )
    values = {} if settings is None else settings.model_dump(exclude_none=True)
    return head + _TEXT.format(
        name=name,
        use=use,
        base=base,
        method=f"{method.title} ({method.paper})" if method.paper else method.title,
        data=facts.data_sentences(card.corpus),
        seed=facts.parameters.seed,
        threads=facts.parameters.threads,
        time=facts.training_time(f"train_generator@{name}"),
        settings=table(values.items(), "key", "value"),
        scores=table(rows, "prompt", *_SHOWN) if rows else "Not measured.",
        parameters=card.parameters,
        length=card.max_length,
    )


def in_place(folder: str, base: str) -> str:
    """How a generator is used where its training wrote it; folder and base as they are named from the project's."""
    return f"""From the project's folder, with the base in `{base}`:

```python
from attune import Generator

generator = Generator.from_pretrained("{folder}")
print(generator.reply(["{_SAID}"]).text)
```"""


def exported(folder: str, card: Card, tokenizer: Any) -> str:
    """How an exported generator is used, with the prompt that its training had."""
    if tokenizer.chat_template:
        messages = [{"role": "system", "content": card.instruction}] if card.instruction else []
        messages.append({"role": "user", "content": _SAID})
        options = 'add_generation_prompt=True, return_tensors="pt", return_dict=True'
        prompt = f"inputs = tokenizer.apply_chat_template({messages!r}, {options})"
    else:
        example = Example("card", "card", card.roles, card.instruction, (), _SAID, "")
        prompt = f'inputs = tokenizer({prompt_text(example, 0, True, (), tokenizer)!r}, return_tensors="pt")'
    return f"""With transformers alone:

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{folder}")
model = AutoModelForCausalLM.from_pretrained("{folder}")
{prompt}
written = model.generate(**inputs, max_new_tokens=48, do_sample=False, pad_token_id=tokenizer.eos_token_id)
print(tokenizer.decode(written[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))
```

With Attune, which drops the oldest turns where a conversation is too long: `Generator.from_pretrained("{folder}")`."""
