"""Decoding replies: in batches padded on the left, with random numbers drawn per example and not per batch."""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig

from attune.core.batching import by_length
from attune.core.determinism import seeded
from attune.generators.chat_templates import end_of_reply
from attune.generators.encoded import Encoded
from attune.generators.encoding import Room, encode_prompt
from attune.generators.prompts import Example
from attune.inference.cache import last_logits, left_padded, read_rows, select_rows
from attune.inference.next_token import choose_each, processors
from attune.inference.reply import Reply, reply_of, up_to_stop
from attune.inference.true_replies import TrueReplies
from attune.parameters.decoding import Decoding

GREEDY = Decoding(method="greedy")


@dataclass(frozen=True)
class Limits:
    """tokens: the longest reply; stop_token_ids: the tokens that end one, without which it counts as truncated."""

    tokens: int
    stop_token_ids: tuple[int, ...]


def stop_token_ids(model: Any, tokenizer: Any, lines: bool) -> tuple[int, ...]:
    """The tokens that end a reply: end-of-text, what the chat template ends a turn with, those that the model's
    configuration names and, with `lines`, newlines.

    lines: whether a reply is one line. A line break is then the end of a turn in the format of
    `attune.generators.prompts`; a chat template marks the end itself, so that it adds no newlines.
    """
    configured = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    ids = {tokenizer.eos_token_id, end_of_reply(tokenizer)}
    ids |= set(configured if isinstance(configured, list) else [configured] if configured is not None else [])
    if lines and not tokenizer.chat_template:
        size = len(tokenizer)
        texts = tokenizer.batch_decode([[token] for token in range(size)], clean_up_tokenization_spaces=False)
        ids |= {token for token, text in enumerate(texts) if "\n" in text}
    return tuple(sorted(ids))


def write_replies(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    decoding: Decoding | Sequence[Decoding],
    limits: Limits,
    room: Room,
    batch_size: int,
    seed: int,
) -> list[Reply]:
    """One reply per example, in order; prompts are truncated to `room`. A reply does not depend on its batch.

    decoding: for all examples, or one for each, of which none is then beam search.
    """
    prompts = [encode_prompt(example, tokenizer, room).ids for example in examples]
    replies: dict[int, Reply] = {}
    for positions in by_length([len(prompt) for prompt in prompts], batch_size):
        draws = torch.stack([_draws(seed, examples[at].id, limits.tokens) for at in positions])
        own = decoding if isinstance(decoding, Decoding) else [decoding[at] for at in positions]
        written = generate(model, [prompts[at] for at in positions], draws, own, limits)
        for at, ids in zip(positions, written, strict=True):
            replies[at] = reply_of(tokenizer, ids, limits.stop_token_ids)
    return [replies[at] for at in range(len(examples))]


