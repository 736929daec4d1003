from pathlib import Path

import pytest
import torch

from attune.cobert import storage
from attune.cobert.encoder import frozen_layers, packs
from attune.cobert.inputs import TokenSequence, pad
from attune.cobert.model import Cobert, inputs_for
from attune.cobert.scoring import encode, lower_cache, scores, stack
from attune.core.errors import AttuneError
from tests.cobert.tiny import cobert, encoder, rows

FAMILIES = ["bert", "roberta", "gpt2"]


def parts(inputs: object, count: int = 6) -> tuple[list[TokenSequence], list[TokenSequence], list[TokenSequence]]:
    items = rows(count)
    return (
        [inputs.context(row["context"]) for row in items],
        [inputs.persona(row["personas"]) for row in items],
        [inputs.response(row["response"]) for row in items],
    )


def table(model: Cobert, inputs: object) -> torch.Tensor:
    contexts, personas, responses = parts(inputs)
    states = encode(model, [*contexts, *personas, *responses])
    return torch.stack(scores(model, states, contexts, personas, [responses] * len(contexts)))


@pytest.mark.parametrize("family", FAMILIES)
def test_scoring_in_buckets_is_what_the_model_computes_in_one_batch(tmp_path: Path, family: str) -> None:
    model, inputs = cobert(tmp_path, family, num_personas=2)
    contexts, personas, responses = map(pad, parts(inputs))
    with torch.no_grad():
        whole = model(contexts, personas, responses, torch.eye(6, dtype=torch.bool))["scores"]
    torch.testing.assert_close(table(model, inputs), whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_does_not_change_scores(tmp_path: Path, family: str) -> None:
    model, inputs = cobert(tmp_path, family)
    contexts, personas, responses = map(pad, parts(inputs))
    same = torch.eye(6, dtype=torch.bool)

    def longer(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: torch.nn.functional.pad(value, (0, 7)) for name, value in batch.items()}

    with torch.no_grad():
        short = model(contexts, personas, responses, same)["scores"]
        padded = model(longer(contexts), longer(personas), longer(responses), same)["scores"]
    torch.testing.assert_close(padded, short, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family", ["bert", "roberta"])
@pytest.mark.parametrize("frozen", [0, 2])
def test_packed_sequences_give_the_states_and_gradients_of_padded_ones(
    tmp_path: Path, family: str, frozen: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attune.cobert.model.PACKED_TOKENS", 25)
    model, inputs = cobert(tmp_path, family, frozen_layers=frozen)
    contexts, personas, _ = parts(inputs)
    sequences = [*contexts, TokenSequence((), ()), *personas]
    for lower in (None, lower_cache(model, sequences)):
        found = []
        for implementation, packed in (("attune_sdpa", True), ("sdpa", False)):
            model.encoder.set_attn_implementation(implementation)
            assert packs(model.encoder) == packed
            side = model.encode(stack(sequences, lower))
            weights = torch.linspace(-1, 1, side.states.numel()).view_as(side.states) * side.mask[..., None]
            model.zero_grad()
            (side.states * weights).sum().backward()
            gradients = [each.grad.clone() for each in model.parameters() if each.grad is not None]
            found.append([side.states.detach() * side.mask[..., None], *gradients])
        assert len(found[0]) > 10
        for one, other in zip(*found, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
        assert not found[0][0][len(contexts)].any()


def test_contexts_with_the_same_candidates_score_as_each_alone(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path)
    contexts, personas, responses = parts(inputs)
    states = encode(model, [*contexts, *personas, *responses])
    candidates = [responses, responses, responses[:2], responses[:2], responses, responses[3:]]
    found = scores(model, states, contexts, personas, candidates)
    assert [len(row) for row in found] == [6, 6, 2, 2, 6, 3]
    for row, *alone in zip(found, contexts, personas, candidates, strict=True):
        (expected,) = scores(model, states, *([each] for each in alone))
        torch.testing.assert_close(row, expected, rtol=1e-4, atol=1e-5)


def test_the_attention_scale_reaches_the_matching_and_is_kept(tmp_path: Path) -> None:
    (paper, inputs), (soft, _) = (cobert(tmp_path, attention_scale=scale) for scale in (1.0, 0.1))
    storage.save(soft, tmp_path / "soft")
    again = storage.load(tmp_path / "soft", tmp_path).eval()
    found = [table(model, inputs) for model in (paper, soft, again)]
    assert not torch.equal(found[0], found[1])
    torch.testing.assert_close(found[2], found[1], rtol=0, atol=0)


def test_the_score_scale_multiplies(tmp_path: Path) -> None:
    plain, inputs = cobert(tmp_path, score_scale=1.0)
    half, _ = cobert(tmp_path, score_scale=0.5)
    torch.testing.assert_close(table(half, inputs), table(plain, inputs) / 2)


def test_the_persona_counts_and_none_is_allowed(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path)
    contexts, personas, responses = parts(inputs)
    states = encode(model, [*contexts, *personas, *responses])
    with_persona = scores(model, states, contexts[:1], personas[:1], [responses])[0]
    without = scores(model, states, contexts[:1], [inputs.persona([])], [responses])[0]
    assert torch.isfinite(without).all()
    assert not torch.allclose(with_persona, without)
    batches = pad(contexts[:2]), pad([inputs.persona([]), personas[1]]), pad(responses[:2])
    out = model(*batches, torch.eye(2, dtype=torch.bool))
    torch.testing.assert_close(out["scores"][0], without[:2], rtol=1e-4, atol=1e-4)
    out["loss"].backward()
    gradients = [each.grad for each in model.parameters() if each.grad is not None]
    assert len(gradients) == len(list(model.parameters())) > 0
    assert all(torch.isfinite(each).all() for each in gradients)


def test_a_repeated_response_is_no_wrong_answer(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path)
    contexts, personas, responses = parts(inputs, 3)
    responses[1] = responses[0]
    same = torch.tensor([[left == right for right in responses] for left in responses])
    with torch.no_grad():
        out = model(pad(contexts), pad(personas), pad(responses), same)
    full = out["scores"]
    kept = torch.stack([full[0, [0, 2]], full[1, [1, 2]]])
    expected = [torch.nn.functional.cross_entropy(row[None], torch.tensor([0])) for row in kept]
    expected.append(torch.nn.functional.cross_entropy(full[2:], torch.tensor([2])))
    torch.testing.assert_close(out["loss"], torch.stack(expected).mean())


def test_cached_lower_layers_give_the_same_scores_and_gradients(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path, frozen_layers=2)
    for layer in model.encoder.encoder.layer[2:]:  # dropout draws differ by path
        for module in layer.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        layer.attention.self.dropout_prob = 0.0
    groups = parts(inputs)
    cache = lower_cache(model, [sequence for group in groups for sequence in group])
    same = torch.eye(6, dtype=torch.bool)
    results = []
    for store in (None, cache):
        model.eval()
        model.zero_grad()
        out = model(*(stack(group, store) for group in groups), same)
        out["loss"].backward()
        results.append([out["scores"].detach(), *(p.grad.clone() for p in model.parameters() if p.requires_grad)])
    for direct, cached in zip(*results, strict=True):
        torch.testing.assert_close(cached, direct, rtol=1e-4, atol=1e-5)
    states = encode(model, groups[0], cache)
    for sequence, direct in encode(model, groups[0]).items():
        torch.testing.assert_close(states[sequence], direct, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_frozen_layers_get_no_gradient_and_the_others_do(tmp_path: Path, family: str) -> None:
    model, inputs = cobert(tmp_path, family, frozen_layers=2)
    model.train()
    model(*map(pad, parts(inputs)), torch.eye(6, dtype=torch.bool))["loss"].backward()
    names = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert any(".2." in name for name in names)
    assert not any(f".{place}." in name for place in (0, 1) for name in names)
    assert not any("embed" in name or "wte" in name or "wpe" in name for name in names)


def test_frozen_layers_do_not_drop_out_while_training(tmp_path: Path) -> None:
    model, _ = cobert(tmp_path, frozen_layers=2)
    model.train()
    layers = model.encoder.encoder.layer
    assert (layers[0].training, layers[1].training, layers[2].training) == (False, False, True)
    assert not model.encoder.embeddings.training


def test_the_highest_layer_always_learns(tmp_path: Path) -> None:
    model, _ = cobert(tmp_path, frozen_layers=7)
    assert model.config.frozen_layers == 2
    assert [frozen_layers(model.encoder, asked) for asked in (0, 1, 2, 3)] == [0, 1, 2, 2]
    assert all(parameter.requires_grad for parameter in model.encoder.encoder.layer[2].parameters())


def test_dropout_is_the_recipe_s_whatever_the_family_calls_it(tmp_path: Path) -> None:
    for family in (*FAMILIES, "modernbert", "gpt_neo"):
        model = Cobert.from_encoder(encoder(tmp_path / family, family), dropout=0.0)
        assert not [module for module in model.modules() if isinstance(module, torch.nn.Dropout) and module.p > 0]
        model.train()
        contexts, personas, responses = map(pad, parts(inputs_for(model, tmp_path / family)))
        first, second = (model(contexts, personas, responses, torch.eye(6, dtype=torch.bool))["loss"] for _ in range(2))
        assert torch.equal(first, second)


def test_a_folder_without_weights_is_named(tmp_path: Path) -> None:
    folder = encoder(tmp_path)
    (folder / "model.safetensors").unlink()
    with pytest.raises(AttuneError, match="holds no encoder that can be loaded from safetensors"):
        Cobert.from_encoder(folder)


def test_a_family_that_is_not_known_is_named(tmp_path: Path) -> None:
    folder = encoder(tmp_path)
    (folder / "config.json").write_text('{"model_type": "newest"}')
    with pytest.raises(AttuneError, match=r"holds no encoder that can be loaded from safetensors.*newest"):
        Cobert.from_encoder(folder)


def test_positions_are_roberta_s(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path, "roberta")
    assert inputs.positions == 128
    model.encode(pad([inputs.context(["dog " * 90, *["cat " * 30] * 3])]))
    assert inputs_for(model, tmp_path).positions == 128


@pytest.mark.parametrize(
    ("family", "padding"), [("bert", None), ("roberta", 3), ("mpnet", 1), ("data2vec-text", 1), ("longformer", 1)]
)
def test_the_longest_sequence_has_a_position_for_each_token(tmp_path: Path, family: str, padding: int | None) -> None:
    """RoBERTa's relatives number positions from the padding id + 1."""
    numbered = {} if padding is None else {"pad_token_id": padding}
    folder = encoder(tmp_path, family, **{"max_position_embeddings": 130, **numbered})
    model = Cobert.from_encoder(folder).eval()
    longest = inputs_for(model, folder).positions
    assert longest == 130 - (0 if padding is None else padding + 1)
    fitting, longer = ([TokenSequence((5,) * length, (0,) * length)] for length in (longest, longest + 1))
    model.encode(pad(fitting))
    with pytest.raises((IndexError, RuntimeError)):  # as the family looks up token types too
        model.encode(pad(longer))


def test_as_many_positions_are_read_as_usual_where_there_is_no_limit(tmp_path: Path) -> None:
    model, inputs = cobert(tmp_path, "xlnet")
    assert model.encoder.config.max_position_embeddings == -1
    assert (inputs.positions, inputs.max_length) == (512, 256)
    assert table(model, inputs).shape == (6, 6)


@pytest.mark.parametrize("family", ["fnet", "convbert", "yoso", "reformer"])
def test_an_encoder_that_reads_padding_as_text_is_refused(tmp_path: Path, family: str) -> None:
    folder, random = encoder(tmp_path, family), torch.get_rng_state()
    with pytest.raises(AttuneError, match=f"a {family} reads padding as text, so that scores would depend on the padd"):
        Cobert.from_encoder(folder)
    assert torch.equal(torch.get_rng_state(), random)  # Reformer's attention draws


@pytest.mark.fault("an encoder that cannot read short texts with padding", "named, with what it stumbles over")
@pytest.mark.parametrize("family", ["nystromformer", "t5"])
def test_an_encoder_that_cannot_encode_a_short_text_is_refused(tmp_path: Path, family: str) -> None:
    folder = encoder(tmp_path, family)
    with pytest.raises(AttuneError, match=f"a {family} cannot encode 8 tokens and 4 of padding .*; name another enc"):
        Cobert.from_encoder(folder)


@pytest.mark.parametrize("family", ["deberta-v2", "mpnet", "xlnet", "distilbert", "modernbert", "nomic_bert"])
def test_an_encoder_that_its_mask_keeps_from_padding_is_taken(tmp_path: Path, family: str) -> None:
    model, inputs = cobert(tmp_path, family)
    assert torch.isfinite(table(model, inputs)).all()
