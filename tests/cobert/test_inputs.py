from itertools import pairwise
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from attune.cobert.inputs import Inputs, TokenSequence, pad
from attune.core.errors import AttuneError
from attune.inference.ranker import Ranker
from tests.cobert.tiny import cobert, encoder


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> object:
    return AutoTokenizer.from_pretrained(encoder(tmp_path_factory.mktemp("bert")))


def words(tokenizer: object, sequence: TokenSequence) -> str:
    return " ".join(tokenizer.convert_ids_to_tokens(list(sequence.ids)))


def test_a_tokenizer_without_an_end_says_what_it_lacks(tmp_path: Path) -> None:
    unended = AutoTokenizer.from_pretrained(encoder(tmp_path))
    unended.sep_token = None
    with pytest.raises(AttuneError, match="has neither a sep_token nor an eos_token"):
        Inputs(unended, 256, 10, 512)


def test_context_alternates_types_by_utterance_from_0(tokenizer: object) -> None:
    context = Inputs(tokenizer, 256, 10, 512).context(["i won .", "so glad", "a dog"])
    assert words(tokenizer, context) == "[CLS] i won . [SEP] so glad [SEP] a dog [SEP]"
    assert context.types == (0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0)


def test_too_long_a_context_loses_its_oldest_turns(tokenizer: object) -> None:
    turns = ["i won .", "so glad", "a dog"]
    assert words(tokenizer, Inputs(tokenizer, 10, 10, 512).context(turns)) == "[CLS] so glad [SEP] a dog [SEP]"
    assert words(tokenizer, Inputs(tokenizer, 11, 10, 512).context(turns)).startswith("[CLS] i won")
    assert words(tokenizer, Inputs(tokenizer, 3, 10, 512).context(turns)) == "[CLS] a [SEP]"


def test_whole_leading_sentences_are_kept_and_a_first_that_is_too_long_is_cut(tokenizer: object) -> None:
    inputs = Inputs(tokenizer, 256, 10, 512)
    kept = inputs.response("i won . " + "dog " * 26 + ". i love you .")
    assert words(tokenizer, kept) == "[CLS] i won . " + "dog " * 26 + ". [SEP]"
    assert words(tokenizer, inputs.response("dog " * 40)) == "[CLS] " + "dog " * 30 + "[SEP]"


def test_the_first_turn_may_be_longer_than_the_others(tokenizer: object) -> None:
    context = Inputs(tokenizer, 256, 10, 512).context(["dog " * 100, "cat " * 100])
    assert words(tokenizer, context) == "[CLS] " + "dog " * 90 + "[SEP] " + "cat " * 30 + "[SEP]"


def test_a_persona_is_one_sequence_of_its_first_sentences(tokenizer: object) -> None:
    inputs = Inputs(tokenizer, 256, 2, 512)
    persona = inputs.persona(["i love you .", "i won .", "i lost ."])
    assert words(tokenizer, persona) == "[CLS] i love you . [SEP] i won . [SEP]"
    assert set(persona.types) == {0}
    assert inputs.persona([]) == TokenSequence((), ())


def test_a_persona_never_exceeds_the_positions(tokenizer: object) -> None:
    persona = Inputs(tokenizer, 256, 30, 64).persona(["dog " * 30] * 30)
    assert words(tokenizer, persona) == "[CLS]" + (" dog" * 22 + " [SEP]") * 2


@pytest.mark.parametrize("family", ["roberta", "gpt2"])
def test_a_reply_of_any_turn_length_is_read(tmp_path: Path, family: str) -> None:
    """Their encoders have 128 positions, and no token opens GPT-2's input."""
    model, inputs = cobert(tmp_path, family, turn_length=600, context_length=512)
    assert len(inputs.response("dog " * 1000).ids) == 128
    ranked = Ranker(model, inputs).rank(["i won . " * 300], ["i love my dog . " * 300], ["dog " * 1000, "so sad"])
    assert {each.reply for each in ranked} == {"dog " * 1000, "so sad"}


