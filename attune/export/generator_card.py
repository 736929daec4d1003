"""The card of a trained generator."""

from pathlib import Path
from typing import Any

from attune.corpora import ranking_corpus
from attune.export.facts import INSTALL, Facts, Score, table
from attune.export.measured import NO_SCORES, is_of, no_scores, of_generator
from attune.export.recorded import UNRECORDED, Training, changes, of_study
from attune.generators.card_example import WORDING, Asked, asked
from attune.generators.chat_templates import messages_of
from attune.generators.encoding import Room, encode_prompt
from attune.generators.held_out import HELD_OUT_ROWS, HELD_OUT_SHARE, MEASURED_ROWS
from attune.generators.loading import Card
from attune.generators.prompts import PERSONA, Example, prompt_parts
from attune.parameters.methods import METHODS
from attune.training.precision import as_trained

# The scores of metrics/generators_intervals.json that the card shows, and those of them for the hub's index.
_SHOWN = ("perplexity", "similarity", "emotion_match", "replies_words", "replies_truncated", "replies_repeated_3grams")
_INDEXED = ("perplexity", "similarity")
_MANY = 10**9  # parameters from which on the card does not call a model small
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
{held_out}
## Training

{training}

{settings}

## Test scores

With 95 % intervals in parentheses, where one was estimated{draws}. Perplexity is of the reply's tokens alone{given}.

{scores}

## Limitations

- {replies} can be wrong, unkind or beside the point.
- {language} and reply {most}.
- Perplexity compares models with the same tokenizer only.
- {texts} has biases that were not measured.

## Licence

The code is under GPL-3.0; the weights are also subject to the licences of the data and of the base.
"""
_HELD_OUT = f"""
Held out from training were about {100 * HELD_OUT_SHARE:.0f} % of the train conversations and at most {HELD_OUT_ROWS}
replies, but one conversation at least. The loss on at most {MEASURED_ROWS} of these replies chose the weights.
No training read the test conversations.
"""
# What depends on whether there was a training at all.
_TRAINED = {
    "held_out": _HELD_OUT,
    "training": "{pinned}{time}{unrecorded}",
    "draws": ", from this one training: they cover the draw of test\nconversations, not that of the seed",
    "most": "were at most {length} tokens in training{passages}",
    "texts": "The text it was trained on, and that of its base,",
}
_PINNED = "Seed {seed}, {threads} thread(s) of torch; the same parameters give the same bits on one machine. "
_UNTRAINED = {
    "held_out": "",
    "training": "There was none: the weights are those of the base.",
    "draws": ": they cover the draw of test conversations",
    "most": "are scored up to {length} tokens{passages}",
    "texts": "The text of its base",
}


def text(model: Path, use: str, card: Card, facts: Facts) -> str:
    """README.md of the generator in the folder `model`; use: how it is used, Markdown."""
    name, place = model.name, facts.place(model)
    is_main = place == "generators"  # scores are kept by the names of these alone
    settings = facts.parameters.generators.get(name) if is_main or place.startswith("seeds/") else None
    measured, unmeasured = _scores(name, facts) if is_main else ({}, NO_SCORES)
    rows = [
        (label, *(measured[variant][score].shown if score in measured[variant] else "" for score in _SHOWN))
        for variant, label in _VARIANTS.items()
        if variant in measured
    ]
    plain = measured.get("", {})
    results = [facts.result("text-generation", card.corpus, plain[each]) for each in _INDEXED if each in plain]
    entry, method = facts.parameters.bases.get(card.base), METHODS[card.method]
    base = entry.model if entry else card.base  # since training the entry may have been renamed
    tags = ["conversational", "empathetic-conversation", "attune"]
    more: dict[str, Any] = {"library_name": "transformers", "pipeline_tag": "text-generation", "tags": tags}
    head = facts.front_matter(name, card.corpus, entry.model if entry else "", results, **more)
    values = {} if settings is None else as_trained(settings.model_dump(exclude_none=True), card.precision)
    return head + _TEXT.format(
        name=name,
        use=use,
        base=base,
        method=f"{method.title} ({method.paper})" if method.paper else method.title,
        data=facts.data_sentences(card.corpus),
        given=", with the persona in the prompt" if card.persona_tokens else "",
        settings=table(values.items(), "key", "value") if values else "",
        scores=table(rows, "prompt", *_SHOWN) if rows else unmeasured,
        replies=f"{card.parameters:,} parameters are few: replies" if card.parameters < _MANY else "Replies",
        language="English only; prompt" if facts.is_english(card.corpus) else "Prompt",
        **_of_training(model, card, facts),
    )


def _scores(name: str, facts: Facts) -> tuple[dict[str, dict[str, Score]], str]:
    """The generator's test scores by variant of the prompt and by name, or why there are none."""
    measurement = of_generator(name)
    found = {variant: facts.scores(measurement.file, f"{name}{variant}") for variant in _VARIANTS}
    if not any(found.values()):
        return {}, NO_SCORES
    if not is_of(facts.root, f"models/generators/{name}", f"train_generator@{name}", measurement):
        return {}, no_scores(measurement)
    return {variant: {each.name: each for each in scores} for variant, scores in found.items() if scores}, ""


