"""The losses of untrained bases, which generators with the same rows and prompts share."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from attune.core.errors import AttuneError
from attune.core.files import read_parquet
from attune.evaluation.testing.base_tests import BaseTest
from attune.evaluation.testing.sampling import sampled
from attune.generators.encoded import Encoded
from attune.generators.encoding import Room, encode, encode_all
from attune.generators.loading import load_base, load_tokenizer, positions_of
from attune.generators.losses import reply_nats
from attune.generators.prompts import examples
from attune.parameters.generation import Generation


def base_rows(
    tests: Iterable[BaseTest], base_models: Path, data: Path, generation: Generation, seed: int
) -> Iterator[dict[str, Any]]:
    """The rows of `schemas.BASES`; each base is loaded once where its tests follow one another.

    base_models: the folder that each base's folder is in. data: the folder that the tests' `rows` are in.

    Raises
    ------
    AttuneError
        if a test has no rows, or if a base has too few positions.
    """
    for (base, four_bits), group in groupby(tests, key=lambda test: (test.base, test.load_in_4bit)):
        model, tokenizer = load_base(base_models / base, four_bits), load_tokenizer(base_models / base)
        for test in group:
            chosen = sampled(read_parquet(data / test.rows / "test.parquet"), generation.perplexity_examples, seed)
            _check(test, len(chosen), positions_of(model))
            read = _read(test, chosen, tokenizer)
            nats = reply_nats(model, read, tokenizer.eos_token_id, generation.batch_size)
            yield from ({**test._asdict(), "id": row.id, "nats": each} for row, each in zip(read, nats, strict=True))


def _read(test: BaseTest, rows: Sequence[dict[str, Any]], tokenizer: Any) -> list[Encoded]:
    """What the base reads of the rows: of each reply the tokens that the generator is tested on."""
    room = Room(test.max_length, persona=test.persona_tokens)
    read = encode_all(examples(rows, test.instruction), tokenizer, room)
    if test.told:
        return read
    plain = zip(examples(rows), read, strict=True)
    return [encode(example, tokenizer, room, len(each.reply)) for example, each in plain]


def _check(test: BaseTest, count: int, positions: int | None) -> None:
    if not count:
        raise AttuneError(f"{test.corpus} has no test rows; run the stages subset and preprocess first")
    if positions and positions < test.max_length:
        raise AttuneError(
            f"max_length = {test.max_length}, but the base {test.base} has {positions} positions; lower it"
        )
