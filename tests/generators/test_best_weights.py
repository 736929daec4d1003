from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from attune.core.errors import AttuneError
from attune.generators.best_weights import BestWeights, since_best
from attune.generators.learning_curve import summary
from attune.generators.loading import load_generator, read_card
from attune.generators.prompts import examples
from attune.generators.training import train
from tests.generators.tiny import dialogue_rows, generator, gpt, llama, saved

EXAMPLES = examples(dialogue_rows())
# Held-out losses first fall and then rise: the rate is constant and far too high.
OVERSHOOTS = {"schedule": "constant_with_warmup", "lr": 0.3, "steps": 12, "log_steps": 1, "save_steps": 1}


def tied(**changes: Any) -> Any:
    return llama(**{"num_hidden_layers": 3, "tie_word_embeddings": True} | changes)


def run(folder: Path, name: str, method: str = "full", **changes: object) -> list[dict[str, float]]:
    base = folder / "base" / "tiny"
    if not base.exists():
        saved(tied(), base)
    settings = generator(method, **changes)
    return train(settings, base, EXAMPLES, 1, folder / f"c_{name}", folder / "generators" / name)


def test_the_first_of_the_lowest_losses_is_the_best() -> None:
    assert [since_best(losses) for losses in ([3.0], [3.0, 2.0], [3.0, 2.0, 2.0], [1.0, 2.0, 3.0])] == [0, 0, 1, 2]


def test_weights_come_back_as_they_were_kept(tmp_path: Path) -> None:
    model, best = gpt(), BestWeights(tmp_path / "best.safetensors")
    before = {name: each.detach().clone() for name, each in model.named_parameters()}
    best.keep(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    best.restore(model)
    assert all(torch.equal(before[name], each) for name, each in model.named_parameters())


@pytest.mark.parametrize(("method", "lr"), [("full", 0.3), ("prompt_tuning", 1.0), ("lora", 0.1)])
def test_the_weights_of_the_lowest_loss_are_saved(tmp_path: Path, method: str, lr: float) -> None:
    saved(gpt(), tmp_path / "base/tiny")
    changes = OVERSHOOTS | {"lr": lr}
    tried = [row["valid_loss"] for row in run(tmp_path, "tried", method, **changes | {"steps": 9})]
    # At such a rate the losses differ between processors; the training ends where they have just risen.
    steps = next(step for step in range(2, 10) if tried[step] > min(tried[:step]) and min(tried[:step]) < tried[0])
    curve = run(tmp_path, "long", method, **changes | {"steps": steps})
    losses = [row["valid_loss"] for row in curve]
    best = losses.index(min(losses))
    assert 0 < best < steps
    assert [row["step"] for row in curve if "saved" in row] == [best]
    run(tmp_path, "short", method, **changes | {"steps": best})
    found, wanted = (
        load_file(next((tmp_path / "generators" / name).glob("*.safetensors"))) for name in ("long", "short")
    )
    assert all(torch.equal(found[key], wanted[key]) for key in wanted)
    assert summary(curve).endswith(f"{losses[0]} untrained, {losses[best]} after step {best}, whose weights are saved")


def test_training_stops_when_the_loss_stays_above_the_best(tmp_path: Path) -> None:
    whole = [row["valid_loss"] for row in run(tmp_path, "whole", **OVERSHOOTS)]
    stopped = [row["valid_loss"] for row in run(tmp_path, "stopped", **OVERSHOOTS, early_stopping=2)]
    assert stopped == whole[: len(stopped)]
    assert len(stopped) < len(whole)
    assert since_best(stopped) == 2
    assert all(since_best(stopped[:count]) < 2 for count in range(1, len(stopped)))


def test_a_training_that_only_harms_saves_what_it_began_with_and_says_so(tmp_path: Path) -> None:
    curve = run(tmp_path, "harmed", **OVERSHOOTS | {"lr": 1.0, "steps": 3})
    assert curve[0]["saved"] == 1
    assert summary(curve).endswith("untrained, and no lower by training: the weights saved are the untrained ones")
    found = load_file(tmp_path / "generators/harmed/model.safetensors")
    wanted = load_file(tmp_path / "base/tiny/model.safetensors")
    assert all(torch.equal(found[key], wanted[key]) for key in wanted)


def test_only_the_weights_that_training_changed_are_saved(tmp_path: Path) -> None:
    run(tmp_path, "part", frozen_layers=2)
    folder, base = tmp_path / "generators/part", tmp_path / "base/tiny"
    names = load_file(folder / "model.safetensors").keys()
    assert all(name.startswith("model.layers.2.") or name == "model.norm.weight" for name in names)
    card = read_card(folder)
    assert card.partial
    assert 0 < card.trainable_parameters < card.parameters
    assert card.parameters == sum(each.numel() for each in tied().parameters())
    model, untrained = load_generator(folder, card, base).cpu(), tied()
    batch = {"input_ids": torch.tensor([[1, 2, 3]])}
    assert not torch.allclose(model(**batch).logits, untrained(**batch).logits)
    for name, each in untrained.named_parameters():
        assert torch.equal(each, dict(model.named_parameters())[name]) is (name not in names), name


def test_weights_without_a_place_in_the_base_are_an_error(tmp_path: Path) -> None:
    run(tmp_path, "part", frozen_layers=2)
    folder = tmp_path / "generators/part"
    for other, message in (
        (tied(num_hidden_layers=2), r"has model\.layers\.2\.\S+ of \[.*\], the base no such tensor"),
        (tied(intermediate_size=24), r"mlp\.\S+ of \[.*\], the base \[.*24.*\]"),
    ):
        with pytest.raises(AttuneError, match=message):
            load_generator(folder, replace(read_card(folder), base_fingerprint=""), saved(other, tmp_path / "other"))
    (folder / "model.safetensors").unlink()
    with pytest.raises(AttuneError, match=r"part/model\.safetensors is missing"):
        load_generator(folder, read_card(folder), tmp_path / "base/tiny")
