import re
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BloomConfig, BloomForCausalLM, GPT2Config, GPT2LMHeadModel, OPTConfig, OPTForCausalLM

from attune.core.errors import AttuneError
from attune.generators import frozen
from attune.generators.adapters import add_lora, freeze, frozen_count, layers, train_all
from attune.generators.batches import scored_batch
from attune.generators.encoded import chains
from attune.generators.encoding import Room, encode_all
from attune.generators.frozen import lower_states_kept
from attune.generators.loading import transformer_of
from attune.generators.losses import reply_nats, token_losses
from attune.generators.prompts import examples
from tests.generators.tiny import alone, dialogue_rows, gemma3n, gemma4, gpt, llama, qwen3_moe, tokenizer

WORDS = tokenizer()
PAD = WORDS.eos_token_id
ROWS = encode_all(examples(dialogue_rows()), WORDS, Room(64))
FAMILIES = pytest.mark.parametrize("make", [gpt, lambda: gpt("gpt_neo"), lambda: llama(num_hidden_layers=3)])


def trained_of(model: Any) -> set[str]:
    return {name for name, each in model.named_parameters() if each.requires_grad}


def gradients(model: Any, left: bool) -> dict[str, torch.Tensor]:
    """Of every trainable weight, after the loss of one batch."""
    model.zero_grad()
    token_losses(model, scored_batch(alone(*ROWS[:5]), PAD, left=left)).sum().backward()
    return {name: each.grad.clone() for name, each in model.named_parameters() if each.requires_grad}


def counted(layer: Any) -> list[int]:
    """The rows of each call of `layer`."""
    calls: list[int] = []
    layer.register_forward_pre_hook(lambda _layer, inputs: calls.append(len(inputs[0])))
    return calls


@FAMILIES
@pytest.mark.parametrize(
    "adapt", [train_all, lambda *given, **n: add_lora(*given, lora_rank=2, lora_alpha=4, lora_dropout=0, **n)]
)
def test_losses_and_gradients_are_those_of_the_whole_model(make: Any, adapt: Any) -> None:
    count = len(layers(make())) - 1
    model = adapt(make(), Path(), frozen_layers=count).train()
    for name, each in model.named_parameters():
        if "lora_B" in name:  # zero at first, which would leave no gradient to the other matrix
            torch.nn.init.normal_(each.data, std=0.1, generator=torch.Generator().manual_seed(1))
    whole = [reply_nats(model, ROWS, PAD, 5), gradients(model, True), gradients(model, False)]
    with lower_states_kept(transformer_of(model), count):
        kept = [reply_nats(model, ROWS, PAD, 5), gradients(model, True), gradients(model, False)]
        again = [reply_nats(model, ROWS, PAD, 7), gradients(model, True)]
    assert kept[0] == pytest.approx(whole[0], rel=1e-6)
    assert again[0] == pytest.approx(whole[0], rel=1e-6)
    for found, wanted in ((kept[1], whole[1]), (kept[2], whole[2]), (again[1], whole[1])):
        assert found.keys() == wanted.keys()
        for name, gradient in wanted.items():
            assert torch.allclose(found[name], gradient, rtol=1e-4, atol=1e-5 * float(gradient.abs().max())), name


@pytest.mark.parametrize("make", [gemma4, lambda: gemma3n(shared=2), lambda: gemma3n(shared=0)])
def test_layers_that_need_more_than_states_of_the_frozen_ones_are_computed_whole(make: Any) -> None:
    model = train_all(make(), Path(), frozen_layers=2)
    whole = [reply_nats(model, ROWS, PAD, 5), gradients(model, True)]
    with lower_states_kept(model, 2):
        kept = [reply_nats(model, ROWS, PAD, 5), gradients(model, True)]
    assert kept[0] == whole[0]
    torch.testing.assert_close(kept[1], whole[1], rtol=1e-4, atol=1e-6)
    assert any(gradient.any() for gradient in kept[1].values())


@FAMILIES
def test_the_model_is_afterwards_as_it_was(make: Any) -> None:
    model = train_all(make(), Path(), frozen_layers=1)
    before = reply_nats(model, ROWS, PAD, 5)
    with pytest.raises(KeyError), lower_states_kept(model, 1):
        model(torch.tensor([[1, 2]]))  # its ids have no name
    assert reply_nats(model, ROWS, PAD, 5) == before
    assert list(model.state_dict()) == list(make().state_dict())


def test_a_row_passes_the_lower_layers_once_and_by_itself() -> None:
    model = gpt()
    calls = counted(layers(model)[0])
    with lower_states_kept(model, 1):
        for size in (5, 7):
            reply_nats(model, ROWS, PAD, size)
    assert calls == [1] * (1 + len(chains(ROWS)))  # the first call finds out what a layer returns