def test_an_encoder_of_few_positions_limits_every_input(tokenizer: object) -> None:
    inputs = Inputs(tokenizer, 256, 30, 16, turn_length=14)
    longest = inputs.context(["dog " * 100]), inputs.context(["dog " * 100] * 3), inputs.response("dog " * 100)
    assert [len(each.ids) for each in longest] == [16] * 3
    assert len(inputs.persona(["dog " * 4] * 30).ids) == 16
    assert inputs.persona(["dog " * 100]) == TokenSequence((), ())


def test_another_number_of_personas_reads_other_tokens(tokenizer: object) -> None:
    sentences = ["i love you .", "i won .", "i lost ."]
    assert Inputs(tokenizer, 256, 1, 512).persona(sentences) != Inputs(tokenizer, 256, 3, 512).persona(sentences)


def test_an_empty_utterance_is_empty_and_not_the_one_before(tokenizer: object) -> None:
    context = Inputs(tokenizer, 256, 10, 512).context(["i won .", "", "a dog"])
    assert words(tokenizer, context) == "[CLS] i won . [SEP] [SEP] a dog [SEP]"


def test_gpt2_separates_by_its_end_of_text(tmp_path: Path) -> None:
    inputs = Inputs(AutoTokenizer.from_pretrained(encoder(tmp_path, "gpt2")), 256, 10, 128)
    end = "<|endoftext|>"
    assert words(inputs.tokenizer, inputs.context(["i won", "a dog"])) == f"i won {end} a dog {end}"


def test_padding_is_masked() -> None:
    batch = pad([TokenSequence((5, 6, 7), (0, 0, 1)), TokenSequence((), ()), TokenSequence((8,), (0,))])
    assert batch["input_ids"].tolist() == [[5, 6, 7], [0, 0, 0], [8, 0, 0]]
    assert batch["token_type_ids"].tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert batch["attention_mask"].tolist() == [[True] * 3, [False] * 3, [True, False, False]]


def test_the_turn_length_is_that_of_replies_and_of_turns_after_the_first(tokenizer: object) -> None:
    inputs = Inputs(tokenizer, 256, 10, 512, turn_length=5)
    assert len(inputs.response("dog " * 100).ids) == 7
    assert [end - start for start, end in pairwise((1, *inputs.context(["dog " * 100, "cat " * 100]).ends))] == [91, 6]
    longer = Inputs(tokenizer, 512, 10, 512, turn_length=100)
    assert [end - start for start, end in pairwise((1, *longer.context(["dog " * 200, "cat " * 200]).ends))] == [
        101,
        101,
    ]
    assert longer.fresh().response("dog " * 200) == longer.response("dog " * 200)


def test_token_types_follow_who_said_each_turn(tmp_path: Path) -> None:
    _, inputs = cobert(tmp_path)
    turns = ["my dog .", "so sad !", "i lost my cat .", "my bike .", "so sad ?"]
    said = inputs.context(turns, ["a", "b", "a", "a", "b"])
    assert [said.types[end - 1] for end in said.ends] == [0, 1, 0, 0, 1]
    assert inputs.context(turns).types == inputs.context(turns, [0, 1, 0, 1, 0]).types
    with pytest.raises(ValueError, match="2 speakers of 5 turns"):
        inputs.context(turns, [0, 1])


def test_turns_that_are_dropped_take_their_speakers_with_them(tokenizer: object) -> None:
    turns, said_by = ["i won .", "so glad", "a dog", "so sad"], ["a", "a", "b", "a"]
    assert words(tokenizer, Inputs(tokenizer, 10, 10, 512).context(turns, said_by)) == (
        "[CLS] so glad [SEP] a dog [SEP] so sad [SEP]"
    )
    assert Inputs(tokenizer, 10, 10, 512).context(turns, said_by).types == (0, 0, 0, 0, 1, 1, 1, 0, 0, 0)


def test_the_name_of_a_special_token_closes_no_turn(tmp_path: Path) -> None:
    _, inputs = cobert(tmp_path)
    said = inputs.context(["my dog [SEP] my cat [PAD] .", "so sad ?"])
    assert said.ids.count(inputs.closing) == 2
    assert inputs.tokenizer.pad_token_id not in said.ids
