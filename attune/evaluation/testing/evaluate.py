"""One generator on held-out conversations: the loss on the true replies, beside its base's, and its own replies."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from attune.core.text import repeated
from attune.evaluation.testing.sampling import about
from attune.evaluation.testing.variants import Variant
from attune.generators.encoded import Encoded
from attune.generators.prompts import Example
from attune.inference.generator import Generator
from attune.inference.reply import Reply
from attune.parameters.decoding import Decoding
from attune.parameters.generation import Generation


def evaluate(
    generator: Generator,
    base_nats: Mapping[str, float],
    variants: Sequence[Variant],
    decoding: Decoding,
    generation: Generation,
    seed: int,
) -> list[dict[str, Any]]:
    """One row per variant and example, with the columns of `schemas.GENERATED` but `generator`.

    base_nats: -log p of each example's reply under the untrained base, by the example's id, in all variants. The first
    `generation.reply_examples` of each replied variant also get a written reply. All variants are scored, and all
    replies are written, together: the more rows in a batch, the less time each takes.
    """
    size = generation.batch_size
    asked = {part.name: part.examples[: generation.reply_examples if part.replied else 0] for part in variants}
    answered = [each for part in asked.values() for each in part]
    replied = iter(generator.nats_and_replies(answered, decoding, size, seed))
    others = [draw for part in variants for draw in (part.examples[len(asked[part.name]) :], *part.redrawn)]
    scored = iter(zip(*generator.nats([each for draw in others for each in draw], size), strict=True))
    rows = []
    for variant in variants:
        first: list[tuple[float, Encoded, Reply | None]] = [next(replied) for _ in asked[variant.name]]
        first += [(*next(scored), None) for _ in variant.examples[len(first) :]]
        redrawn = [[next(scored)[0] for _ in each] for each in variant.redrawn]
        for example, (nats, encoded, reply), *further in zip(variant.examples, first, *redrawn, strict=True):
            row = _row(example, encoded, variant.passage_replies, reply)
            mean = fmean([nats, *further])
            rows.append({"variant": variant.name, "nats": mean, "base_nats": base_nats[example.id], **row})
    return rows


def _row(example: Example, encoded: Encoded, passage_replies: Mapping[str, str], reply: Reply | None) -> dict[str, Any]:
    return {
        **about(example),
        "tokens": len(encoded.reply),
        "passage_texts": list(encoded.passages),
        "passage_replies": [passage_replies[passage] for passage in encoded.passages],
        "target_given": any(repeated(example.reply, passage) for passage in encoded.passages),
        "reply": reply.text if reply else None,
        "truncated": reply.truncated if reply else None,
    }