def test_beyond_its_bound_memory_holds_no_more_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    model = gpt()
    before = reply_nats(model, ROWS, PAD, 5)
    monkeypatch.setattr(frozen, "STATES_IN_MEMORY", 4 * 16 * sum(chain[-1].length for chain in chains(ROWS)[:3]))
    calls = counted(layers(model)[0])
    with lower_states_kept(model, 1):
        for _ in range(2):
            assert reply_nats(model, ROWS, PAD, 24) == pytest.approx(before, rel=1e-6)
    assert len(chains(ROWS)) + 1 < len(calls) < 2 * len(chains(ROWS))


def test_what_was_scored_first_can_be_trained_on() -> None:
    model = train_all(gpt(), Path(), frozen_layers=1)
    with lower_states_kept(model, 1):
        reply_nats(model, ROWS, PAD, 5)
        assert gradients(model, True)


def test_there_is_dropout_in_the_upper_layers_alone() -> None:
    model = gpt()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    model.train()
    with lower_states_kept(model, 1):
        seen: list[torch.Tensor] = []
        layers(model)[1].register_forward_hook(lambda _layer, inputs, output: seen.extend((inputs[0], output)))
        for _ in range(2):
            token_losses(model, scored_batch(alone(*ROWS[:3]), PAD, left=True))
        assert model.training
    assert torch.equal(seen[0], seen[2])
    assert not torch.equal(seen[1], seen[3])


@pytest.mark.parametrize("tied", [True, False])
def test_the_embeddings_and_what_is_tied_to_them_are_frozen(tied: bool) -> None:
    model = llama(tie_word_embeddings=tied)
    freeze(model, 1)
    trained = trained_of(model)
    assert ("lm_head.weight" in trained) is not tied
    assert trained >= {"model.norm.weight", "model.layers.1.mlp.up_proj.weight"}
    assert not {name for name in trained if "layers.0." in name or "embed" in name}


@FAMILIES
def test_of_the_usual_families_layers_and_embeddings_alone_are_frozen(make: Any) -> None:
    model = make().train()
    upper = {name for name in trained_of(model) if not re.search(r"\.(wte|wpe|embed_tokens|h\.0|layers\.0)\.", name)}
    random = torch.get_rng_state()
    freeze(model, 1)
    assert trained_of(model) == upper
    assert torch.equal(torch.get_rng_state(), random)  # LoRA's matrices are drawn next
    assert all(module.training for module in model.modules())


def test_nothing_below_the_frozen_layers_is_trained_and_what_stands_above_them_is() -> None:
    shape = {"vocab_size": 99, "hidden_size": 16}
    bloom = BloomForCausalLM(BloomConfig(**shape, n_layer=2, n_head=2))
    freeze(bloom, 1)
    assert {name.partition("h.1.")[0] for name in trained_of(bloom)} == {
        "transformer.",
        "transformer.ln_f.weight",
        "transformer.ln_f.bias",
    }
    opt = {"word_embed_proj_dim": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "ffn_dim": 32}
    model = OPTForCausalLM(OPTConfig(**shape, **opt, do_layer_norm_before=True))
    freeze(model, 1)
    above = {"final_layer_norm.weight", "final_layer_norm.bias", "project_out.weight"}
    assert {name.removeprefix("model.decoder.") for name in trained_of(model) if ".layers.1." not in name} == above


def test_lora_s_matrices_are_in_the_layers_above() -> None:
    model = add_lora(llama(), Path(), lora_rank=2, lora_alpha=4, lora_dropout=0.0, frozen_layers=1)
    trained = [name for name, each in model.named_parameters() if each.requires_grad]
    assert len(trained) == 2 * 7
    assert all(".layers.1." in name for name in trained)


def test_lora_leaves_the_experts_of_frozen_layers_alone() -> None:
    """PEFT adapts the experts of all layers, whatever layers it is to transform."""
    model = add_lora(qwen3_moe(), Path(), lora_rank=2, lora_alpha=4, lora_dropout=0.0, frozen_layers=2)
    experts = {name for name, _ in model.named_parameters() if "lora" in name and ".experts." in name}
    assert any(".layers.1." in name for name in experts)
    trained = trained_of(model)
    assert trained
    assert all(".layers.2." in name for name in trained)


@pytest.mark.parametrize("count", [2, 30])
def test_one_layer_at_least_must_train(count: int) -> None:
    with pytest.raises(AttuneError, match=f"frozen_layers = {count}, but the base has 2 layers"):
        freeze(gpt(), count)


@pytest.mark.parametrize(("wanted", "count"), [(0, 0), (1, 1), (0.8, 1), (0.4, 0)])
def test_a_share_of_the_layers_is_rounded_down(wanted: float, count: int) -> None:
    assert frozen_count(gpt(), wanted) == count


def test_a_share_that_is_a_number_of_layers_is_that_number() -> None:
    """.29 times 100 is 28.999999999999996."""
    model = GPT2LMHeadModel(GPT2Config(vocab_size=8, n_positions=8, n_embd=4, n_layer=100, n_head=1))
    assert [frozen_count(model, share) for share in (0.29, 0.295, 0.57)] == [29, 29, 57]
