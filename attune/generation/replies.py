"""Writing replies: batched, padded on the left, and seeded for each example apart from its batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import (
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from attune.determinism import seeded
from attune.generation.batches import by_length, left_padded
from attune.generation.encoding import encode_prompt
from attune.generation.prompts import Example


@dataclass(frozen=True)
class Decoding:
    """Greedy takes the likeliest token; sampling draws from the tempered top_k (0: all) and top_p of them."""

    sample: bool
    temperature: float
    top_k: int
    top_p: float
    max_new_tokens: int


@dataclass(frozen=True)
class Reply:
    """A reply without its prompt; `cut` says that the length limit came before the end of the turn."""

    text: str
    cut: bool


def write_replies(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    decoding: Decoding,
    room: int,
    batch_size: int,
    seed: int,
) -> list[Reply]:
    """One reply an example, in their order; `room` is the longest prompt in tokens."""
    prompts = [encode_prompt(example, tokenizer, room) for example in examples]
    replies: dict[int, Reply] = {}
    for places in by_length([len(prompt) for prompt in prompts], batch_size):
        draws = torch.stack([_draws(seed, examples[at].id, decoding.max_new_tokens) for at in places])
        written = generate(model, [prompts[at] for at in places], draws, decoding, tokenizer.eos_token_id)
        for at, ids in zip(places, written, strict=True):
            whole = bool(ids) and ids[-1] == tokenizer.eos_token_id
            text = tokenizer.decode(ids[:-1] if whole else ids, skip_special_tokens=True)
            replies[at] = Reply(text.strip(), cut=not whole)
    return [replies[at] for at in range(len(examples))]


def _draws(seed: int, example_id: str, count: int) -> torch.Tensor:
    """The example's own uniform numbers in [0, 1), one a token."""
    own = seeded(seed, "reply", example_id)
    return torch.tensor([own.random() for _ in range(count)], dtype=torch.float64)


@torch.inference_mode()
def generate(
    model: Any, prompts: Sequence[list[int]], draws: torch.Tensor, decoding: Decoding, eos: int
) -> list[list[int]]:
    """New token ids for each prompt, up to and with eos; `draws` is [prompts, max_new_tokens].

    transformers' own `generate` draws one stream for the whole batch, and puts a tuned prompt before the
    padding, where the number of pads moves every position; here the padding comes first of all.
    """
    model.eval()
    base, rows = _embedded(model, prompts)
    embeds, mask = left_padded(rows)
    inputs: dict[str, Any] = {"inputs_embeds": embeds}
    positions, cache = (mask.cumsum(1) - 1).clamp(min=0), None
    tokens: list[torch.Tensor] = []
    ended = torch.zeros(len(prompts), dtype=torch.bool, device=embeds.device)
    for step in range(draws.shape[1]):
        output = base(**inputs, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True)
        chosen = choose(output.logits[:, -1].float(), draws[:, step].to(embeds.device), decoding)
        tokens.append(torch.where(ended, eos, chosen))
        ended |= tokens[-1] == eos
        if ended.all():
            break
        inputs, cache = {"input_ids": tokens[-1][:, None]}, output.past_key_values
        mask = torch.cat([mask, mask.new_ones(len(prompts), 1)], 1)
        positions = positions[:, -1:] + 1
    return [_until(ids, eos) for ids in torch.stack(tokens, 1).tolist()]


def _embedded(model: Any, prompts: Sequence[list[int]]) -> tuple[Any, list[torch.Tensor]]:
    """The model without PEFT's prompt handling, and each prompt's embeddings after the tuned ones."""
    table = model.get_input_embeddings()
    rows = [table(torch.tensor(prompt, device=model.device)) for prompt in prompts]
    config = getattr(model, "active_peft_config", None)
    if config is None or not config.is_prompt_learning:
        return model, rows
    virtual = model.get_prompt(1)[0].to(rows[0].dtype)
    return model.get_base_model(), [torch.cat([virtual, row]) for row in rows]


def choose(logits: torch.Tensor, draws: torch.Tensor, decoding: Decoding) -> torch.Tensor:
    """Token ids [rows] from logits [rows, vocabulary] by inverting the distribution at `draws` [rows]."""
    if not decoding.sample:
        return logits.argmax(-1)
    filters = [TemperatureLogitsWarper(decoding.temperature)]
    filters += [TopKLogitsWarper(decoding.top_k)] if decoding.top_k else []
    filters += [TopPLogitsWarper(decoding.top_p)] if decoding.top_p < 1 else []
    kept = LogitsProcessorList(filters)(None, logits)
    sums = kept.double().softmax(-1).cumsum(-1)
    return (sums <= draws[:, None] * sums[:, -1:]).sum(-1)


def _until(ids: list[int], eos: int) -> list[int]:
    return ids[: ids.index(eos) + 1] if eos in ids else ids
