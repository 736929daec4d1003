"""Writing replies: batched, padded on the left, and seeded for each example apart from its batch."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessorList,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from attune.core.determinism import seeded
from attune.generators.batches import by_length, left_padded
from attune.generators.encoding import Room, encode_prompt
from attune.generators.prompts import Example
from attune.parameters.generators import Decoding


@dataclass(frozen=True)
class Limits:
    """`tokens`: the longest reply; `stops`: the tokens that end one. A reply that none of them ends is cut."""

    tokens: int
    stops: tuple[int, ...]


@dataclass(frozen=True)
class Reply:
    """A reply without its prompt; `cut` says that the length limit came before the end of the turn."""

    text: str
    cut: bool


def stops_of(model: Any, tokenizer: Any, lines: bool) -> tuple[int, ...]:
    """The tokens that end a turn: those that the model itself names and, with `lines`, those that end a line.

    In the format of `attune.generators.prompts` a line is a turn, but for answers of several lines.
    """
    own = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    named = {tokenizer.eos_token_id, *(own if isinstance(own, list) else [own] if own is not None else [])}
    if lines and not tokenizer.chat_template:
        size = len(tokenizer)
        texts = tokenizer.batch_decode([[token] for token in range(size)], clean_up_tokenization_spaces=False)
        named |= {token for token, text in enumerate(texts) if "\n" in text}
    return tuple(sorted(named))


def write_replies(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    decoding: Decoding,
    limits: Limits,
    room: Room,
    batch_size: int,
    seed: int,
) -> list[Reply]:
    """One reply an example, in their order; prompts are cut to `room`."""
    prompts = [encode_prompt(example, tokenizer, room).ids for example in examples]
    replies: dict[int, Reply] = {}
    for places in by_length([len(prompt) for prompt in prompts], batch_size):
        draws = torch.stack([_draws(seed, examples[at].id, limits.tokens) for at in places])
        written = generate(model, [prompts[at] for at in places], draws, decoding, limits)
        for at, ids in zip(places, written, strict=True):
            replies[at] = _reply(tokenizer, ids, limits)
    return [replies[at] for at in range(len(examples))]


def stream_reply(
    model: Any, tokenizer: Any, name: str, prompt: list[int], decoding: Decoding, limits: Limits, seed: int
) -> Iterator[Reply]:
    """The reply that `write_replies` gives to the example of that id, after each token.

    While it grows, it is cut, and its last letter whole.
    """
    draws = _draws(seed, name, limits.tokens)[None]
    for written in _growing(model, [prompt], draws, decoding, limits):
        reply = _reply(tokenizer, until(written[0].tolist(), limits.stops), limits)
        growing = reply.cut and written.shape[1] < limits.tokens
        # A token may hold the first bytes of a letter alone.
        yield replace(reply, text=reply.text.rstrip("\ufffd")) if growing else reply


def _reply(tokenizer: Any, ids: list[int], limits: Limits) -> Reply:
    whole = bool(ids) and ids[-1] in limits.stops
    return Reply(_text(tokenizer, ids, whole), cut=not whole)


def _text(tokenizer: Any, ids: list[int], whole: bool) -> str:
    """The reply without its end; a token that ends a line may begin with the line's last mark."""
    text = tokenizer.decode(ids[:-1] if whole else ids, skip_special_tokens=True)
    last = tokenizer.decode(ids[-1:], skip_special_tokens=True) if whole else ""
    return (text + last.split("\n")[0]).strip()


def _draws(seed: int, example_id: str, count: int) -> torch.Tensor:
    """The example's own uniform numbers in [0, 1), one a token."""
    own = seeded(seed, "reply", example_id)
    return torch.tensor([own.random() for _ in range(count)], dtype=torch.float64)


def generate(
    model: Any, prompts: Sequence[list[int]], draws: torch.Tensor, decoding: Decoding, limits: Limits
) -> list[list[int]]:
    """New token ids for each prompt, up to and with the first stop; `draws` is [prompts, limits.tokens].

    transformers' own `generate` draws one stream for the whole batch, and puts a tuned prompt before the
    padding, where the number of pads moves every position; here the padding comes first of all.
    """
    *_, written = _growing(model, prompts, draws, decoding, limits)
    return [until(ids, limits.stops) for ids in written.tolist()]


