"""One generator on held-out conversations: the loss on the true replies, beside its base's, and its own replies."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attune.core.errors import AttuneError
from attune.generators.encoding import Encoded
from attune.generators.loading import load_base, load_generator, load_tokenizer
from attune.generators.prompts import Example
from attune.inference.decoding import Reply
from attune.inference.generator import _ready
from attune.parameters.generators import Decoding, Generation, Generator


def evaluate(
    generator: Generator,
    base: Path,
    folder: Path,
    variants: Mapping[str, Sequence[Example]],
    plain: Sequence[Example],
    decoding: Decoding,
    generation: Generation,
    passages: int,
    seed: int,
) -> list[dict[str, Any]]:
    """A row a variant and example, as `schemas.GENERATED` has it but for `generator`.

    `variants`: the same examples as each variant has them read, with or without passages; the first
    `generation.reply_examples` are also replied to. `plain`: the same, for the untrained base, without instruction.
    """
    if not plain:
        raise AttuneError(f"{generator.corpus} has no test rows; run the stages subset and preprocess first")
    size = generation.batch_size
    base_model = load_base(base, generator.load_in_4bit)
    untrained = _ready(generator, base_model, load_tokenizer(folder), generation.max_new_tokens, passages)
    base_nats, _ = untrained.nats(plain, size)
    trained = _ready(
        generator, load_generator(folder, base_model), untrained.tokenizer, generation.max_new_tokens, passages
    )
    rows = []
    for variant, examples in variants.items():
        nats, read = trained.nats(examples, size)
        asked = examples[: generation.reply_examples]
        replies: list[Reply | None] = [*trained.replies(asked, decoding, size, seed)]
        replies += [None] * (len(examples) - len(replies))
        rows += [
            {"variant": variant, **_row(*each)} for each in zip(examples, nats, base_nats, read, replies, strict=True)
        ]
    return rows


def _row(example: Example, nats: float, base_nats: float, read: Encoded, reply: Reply | None) -> dict[str, Any]:
    return {
        "id": example.id,
        "conversation": example.conversation,
        "prompt": example.question,
        "target": example.reply,
        "tokens": len(read.reply),
        "nats": nats,
        "base_nats": base_nats,
        "passages": len(read.passages),
        "target_given": any(example.reply.strip() in passage for passage in read.passages),
        "reply": reply.text if reply else None,
        "cut": reply.cut if reply else None,
    }
