from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from attune.cobert import storage
from attune.cobert.model import Cobert
from attune.core.errors import AttuneError
from attune.core.files import read_json, sha256, write_json
from attune.inference.ranker import Ranker
from tests.cobert.test_model import FAMILIES, table
from tests.cobert.tiny import cobert, encoder
from tests.git_lfs import POINTER


def trained(folder: Path, family: str = "bert", **settings: object) -> tuple[Cobert, object]:
    """A CoBERT with other weights than its encoder's where training may change them, saved in FOLDER/saved."""
    model, inputs = cobert(folder / "encoder", family, **settings)
    torch.manual_seed(1)
    with torch.no_grad():
        for weights in model.parameters():
            if weights.requires_grad:
                weights += 0.1 * torch.randn_like(weights)
    storage.save(model, folder / "saved")
    inputs.tokenizer.save_pretrained(folder / "saved")
    return model, inputs


@pytest.mark.parametrize("frozen", [0, 1])
@pytest.mark.parametrize("family", [*FAMILIES, "nomic_bert"])
def test_a_saved_model_scores_the_same_to_the_bit(tmp_path: Path, family: str, frozen: int) -> None:
    """As the whole model, saved and loaded by transformers, also does."""
    model, inputs = trained(
        tmp_path, family, context_length=40, num_personas=1, score_scale=0.5, frozen_layers=frozen, matching="joint"
    )
    model.save_pretrained(tmp_path / "whole")
    whole = Cobert.from_pretrained(tmp_path / "whole").to(model.device).eval()
    again = Ranker.from_pretrained(tmp_path / "saved", tmp_path / "encoder")
    assert (again.inputs.max_length, again.inputs.num_personas) == (40, 1)
    expected = table(model, inputs)
    assert torch.equal(table(again.model, again.inputs), expected)
    assert torch.equal(table(whole, inputs), expected)
    assert all(torch.equal(again.model.state_dict()[name], tensor) for name, tensor in model.state_dict().items())
    assert {path.suffix for path in (tmp_path / "saved").iterdir()} == {".json", ".safetensors"}
    assert str(tmp_path) not in (tmp_path / "saved" / "config.json").read_text()
    storage.save(again.model, tmp_path / "twice")
    for name in ("config.json", "model.safetensors"):
        assert sha256(tmp_path / "twice" / name) == sha256(tmp_path / "saved" / name)


def test_only_what_training_may_change_is_written(tmp_path: Path) -> None:
    model, _ = trained(tmp_path, frozen_layers=2, matching="poly_encoder")
    written = load_file(tmp_path / "saved/model.safetensors")
    assert written.keys() == {name for name, weights in model.named_parameters() if weights.requires_grad}
    assert "matcher.codes" in written
    assert not any("embeddings" in name or ".layer.0." in name or ".layer.1." in name for name in written)


def test_a_model_without_frozen_layers_needs_no_encoder(tmp_path: Path) -> None:
    model, inputs = trained(tmp_path, frozen_layers=0)
    again = storage.load(tmp_path / "saved", tmp_path / "nowhere").eval()
    assert torch.equal(table(again, inputs), table(model, inputs))
    assert read_json(tmp_path / "saved/config.json")["frozen_sha256"] is None


def test_the_encoder_lies_beside_the_models_unless_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(tmp_path, frozen_layers=1)
    (tmp_path / "models/cobert").mkdir(parents=True)
    (tmp_path / "saved").rename(tmp_path / "models/cobert/saved")
    monkeypatch.chdir(tmp_path / "models/cobert")
    with pytest.raises(AttuneError, match=r"models/base/encoder, which has .*`dvc repro base_encoders@encoder`"):
        Ranker.from_pretrained("saved")
    encoder(tmp_path / "models/base/encoder")
    replies = ["the dog !", "i like the sea ."]
    found = Ranker.from_pretrained("saved").rank(["i lost my dog ."], [], replies)
    assert Ranker.from_pretrained("saved", tmp_path / "encoder").rank(["i lost my dog ."], [], replies) == found


