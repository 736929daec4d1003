from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from attune.cobert.inputs import PERSONA_SENTENCE
from attune.core.errors import AttuneError
from attune.inference.ranker import Ranked, Ranker, Read
from tests.cobert.tiny import cobert, encoder, rows
from tests.stages.cobert_project import RECIPE

CONTEXT, PERSONA = ["i lost my dog .", "so sad ?"], ["i love the sea .", "i have a job ."]
REPLIES = ["the dog !", "i like the sea .", "so glad !"]


@pytest.fixture
def ranker(tmp_path: Path) -> Ranker:
    return Ranker(*cobert(tmp_path, score_scale=0.1))


def test_replies_are_ranked_by_the_model_s_scores_best_first(ranker: Ranker) -> None:
    ranked = ranker.rank(CONTEXT, PERSONA, REPLIES)
    assert {each.reply for each in ranked} == set(REPLIES)
    assert [each.score for each in ranked] == sorted((each.score for each in ranked), reverse=True)
    with torch.no_grad():
        sides = (
            ranker.model.encode(_padded(sequences))
            for sequences in (
                [ranker.inputs.context(CONTEXT)],
                [ranker.inputs.persona(PERSONA)],
                [ranker.inputs.response(reply) for reply in REPLIES],
            )
        )
        expected = dict(zip(REPLIES, ranker.model.score(*sides)[0].tolist(), strict=True))
    assert {each.reply: each.score for each in ranked} == pytest.approx(expected, rel=1e-4)


def _padded(sequences: list[Any]) -> dict[str, torch.Tensor]:
    from attune.cobert.inputs import pad

    return pad(sequences)


def test_equal_scores_keep_the_given_order(ranker: Ranker) -> None:
    replies = ["so  glad !", "the dog !", "so glad !"]  # the first and last are the same tokens
    ranked = [each.reply for each in ranker.rank(CONTEXT, [], replies)]
    assert ranked.index("so  glad !") == ranked.index("so glad !") - 1


def test_the_same_reply_has_the_same_score_wherever_it_stands(tmp_path: Path) -> None:
    ranker, replies = Ranker(*cobert(tmp_path)), sorted({row["response"] for row in rows(16)})[:2]
    (once,) = ranker.scores([CONTEXT], [PERSONA], [replies])
    for times in range(2, 12):  # the last bits of a sum depend on how many there are
        (scores,) = ranker.scores([CONTEXT], [PERSONA], [[*replies * times, replies[0]]])
        assert scores == [*once * times, once[0]]


def test_what_pandas_and_generators_give_is_a_list_too(ranker: Ranker) -> None:
    expected = ranker.rank(CONTEXT, PERSONA, REPLIES)
    context, persona = np.array(CONTEXT, object), np.array(PERSONA, object)
    assert ranker.rank(context, persona, (reply for reply in REPLIES)) == expected
    assert ranker.read(context, np.array([], object)) == ranker.read(CONTEXT, [])
    assert ranker.read(iter(CONTEXT), iter(PERSONA)) == ranker.read(CONTEXT, PERSONA)
    assert ranker.read(pd.Series(CONTEXT), ()) == ranker.read(CONTEXT, [])


def test_several_contexts_score_as_each_alone(ranker: Ranker) -> None:
    items = rows(5)
    contexts, personas = [row["context"] for row in items], [row["personas"] for row in items]
    replies = [[row["response"], "so sad !"] for row in items]
    together = ranker.scores(contexts, personas, replies)
    for context, persona, texts, found in zip(contexts, personas, replies, together, strict=True):
        assert found == pytest.approx(ranker.scores([context], [persona], [texts])[0], rel=1e-4)