def score_and_write(
    model: Any, tokenizer: Any, rows: Sequence[Encoded], decoding: Decoding, limits: Limits, batch_size: int, seed: int
) -> list[tuple[float, Reply]]:
    """-log p of each row's reply in nats, as `reply_nats` has it, and a reply written to the same prompt.

    Each prompt is read once for both, so that the model must be one that `keeps_all` and `decoding` no beam search. On
    out-of-memory it starts anew with half of the `batch_size` rows at a time.
    """
    try:
        return _score_and_write(model, tokenizer, rows, decoding, limits, batch_size, seed)
    except torch.OutOfMemoryError:
        if batch_size == 1:
            raise
    torch.cuda.empty_cache()
    return score_and_write(model, tokenizer, rows, decoding, limits, batch_size // 2, seed)


def _score_and_write(
    model: Any, tokenizer: Any, rows: Sequence[Encoded], decoding: Decoding, limits: Limits, batch_size: int, seed: int
) -> list[tuple[float, Reply]]:
    found: dict[int, tuple[float, Reply]] = {}
    for positions in by_length([len(row.prompt) for row in rows], batch_size):
        draws = torch.stack([_draws(seed, rows[at].id, limits.tokens) for at in positions])
        true = TrueReplies([rows[at].reply for at in positions])
        written = generate(model, [rows[at].prompt for at in positions], draws, decoding, limits, true)
        for at, nats, ids in zip(positions, true.nats, written, strict=True):
            found[at] = nats, reply_of(tokenizer, ids, limits.stop_token_ids)
    return [found[at] for at in range(len(rows))]


def stream_reply(
    model: Any, tokenizer: Any, name: str, prompt: list[int], decoding: Decoding, limits: Limits, seed: int
) -> Iterator[Reply]:
    """The reply that `write_replies` gives to the example with the id `name`, after each token.

    An unfinished reply is marked as truncated, and an unfinished character at its end is left out.
    """
    draws = _draws(seed, name, limits.tokens)[None]
    for written in _growing(model, [prompt], draws, decoding, limits):
        ids = up_to_stop(written[0].tolist(), limits.stop_token_ids)
        yield reply_of(tokenizer, ids, limits.stop_token_ids, finished=written.shape[1] == limits.tokens)


def _draws(seed: int, name: str, count: int) -> torch.Tensor:
    """[count] uniform numbers in [0, 1) for the example with the id `name`, one per token."""
    draws = seeded(seed, "reply", name)
    return torch.tensor([draws.random() for _ in range(count)], dtype=torch.float64)


def generate(
    model: Any,
    prompts: Sequence[list[int]],
    draws: torch.Tensor,
    decoding: Decoding | Sequence[Decoding],
    limits: Limits,
    true: TrueReplies | None = None,
) -> list[list[int]]:
    """New token ids for each prompt, up to and including the first stop token; `draws` is [prompts, limits.tokens].

    decoding: as for `write_replies`. true: replies to be scored besides, as `score_and_write` may.

    transformers' `generate` draws from one stream for the whole batch, and puts virtual tokens before the padding,
    so that positions depend on the batch; here the padding comes before everything else.
    """
    *_, written = _growing(model, prompts, draws, decoding, limits, true)
    return [up_to_stop(ids, limits.stop_token_ids) for ids in written.tolist()]


@torch.inference_mode()
def _growing(
    model: Any,
    prompts: Sequence[list[int]],
    draws: torch.Tensor,
    decoding: Decoding | Sequence[Decoding],
    limits: Limits,
    true: TrueReplies | None = None,
) -> Iterator[torch.Tensor]:
    """[rows, tokens so far] after each step; of beam search, the final result alone."""
    model.eval()
    distinct: dict[tuple[int, ...], int] = {}
    which = [distinct.setdefault(tuple(prompt), len(distinct)) for prompt in prompts]
    base, rows = _embedded(model, [*distinct])
    if not isinstance(decoding, Decoding):
        yield from _tokens(base, rows, which, draws, decoding, limits, true)
    elif decoding.method == "beam":
        yield _beams(base, *left_padded([rows[at] for at in which]), decoding, limits)
    else:
        yield from _tokens(base, rows, which, draws, [decoding] * len(which), limits, true)


def _tokens(
    base: Any,
    prompts: Sequence[torch.Tensor],
    which: Sequence[int],
    draws: torch.Tensor,
    decodings: Sequence[Decoding],
    limits: Limits,
    true: TrueReplies | None,
) -> Iterator[torch.Tensor]:
    """[rows, tokens so far], one more token of every row per step, until all rows have ended.

    which: the prompt of each row.
    """
    cache, mask, logits = read_rows(base, prompts, which, max(limits.tokens, true.longest if true else 0))
    if true:
        true.score(base, cache, mask, logits)
    positions = mask.sum(1, keepdim=True)
    stops = torch.tensor(limits.stop_token_ids, device=mask.device)
    draws = draws.to(mask.device, torch.float32 if mask.device.type == "mps" else torch.float64)  # MPS has no float64
    written = torch.full((len(mask), limits.tokens), limits.stop_token_ids[0], device=mask.device)
    rows = torch.arange(len(mask), device=mask.device)  # those that are still computed
    ended = torch.zeros(len(mask), dtype=torch.bool, device=mask.device)
    for step in range(limits.tokens):
        own = [decodings[row] for row in rows.tolist()]
        chosen = choose_each(logits.float(), draws[rows, step], own, written[rows, :step])
        chosen = torch.where(ended[rows], stops[0], chosen)
        written[rows, step] = chosen
        ended[rows] |= torch.isin(chosen, stops)
        yield written[:, : step + 1]
        if ended.all() or step + 1 == limits.tokens:
            break
        if 4 * ended[rows].sum() >= len(rows):  # seldom enough to pay for copying what the others have in the cache
            going = (~ended[rows]).nonzero()[:, 0]
            select_rows(cache, going)
            rows, chosen, mask, positions = rows[going], chosen[going], mask[going], positions[going]
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], 1)
        inputs = {"input_ids": chosen[:, None], "attention_mask": mask, "position_ids": positions}
        logits = base(**inputs, past_key_values=cache, use_cache=True, **last_logits(base)).logits[:, -1]
        positions = positions + 1


def _beams(base: Any, embeds: torch.Tensor, mask: torch.Tensor, decoding: Decoding, limits: Limits) -> torch.Tensor:
    """[rows, at most limits.tokens] by transformers' beam search, which draws no random numbers."""
    # Otherwise the model's generation_config.json, with a penalty for instance, would fill what is not set here.
    plain = copy(base)  # with the same weights: another thread may be using `base`
    plain.generation_config = GenerationConfig()
    return plain.generate(
        inputs_embeds=embeds,
        attention_mask=mask,
        do_sample=False,
        num_beams=decoding.beams,
        early_stopping=decoding.early_stopping,
        logits_processor=processors(decoding),
        max_new_tokens=limits.tokens,
        max_length=None,
        eos_token_id=list(limits.stop_token_ids),
        pad_token_id=limits.stop_token_ids[0],
    )


def _embedded(model: Any, prompts: Sequence[Sequence[int]]) -> tuple[Any, list[torch.Tensor]]:
    """The model without PEFT's prompt handling, and the embeddings of each prompt, preceded by the virtual tokens."""
    table = model.get_input_embeddings()
    rows = [table(torch.tensor(prompt, device=model.device)) for prompt in prompts]
    config = getattr(model, "active_peft_config", None)
    if config is None:
        return model, rows
    if not config.is_prompt_learning:
        return model.get_base_model(), rows
    virtual = model.get_prompt(1)[0].to(rows[0].dtype)
    return model.get_base_model(), [torch.cat([virtual, row]) for row in rows]