@torch.inference_mode()
def _growing(
    model: Any, prompts: Sequence[list[int]], draws: torch.Tensor, decoding: Decoding, limits: Limits
) -> Iterator[torch.Tensor]:
    """[rows, tokens so far], after each step; beams show theirs at the end alone."""
    model.eval()
    base, rows = _embedded(model, prompts)
    embeds, mask = left_padded(rows)
    if decoding.method == "beam":
        yield _beams(base, embeds, mask, decoding, limits)
    else:
        yield from _tokens(base, embeds, mask, draws, decoding, limits)


def _tokens(
    base: Any, embeds: torch.Tensor, mask: torch.Tensor, draws: torch.Tensor, decoding: Decoding, limits: Limits
) -> Iterator[torch.Tensor]:
    """[rows, tokens so far], a token a step for all rows together, until all have ended."""
    inputs: dict[str, Any] = {"inputs_embeds": embeds}
    positions, cache = (mask.cumsum(1) - 1).clamp(min=0), None
    stops = torch.tensor(limits.stops, device=embeds.device)
    written = torch.empty(len(mask), 0, dtype=torch.long, device=embeds.device)
    ended = torch.zeros(len(mask), dtype=torch.bool, device=embeds.device)
    for step in range(limits.tokens):
        output = base(**inputs, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True)
        chosen = choose(output.logits[:, -1].float(), draws[:, step].to(embeds.device), decoding, written)
        chosen = torch.where(ended, stops[0], chosen)
        written = torch.cat([written, chosen[:, None]], 1)
        ended |= torch.isin(chosen, stops)
        yield written
        if ended.all():
            break
        inputs, cache = {"input_ids": chosen[:, None]}, output.past_key_values
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], 1)
        positions = positions[:, -1:] + 1


def _beams(base: Any, embeds: torch.Tensor, mask: torch.Tensor, decoding: Decoding, limits: Limits) -> torch.Tensor:
    """[rows, at most limits.tokens], by transformers' beam search; nothing is drawn in it."""
    # What a model's own generation_config.json asks for, a penalty say, would come in where nothing is set.
    own, base.generation_config = base.generation_config, GenerationConfig()
    try:
        return base.generate(
            inputs_embeds=embeds,
            attention_mask=mask,
            do_sample=False,
            num_beams=decoding.beams,
            early_stopping=decoding.early_stopping,
            logits_processor=_processors(decoding),
            max_new_tokens=limits.tokens,
            max_length=None,
            eos_token_id=list(limits.stops),
            pad_token_id=limits.stops[0],
        )
    finally:
        base.generation_config = own


def _embedded(model: Any, prompts: Sequence[list[int]]) -> tuple[Any, list[torch.Tensor]]:
    """The model without PEFT's prompt handling, and each prompt's embeddings after the tuned ones."""
    table = model.get_input_embeddings()
    rows = [table(torch.tensor(prompt, device=model.device)) for prompt in prompts]
    config = getattr(model, "active_peft_config", None)
    if config is None:
        return model, rows
    if not config.is_prompt_learning:
        return model.get_base_model(), rows
    virtual = model.get_prompt(1)[0].to(rows[0].dtype)
    return model.get_base_model(), [torch.cat([virtual, row]) for row in rows]


def choose(logits: torch.Tensor, draws: torch.Tensor, decoding: Decoding, written: torch.Tensor) -> torch.Tensor:
    """Token ids [rows] from logits [rows, vocabulary]; sampling inverts the distribution at `draws` [rows].

    Penalty and barred n-grams look at `written` [rows, tokens] alone: a reply may take up the words of its prompt.
    """
    logits = _processors(decoding)(written, logits)
    if decoding.method == "greedy":
        return logits.argmax(-1)
    sums = logits.double().softmax(-1).cumsum(-1)
    return (sums <= draws[:, None] * sums[:, -1:]).sum(-1)


def _processors(decoding: Decoding) -> LogitsProcessorList:
    found: list[Any] = []
    if decoding.repetition_penalty != 1:
        found.append(RepetitionPenaltyLogitsProcessor(decoding.repetition_penalty))
    if decoding.no_repeat_ngram:
        found.append(NoRepeatNGramLogitsProcessor(decoding.no_repeat_ngram))
    if decoding.method == "sampling":
        found.append(TemperatureLogitsWarper(decoding.temperature))
        found += [TopKLogitsWarper(decoding.top_k)] if decoding.top_k else []
        found += [TopPLogitsWarper(decoding.top_p)] if decoding.top_p < 1 else []
    return LogitsProcessorList(found)


def until(ids: list[int], stops: Collection[int]) -> list[int]:
    """Up to and with the first of `stops`."""
    return next((ids[: at + 1] for at, token in enumerate(ids) if token in stops), ids)
