import subprocess
import sys
from pathlib import Path

import pytest
import torch

from attune.core.errors import AttuneError
from attune.corpora.wording import tokenised
from attune.generators.adapters import ADAPTERS
from attune.generators.card_example import asked
from attune.generators.loading import parameter_counts, transformer_of
from attune.generators.model_card import model_card
from attune.parameters import load
from attune.parameters.generators import generator_named
from attune.parameters.methods import METHODS
from tests.generators.tiny import generator, gpt, prompted, saved, with_lora
from tests.project import ROOT

# Weights of the tiny GPT-2 that each method trains.
KEYS = {"prompt_tuning": {"virtual_tokens": 4}, "lora": {"lora_rank": 2, "lora_alpha": 4, "lora_dropout": 0.0}}
CURVE = [{"step": 0, "epoch": 0.0, "valid_loss": 3.0, "saved": 1}]


@pytest.mark.parametrize("name", ADAPTERS)
def test_what_is_trainable_is_the_base_or_apart_from_it(name: str, tmp_path: Path) -> None:
    method, base = METHODS[name], gpt()
    weights = {id(parameter) for parameter in base.parameters()}
    model = ADAPTERS[name](base, saved(gpt(), tmp_path), **KEYS.get(name, {}))
    trainable = {id(parameter) for parameter in model.parameters() if parameter.requires_grad}
    assert trainable
    assert trainable == weights if method.trains_base else not trainable & weights


def test_the_methods_that_train_have_an_adapter() -> None:
    assert list(ADAPTERS) == [name for name, method in METHODS.items() if method.trains]


class Params4bit(torch.nn.Parameter):
    """A parameter as bitsandbytes has it, by whose name PEFT knows it: two numbers in each byte."""


def test_parameters_of_four_bits_are_counted_one_by_one() -> None:
    model = with_lora()
    counts, weights = parameter_counts(model), list(model.parameters())
    assert counts == (sum(each.numel() for each in weights if each.requires_grad), sum(map(torch.numel, weights)))
    layer = transformer_of(model).transformer.h[0].mlp.c_fc.base_layer
    layer.weight = Params4bit(torch.zeros(layer.weight.numel() // 2, 1, dtype=torch.uint8), requires_grad=False)
    assert parameter_counts(model) == counts


def test_every_generator_of_the_project_names_a_method() -> None:
    settings = load(ROOT / "params.yaml")
    assert {each.method for each in settings.generators.values()} <= METHODS.keys()
    assert generator_named(settings.generators, "full").method_keys == {}
    with pytest.raises(AttuneError, match=r"'gpt5' is no generator; params\.yaml has prompted, prompt_tuning"):
        generator_named(settings.generators, "gpt5")


def test_the_card_names_the_method_and_its_paper() -> None:
    card = model_card("g", generator("lora"), 24, CURVE, tokenised=False)
    assert card.startswith("---\nlibrary_name: transformers\ntags: ")
    assert "Base: `tiny`; method: LoRA (Hu et al. 2021). A research prototype, not a crisis line." in card
    assert "| lora_rank | 2 |" in card
    assert "| 0 |  | 3.0 |" in card


def test_the_card_asks_in_the_wording_of_the_training_with_a_persona_where_that_had_one() -> None:
    with_persona = generator("lora", persona_tokens=24)
    card = model_card("g", with_persona, 24, CURVE, tokenised=True)
    said = "['i had such a hard day at work today .'], persona=['i have two dogs .', 'i love the sea .']"
    assert f"generator.reply({said})" in card
    assert "All text in training was lower-cased and tokenised like this" in card
    card = model_card("g", generator("lora"), 24, CURVE, tokenised=False)
    assert "generator.reply(['I had such a hard day at work today.'])" in card
    assert "tokenised" not in card
    assert "in training" not in model_card("g", prompted(), 24, CURVE, tokenised=True).split("## Data")[0]
    written, as_in_training = asked(False, True), asked(True, True)
    assert (tokenised(written.message), tuple(map(tokenised, written.persona))) == as_in_training


def test_methods_are_known_without_torch() -> None:
    code = "import sys, attune.parameters; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


@pytest.mark.parametrize(
    ("method", "changes", "message"),
    [
        ("prompt_tuning", {"frozen_layers": 1}, "prompt_tuning trains what the lowest layer reads; it must be 0, or"),
        ("full", {"rows": "processed"}, "rows = 'processed' is no folder of rows below data/; name one such as"),
        ("full", {"rows": "../processed/pec"}, "is no folder of rows below data/"),
        ("full", {"frozen_layers": 1.5}, "1.5 is neither a whole number of layers nor a share of them, above 0 and be"),
        ("full", {"frozen_layers": 0.0}, "0.0 is neither a whole number of layers nor a share"),
        ("lora", {"early_stopping": 0}, "greater than or equal to 1"),
    ],
)
def test_a_training_that_cannot_be_is_refused(method: str, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        generator(method, **changes)


@pytest.mark.parametrize("layers", [0, 3, 0.5])
def test_frozen_layers_are_a_number_or_a_share(layers: float) -> None:
    kept = generator("full", frozen_layers=layers).model_dump()["frozen_layers"]
    assert (kept, type(kept)) == (layers, type(layers))
