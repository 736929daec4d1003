"""One generator on held-out conversations: the loss on the true replies, beside its base's, and its own replies."""

from collections.abc import Mapping, Sequence
from typing import Any

from attune.generators.encoding import Encoded
from attune.generators.prompts import Example
from attune.inference.decoding import Reply
from attune.inference.generator import Generator
from attune.parameters.generators import Decoding, Generation


def evaluate(
    generator: Generator,
    base_nats: Sequence[float],
    variants: Mapping[str, Sequence[Example]],
    decoding: Decoding,
    generation: Generation,
    seed: int,
) -> list[dict[str, Any]]:
    """One row per variant and example, with the columns of `schemas.GENERATED` but `generator`.

    base_nats: -log p of each example's reply under the untrained base. variants: the same examples in the same order,
    with other prompts; the first `generation.reply_examples` of each also get a written reply.
    """
    size = generation.batch_size
    rows = []
    for variant, examples in variants.items():
        nats, encoded = generator.nats(examples, size)
        replies: list[Reply | None] = []
        replies += generator.replies(examples[: generation.reply_examples], decoding, size, seed)
        replies += [None] * (len(examples) - len(replies))
        parts = zip(examples, nats, base_nats, encoded, replies, strict=True)
        rows += [{"variant": variant, **_row(*part)} for part in parts]
    return rows


def _row(example: Example, nats: float, base_nats: float, encoded: Encoded, reply: Reply | None) -> dict[str, Any]:
    return {
        "id": example.id,
        "conversation": example.conversation,
        "prompt": example.question,
        "target": example.reply,
        "tokens": len(encoded.reply),
        "nats": nats,
        "base_nats": base_nats,
        "passages": len(encoded.passages),
        "target_given": any(example.reply.strip() in passage for passage in encoded.passages),
        "reply": reply.text if reply else None,
        "truncated": reply.truncated if reply else None,
    }
