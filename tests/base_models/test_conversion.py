import subprocess
import sys
from pathlib import Path

import pytest
import torch
from gguf import GGUFReader, dequantize
from transformers import AutoModelForCausalLM, AutoTokenizer

from attune.base_models.checking import check_folder
from attune.base_models.conversion import convert
from attune.core.files import read_json, sha256
from attune.sources.packages import smollm2_file
from tests.base_models import tiny_gguf
from tests.project import ROOT, changed


def logits(folder: Path, **source: str) -> torch.Tensor:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **source).eval()
    with torch.no_grad():
        return model(torch.tensor([[1, 3, 4, 5, 30, 31, 2]])).logits


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.write(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def folder(gguf: Path) -> Path:
    convert(gguf, gguf.parent / "model")
    return gguf.parent / "model"


def test_the_model_predicts_as_its_gguf_does_to_the_bit(gguf: Path, folder: Path) -> None:
    assert torch.equal(logits(folder), logits(gguf.parent, gguf_file=gguf.name))


def test_the_weights_are_those_of_the_file(gguf: Path, folder: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(folder)
    found = {tensor.name: dequantize(tensor.data, tensor.tensor_type) for tensor in GGUFReader(gguf).tensors}
    layer = model.model.layers[0]
    assert torch.equal(layer.mlp.down_proj.weight, torch.tensor(found["blk.0.ffn_down.weight"]))
    assert torch.equal(layer.self_attn.v_proj.weight, torch.tensor(found["blk.0.attn_v.weight"]))
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()


def test_the_tokenizer_has_the_file_s_words_ends_and_chat_template(folder: Path) -> None:
    words = AutoTokenizer.from_pretrained(folder)
    assert words.convert_ids_to_tokens(words("he has<|im_end|>").input_ids) == ["he", "Ġ", "h", "a", "s", "<|im_end|>"]
    assert (words.bos_token, words.eos_token, words.pad_token) == ("<|im_start|>", "<|im_end|>", "<|im_end|>")
    assert words.model_max_length == tiny_gguf.POSITIONS
    chat = words.apply_chat_template([{"role": "user", "content": "he"}], tokenize=False)
    assert chat == "<|im_start|>user\nhe<|im_end|>\n"


def test_the_folder_is_a_model_s_and_says_nothing_of_where_it_was_made(gguf: Path, folder: Path) -> None:
    check_folder(folder)
    assert read_json(folder / "generation_config.json")["eos_token_id"] == 2
    for path in folder.glob("*.json"):
        assert not [word for word in (str(gguf.parent), "gguf", "Tiny", "name_or_path") if word in path.read_text()]


def test_two_conversions_give_the_same_bytes_and_print_nothing(
    gguf: Path, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    convert(gguf, tmp_path)
    assert {path.name: sha256(path) for path in tmp_path.iterdir()} == {
        path.name: sha256(path) for path in folder.iterdir()
    }
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_smollm2_comes_out_of_its_package_as_it_is_and_answers_in_english(tmp_path: Path) -> None:
    changed(tmp_path)
    command = [sys.executable, "-m", "stages.base_models", "name=smollm2", f"target={tmp_path / 'smollm2'}"]
    run = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    gguf = smollm2_file()
    assert torch.equal(logits(tmp_path / "smollm2"), logits(gguf.parent, gguf_file=gguf.name))
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "smollm2")
    words = AutoTokenizer.from_pretrained(tmp_path / "smollm2")
    assert words.model_max_length == 8192
    question = [{"role": "user", "content": "What is the capital of France?"}]
    prompt = words.apply_chat_template(question, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    reply = model.generate(**prompt, max_new_tokens=12, do_sample=False)[0, prompt["input_ids"].shape[1] :]
    assert "Paris" in words.decode(reply)
