from pathlib import Path

import pytest
from pydantic import ValidationError

from attune.core.files import write_parquet
from attune.corpora import record_of
from attune.evaluation.testing.base_tests import BaseTest
from attune.evaluation.testing.bases import base_rows
from attune.generators.encoding import Room, encode
from attune.generators.losses import reply_nats
from attune.generators.prompts import examples
from attune.parameters import load
from attune.parameters.generators import SECTIONS
from attune.parameters.methods import METHODS
from tests.generators.tiny import dialogue_rows, generator, gpt, prompted, saved, tokenizer


def test_a_base_differs_from_its_generator_in_training_or_else_in_the_instruction_and_never_in_passages() -> None:
    told, passages = {"instruction": "Be kind."}, {"rows": "passages/empathetic_dialogues", "passage_tokens": 16}
    entries = (generator("full"), generator("full", **told, **passages), prompted(**told))
    found = [BaseTest.of(entry) for entry in entries]
    assert [(each.instruction, each.told) for each in found] == [("", True), ("Be kind.", True), ("Be kind.", False)]
    assert {each.rows for each in found} == {"processed/empathetic_dialogues"}


def test_what_is_not_trained_has_an_instruction_by_which_it_differs_from_its_base() -> None:
    untrained = [name for name, method in METHODS.items() if not method.trains]
    assert untrained
    for name in untrained:
        entry = prompted().model_dump() | {"method": name}
        for wrong in (entry | {"instruction": ""}, {key: each for key, each in entry.items() if key != "instruction"}):
            with pytest.raises(ValidationError, match="instruction"):
                SECTIONS[name].model_validate(wrong)


def test_a_base_without_the_instruction_is_scored_on_the_tokens_that_its_generator_is(tmp_path: Path) -> None:
    """Beside an instruction a long reply is cut earlier; the base's loss is compared with the generator's."""
    limit, instruction = 140, "Be kind to all."
    model, words = gpt(positions=limit), tokenizer()
    saved(model, tmp_path / "base" / "gpt2")
    rows = [row | {"target": "I am sorry. " * 40} for row in dialogue_rows()]
    write_parquet(tmp_path / "data" / "test.parquet", rows, record_of("empathetic_dialogues").schemas.rows)
    generation = load().generation.model_copy(update={"perplexity_examples": len(rows)})
    nats = {}
    for told in (True, False):
        test = BaseTest("gpt2", "empathetic_dialogues", "", limit, instruction, told, 0, False)
        nats[told] = {
            row["id"]: row["nats"] for row in base_rows([test], tmp_path / "base", tmp_path / "data", generation, 13)
        }
    for with_it, without in zip(examples(rows, instruction), examples(rows), strict=True):
        expected = encode(with_it, words, Room(limit))
        (same,) = reply_nats(model, [expected], words.eos_token_id, 1)
        assert nats[True][with_it.id] == pytest.approx(same, rel=1e-5)
        bare = encode(without, words, Room(limit), len(expected.reply))
        assert bare.reply == expected.reply
        assert bare.prompt != expected.prompt
        (other,) = reply_nats(model, [bare], words.eos_token_id, 1)
        assert nats[False][with_it.id] == pytest.approx(other, rel=1e-5)
        assert len(encode(without, words, Room(limit)).reply) > len(expected.reply)