def _of_training(model: Path, card: Card, facts: Facts) -> dict[str, str]:
    """What the card says of the training, or of there having been none."""
    parts = _TRAINED if METHODS[card.method].trains else _UNTRAINED
    place = facts.place(model)
    seed = facts.seed(place)
    pinned = _PINNED.format(seed=seed, threads=facts.parameters.threads) if seed else ""
    time = facts.training_time(f"train_generator@{model.name}" if place == "generators" else "")
    recorded = training(model, card, facts)
    unrecorded = f"\n\n{UNRECORDED}" if recorded and changes(facts.root, recorded) is None else ""
    passages = f", and {card.passage_tokens} of passages" if card.passage_tokens else ""
    values = {"pinned": pinned, "time": time, "unrecorded": unrecorded, "length": card.max_length, "passages": passages}
    return {key: part.format(**values) for key, part in parts.items()}


def training(model: Path, card: Card, facts: Facts) -> Training | None:
    """The training of the generator in the folder `model`; None for a copy, of which the card has no parameters."""
    place = facts.place(model)
    shown = {
        f"base_models@{card.base}": [f"bases.{card.base}"],
        f"download@{card.corpus}": ["source", f"corpora.{card.corpus}"],
    }
    own = ["seed", "threads", f"generators.{model.name}"]
    if place == "generators":
        stage = f"train_generator@{model.name}"
        return Training(stage, {stage: [*own, "launcher"], **shown})
    if place.startswith("seeds/"):
        stage = of_study(f"train_seeds@{place.partition('/')[2]}")
        return Training(stage, {stage: [*own, "seeds.varies"], **shown})
    return None


def in_place(folder: str, base: str, card: Card) -> str:
    """How a generator is used where its training wrote it; folder and base as they are named from the project's."""
    return f"""From the project's folder, with the base in `{base}`:

```python
from attune import Generator

generator = Generator.from_pretrained("{folder}")
print(generator.reply({_asked(card).arguments}).text)
```{_about_prompts(card)}"""


def exported(folder: str, card: Card, tokenizer: Any) -> str:
    """How an exported generator is used, with the prompt that its training had."""
    return f"""With transformers alone:

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{folder}")
model = AutoModelForCausalLM.from_pretrained("{folder}")
{_inputs(card, tokenizer)}
written = model.generate(**inputs, max_new_tokens=48, do_sample=False, pad_token_id=tokenizer.eos_token_id)
print(tokenizer.decode(written[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))
```{_about_prompts(card)}

With Attune, which drops the oldest turns where a conversation is too long: `Generator.from_pretrained("{folder}")`.

{INSTALL}"""


def _asked(card: Card) -> Asked:
    return asked(_is_tokenised(card), card.persona_tokens > 0)


def _is_tokenised(card: Card) -> bool:
    return card.corpus == ranking_corpus().name


def _about_prompts(card: Card) -> str:
    """What the example does not say of the prompts: a paragraph, or nothing."""
    sentences = []
    trained = METHODS[card.method].trains
    if trained and _is_tokenised(card):
        sentences.append(WORDING)
    if card.persona_tokens:
        sentences.append(f"A persona may have {card.persona_tokens} tokens.")
    if card.passage_tokens:
        had = "In training, half of the prompts had" if trained else "A prompt may have"
        sentences.append(
            f"{had} retrieved passages before the conversation, of at most {card.passage_tokens} tokens together; this "
            "one has none."
        )
    return "\n\n" + " ".join(sentences) if sentences else ""


def _inputs(card: Card, tokenizer: Any) -> str:
    """The line of code that makes `inputs`: the first of several ways that gives the ids which `Generator` reads.

    The last way, the ids themselves, is always right, but says nothing to a reader.
    """
    message, persona = _asked(card)
    example = Example("card", "card", card.roles, card.instruction, (), message, "", persona=persona)
    wanted = encode_prompt(example, tokenizer, Room(card.max_length, persona=card.persona_tokens)).ids
    if tokenizer.chat_template:
        about = PERSONA.format(sentences=" ".join(example.persona)) if example.persona else ""
        system = "\n\n".join(filter(None, (card.instruction.strip(), about)))
        messages = messages_of(tokenizer, system, example.turns, card.roles)
        ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]
        ways = {f".apply_chat_template({messages!r}, add_generation_prompt=True, return_dict=True": ids}
    else:
        text = prompt_parts(example, 0, True, (), tokenizer, example.persona).text
        begun = f"{tokenizer.bos_token or ''}{text}"  # some tokenizers, such as GPT-2's, do not add it themselves
        ways = {
            f"({text!r}": tokenizer(text)["input_ids"],
            f"({begun!r}, add_special_tokens=False": tokenizer(begun, add_special_tokens=False)["input_ids"],
        }
    ways[f".pad({{'input_ids': [{wanted}]}}, padding=False"] = wanted
    way = next(way for way, ids in ways.items() if ids == wanted)
    return f'inputs = tokenizer{way}, return_tensors="pt")'