def test_how_much_of_a_conversation_is_read(ranker: Ranker) -> None:
    inputs = ranker.inputs
    assert ranker.read(CONTEXT, PERSONA) == Read(turns=2, sentences=2, whole=True)
    assert ranker.read(CONTEXT, PERSONA * 9).sentences == inputs.num_personas
    words = len(inputs.tokenizer.tokenize("sad"))
    fits = "sad " * (PERSONA_SENTENCE // words)
    assert ranker.read(CONTEXT, [fits, PERSONA[0]]).sentences == 2
    assert ranker.read(CONTEXT, [f"{fits} sad", PERSONA[0]]).sentences == 1
    for turns, limit in (((), min(90, inputs.max_length - 2)), (("so sad ?",), inputs.turn_length)):
        fits = "sad " * (limit // words)
        assert ranker.read([*turns, fits], []).whole
        assert not ranker.read([*turns, f"{fits} sad"], []).whole
    assert ranker.read(["so sad ?"] * 99, []).turns < 99
    assert not inputs._pieces


def test_no_text_is_kept_between_calls(ranker: Ranker) -> None:
    ranker.rank(CONTEXT, PERSONA, REPLIES)
    assert not ranker.inputs._pieces


@pytest.mark.parametrize(
    ("context", "persona", "replies", "message"),
    [
        ([], PERSONA, REPLIES, "context is empty; it needs at least one turn"),
        (CONTEXT, PERSONA, [], "replies is empty; it needs at least one reply"),
        ("hi", PERSONA, REPLIES, r"context must be a list of strings, not a string; write \['hi'\]"),
        (CONTEXT, "hi", REPLIES, r"persona must be a list of strings, not a string; write \['hi'\]"),
        (CONTEXT, PERSONA, "hi", r"replies must be a list of strings, not a string; write \['hi'\]"),
        (CONTEXT, None, REPLIES, "persona is None; it must be a list of strings"),
        (CONTEXT, [None], REPLIES, "persona holds None; it must be a list of strings"),
        (["hi \ud83d"], PERSONA, REPLIES, "context holds .*, of which a character is but half"),
    ],
)
def test_what_cannot_be_ranked_is_refused(
    ranker: Ranker, context: Any, persona: Any, replies: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ranker.rank(context, persona, replies)


def test_lists_of_other_lengths_are_refused(ranker: Ranker) -> None:
    with pytest.raises(ValueError, match="2 contexts, 1 personas, 2 lists of replies and 2 of speakers"):
        ranker.scores([CONTEXT] * 2, [PERSONA], [REPLIES] * 2)
    with pytest.raises(ValueError, match="2 contexts, 2 personas, 2 lists of replies and 1 of speakers"):
        ranker.scores([CONTEXT] * 2, [PERSONA] * 2, [REPLIES] * 2, [["anna", "ben"]])
    with pytest.raises(ValueError, match="1 speakers for 2 turns of the context; each turn needs one"):
        ranker.rank(["hi", "so sad ?"], PERSONA, REPLIES, ["anna"])


def test_speakers_are_any_list_or_generator(ranker: Ranker) -> None:
    context, speakers = ["hi", "so sad ?", "i lost my dog ."], ["anna", "ben", "ben"]
    expected = ranker.rank(context, PERSONA, REPLIES, speakers)
    assert ranker.rank(context, PERSONA, REPLIES, (each for each in speakers)) == expected
    assert ranker.rank(context, PERSONA, REPLIES, np.array([1, 2, 2])) == expected
    with pytest.raises(ValueError, match="speakers is 5; it must be a list with one entry per turn"):
        ranker.rank(context, PERSONA, REPLIES, 5)


def test_what_cannot_be_read_is_refused(ranker: Ranker) -> None:
    with pytest.raises(ValueError, match="context must be a list of strings, not a string"):
        ranker.read("hello", [])
    with pytest.raises(ValueError, match="context is empty"):
        ranker.read([], [])


def test_a_saved_model_ranks_the_same_from_any_folder(
    ranker: Ranker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in (ranker.model, ranker.inputs.tokenizer):
        part.save_pretrained(tmp_path / "saved")
    expected = ranker.rank(CONTEXT, PERSONA, REPLIES)
    assert isinstance(expected[0], Ranked)
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "saved", str(tmp_path / "saved"), "saved"):
        assert Ranker.from_pretrained(path).rank(CONTEXT, PERSONA, REPLIES) == expected


def test_an_untrained_model_is_set_up_as_its_recipe_says(tmp_path: Path) -> None:
    ranker = Ranker.untrained(encoder(tmp_path), RECIPE | {"max_length": 40, "num_personas": 1})
    assert (ranker.inputs.max_length, ranker.inputs.num_personas) == (40, 1)
    assert ranker.model.config.score_scale == RECIPE["score_scale"]
    assert not ranker.model.training


def test_a_poly_encoder_has_the_same_codes_whenever_it_is_untrained(tmp_path: Path) -> None:
    """Else the scores before training would be of another model than the one that training starts from."""
    folder, recipe = encoder(tmp_path), RECIPE | {"matching": "poly_encoder"}
    before = torch.random.get_rng_state()
    first, second = (Ranker.untrained(folder, recipe).model.matcher.state_dict() for _ in range(2))
    assert torch.equal(first["codes"], second["codes"])
    other = Ranker.untrained(folder, recipe | {"seed": recipe["seed"] + 1}).model.matcher.state_dict()
    assert not torch.equal(first["codes"], other["codes"])
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.fault("an encoder's folder that does not exist", "one sentence; no model of that name is fetched")
def test_an_encoder_that_is_missing_is_not_looked_for_on_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AttuneError, match="the encoder's folder nope is missing; `dvc repro base_encoders` writes"):
        Ranker.untrained("nope", RECIPE)


def test_a_folder_without_a_trained_model_names_the_stage_that_writes_it(tmp_path: Path) -> None:
    encoder(tmp_path / "encoder")
    for folder in ("nowhere", "encoder"):
        with pytest.raises(AttuneError, match=rf"{folder} holds no CoBERT .*; `dvc repro train_cobert` writes one"):
            Ranker.from_pretrained(tmp_path / folder)