@pytest.mark.fault("CoBERT beside another encoder", "refused")
def test_another_encoder_is_refused(tmp_path: Path) -> None:
    trained(tmp_path, frozen_layers=1)
    weights = load_file(tmp_path / "encoder/model.safetensors")
    for changes in (
        {"encoder.layer.0.output.dense.bias": weights["encoder.layer.0.output.dense.bias"] + 1e-6},
        {"embeddings.word_embeddings.weight": weights["embeddings.word_embeddings.weight"].flip(0)},
    ):
        save_file(weights | changes, tmp_path / "encoder/model.safetensors", {"format": "pt"})
        with pytest.raises(AttuneError, match=r"saved was trained on top of another encoder than the one in .*encoder"):
            Ranker.from_pretrained(tmp_path / "saved", tmp_path / "encoder")
    changed = {"encoder.layer.2.output.dense.bias": weights["encoder.layer.2.output.dense.bias"] + 1}  # not frozen
    save_file(weights | changed, tmp_path / "encoder/model.safetensors", {"format": "pt"})
    Ranker.from_pretrained(tmp_path / "saved", tmp_path / "encoder")
    for other in (encoder(tmp_path / "gpt2", "gpt2"), encoder(tmp_path / "wide", hidden_size=24)):
        with pytest.raises(AttuneError, match="was trained on top of another encoder"):
            Ranker.from_pretrained(tmp_path / "saved", other)


def test_every_tensor_has_a_place_and_its_shape(tmp_path: Path) -> None:
    trained(tmp_path, frozen_layers=2)
    path = tmp_path / "saved/model.safetensors"
    weights = load_file(path)
    name = "encoder.encoder.layer.2.output.dense.bias"
    for broken, message in (
        ({key: value for key, value in weights.items() if key != name}, f"model.safetensors lacks {name}"),
        (weights | {"encoder.pooler.bias": torch.zeros(2)}, "no place for: encoder.pooler.bias"),
        (weights | {name: torch.zeros(3)}, f"the wrong shape for {name}"),
    ):
        save_file(broken, path)
        with pytest.raises(AttuneError, match=f"saved holds no CoBERT .*`dvc repro train_cobert` .*{message}"):
            Ranker.from_pretrained(tmp_path / "saved", tmp_path / "encoder")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(AttuneError, match=r"saved holds no CoBERT .*`dvc repro train_cobert`"):
        Ranker.from_pretrained(tmp_path / "saved", tmp_path / "encoder")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: [], "config.json is of another model type"),
        (lambda config: config | {"matching": "new_matcher"}, r"of the installed version \(KeyError: 'new_matcher'\)"),
        (
            lambda config: config | {"encoder": {"hidden_size": 16}},
            r"of the installed version \(KeyError: 'model_type'\)",
        ),
        (lambda config: config | {"encoder": 5}, r"of the installed version \(TypeError: "),
        (lambda config: config | {"encoder": config["encoder"] | {"hidden_size": "wide"}}, "of the installed version"),
    ],
)
def test_the_configuration_of_another_version_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    trained(tmp_path, frozen_layers=0)
    path = tmp_path / "saved/config.json"
    write_json(path, change(read_json(path)))
    with pytest.raises(AttuneError, match=rf"saved holds no CoBERT .*`dvc repro train_cobert` writes one: .*{message}"):
        Ranker.from_pretrained(tmp_path / "saved")


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "config.json", "model.safetensors"])
@pytest.mark.fault("a Git LFS pointer in a trained CoBERT: {name}", "one sentence, with the stage that writes it")
def test_a_pointer_in_a_files_place_is_refused(tmp_path: Path, name: str) -> None:
    _, inputs = trained(tmp_path, frozen_layers=1)
    inputs.tokenizer.save_pretrained(tmp_path / "saved")
    Ranker.from_pretrained(tmp_path / "saved", tmp_path / "encoder")
    (tmp_path / "saved" / name).write_text(POINTER)
    with pytest.raises(AttuneError, match=r"saved holds no CoBERT .*`dvc repro train_cobert` writes one"):
        Ranker.from_pretrained(tmp_path / "saved", tmp_path / "encoder")
