from pathlib import Path

import pytest
import torch
from transformers import AutoModel

from attune.cobert import storage
from attune.cobert.inputs import TokenSequence
from attune.core.errors import AttuneError
from attune.inference.ranker import Ranker
from tests.cobert.tiny import cobert, encoder

CONTEXT, PERSONA = ["i lost my dog .", "so sad ?"], ["i love the sea ."]
REPLIES = ["the dog !", "i like the sea . so glad we won !", "so glad !"]


def by_hand(folder: Path, frozen: int, sequences: list[TokenSequence]) -> float:
    """The lowest layers on each part alone, the others on all parts in one row."""
    whole = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()
    parts = []
    for each in sequences:
        states = whole.embeddings(torch.tensor([each.ids]), torch.tensor([each.types]))
        for layer in whole.encoder.layer[:frozen]:
            states = layer(states)
        parts.append(states)
    joint = torch.cat(parts, 1)
    for layer in whole.encoder.layer[frozen:]:
        joint = layer(joint)
    reply = len(sequences[-1].ids)
    return float(torch.cosine_similarity(joint[0, :-reply].mean(0), joint[0, -reply:].mean(0), dim=0))


@pytest.mark.parametrize("frozen", [0, 2])
def test_context_persona_and_reply_are_one_input_above_the_frozen_layers(tmp_path: Path, frozen: int) -> None:
    model, inputs = cobert(tmp_path, matching="cross_encoder", frozen_layers=frozen, score_scale=5.0)
    context, persona = inputs.context(CONTEXT), inputs.persona(PERSONA)
    found = {each.reply: each.score for each in Ranker(model, inputs).rank(CONTEXT, PERSONA, REPLIES)}
    for reply in REPLIES:
        with torch.no_grad():
            expected = 5 * by_hand(tmp_path, frozen, [context, persona, inputs.response(reply)])
        assert found[reply] == pytest.approx(expected, abs=1e-4)
    assert len({round(score, 3) for score in found.values()}) == 3


def test_a_saved_cross_encoder_ranks_the_same(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path / "encoder", matching="cross_encoder", frozen_layers=1)
    with torch.no_grad():
        for weights in model.matcher.parameters():
            weights += 0.1 * torch.randn_like(weights)
    storage.save(model, tmp_path / "saved")
    inputs.tokenizer.save_pretrained(tmp_path / "saved")
    again = Ranker.from_pretrained(tmp_path / "saved", tmp_path / "encoder")
    assert again.rank(CONTEXT, PERSONA, REPLIES) == Ranker(model, inputs).rank(CONTEXT, PERSONA, REPLIES)


def test_an_encoder_whose_layers_cannot_be_run_apart_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"cross_encoder needs an encoder with BERT's structure .* this one is gpt2"):
        Ranker.untrained(
            encoder(tmp_path, "gpt2"),
            {"matching": "cross_encoder", "max_length": 40, "turn_length": 30, "num_personas": 1, "score_scale": 1.0,
             "attention_scale": 1.0, "frozen_layers": 1, "dropout": None, "seed": 1},
        )  # fmt: skip
