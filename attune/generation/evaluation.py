"""A generator and its untrained base on the same held-out rows, and the replies that the generator writes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attune.errors import AttuneError
from attune.generation.adapters import load_base, load_generator, load_tokenizer
from attune.generation.encoding import encode_all
from attune.generation.prompts import Example
from attune.generation.replies import Decoding, write_replies
from attune.generation.scores import reply_faults, reply_loss
from attune.generation.splits import sample
from attune.parameters import Generation, Generator

SHORTEST_PROMPT = 16  # tokens; a prompt cut below this holds no question


def evaluate(
    generator: Generator,
    base_folder: Path,
    folder: Path,
    tests: Sequence[Example],
    generation: Generation,
    seed: int,
) -> tuple[dict[str, float], list[dict[str, str]]]:
    """Scores, and rows of id, prompt (the last question), target and reply."""
    scored = sample(tests, generation.perplexity_examples, seed)
    if not scored:
        raise AttuneError(f"{generator.corpus} has no test rows; run the stages subset and preprocess first")
    tokenizer = load_tokenizer(folder)
    encoded = encode_all(scored, tokenizer, generator.max_length)
    base = load_base(base_folder)
    before = reply_loss(base, encoded, tokenizer.eos_token_id, generation.batch_size)
    model = load_generator(folder, base)
    after = reply_loss(model, encoded, tokenizer.eos_token_id, generation.batch_size)
    asked = scored[: generation.reply_examples]
    faults, rows = _replies(model, tokenizer, asked, generator, generation, seed)
    scores = {"perplexity": after.perplexity, "base_perplexity": before.perplexity, **faults}
    counts = {"tokens": after.tokens, "examples": len(scored)}
    return {name: round(score, 4) for name, score in scores.items()} | counts, rows


def _replies(
    model: Any,
    tokenizer: Any,
    asked: Sequence[Example],
    generator: Generator,
    generation: Generation,
    seed: int,
) -> tuple[dict[str, float], list[dict[str, str]]]:
    decoding = Decoding(
        generation.decoding == "sampling",
        generation.temperature,
        generation.top_k,
        generation.top_p,
        generation.max_new_tokens,
    )
    room = _prompt_room(model, generator, generation.max_new_tokens)
    replies = write_replies(model, tokenizer, asked, decoding, room, generation.batch_size, seed)
    faults = reply_faults(
        [example.question for example in asked],
        [reply.text for reply in replies],
        [reply.cut for reply in replies],
    )
    rows = [
        {"id": example.id, "prompt": example.question, "target": example.reply, "reply": reply.text}
        for example, reply in zip(asked, replies, strict=True)
    ]
    return faults, rows


def _prompt_room(model: Any, generator: Generator, max_new_tokens: int) -> int:
    """As long as in training, if the positions also hold the virtual tokens and the reply."""
    positions = getattr(model.config, "max_position_embeddings", None)
    if not positions:
        return generator.max_length
    room = positions - (generator.virtual_tokens or 0) - max_new_tokens
    if room < SHORTEST_PROMPT:
        raise AttuneError(
            f"max_new_tokens = {max_new_tokens} leaves {room} of the {positions} positions of "
            f"{generator.base} for the prompt; lower generation.max_new_tokens"
        )
    return min(generator.max_length, room)
