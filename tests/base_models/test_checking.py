"""A model's folder, broken in each way in which one arrives broken."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from attune.base_models.checking import Use, check_folder
from attune.base_models.headers import fingerprint, tensor_shapes
from attune.cobert.encoder import load_encoder
from attune.core.errors import AttuneError
from attune.core.files import read_json
from attune.generators.loading import load_base, load_tokenizer
from attune.index.embedding import load_embedder
from attune.index.reader import tells_queries_apart
from attune.sources.packages import minilm_folder
from tests.cobert.tiny import encoder
from tests.generators import tiny
from tests.git_lfs import POINTER

AUTO_MAP = {"AutoModelForCausalLM": "modeling_own.Own"}
OWN = {"auto_map": {"AutoTokenizer": ["own.Own", None]}, "tokenizer_class": "OwnTokenizer"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.saved(tiny.llama(), tmp_path_factory.mktemp("model") / "llama")


def changed(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(read_json(path) | changes))


def sharded(folder: Path) -> Path:
    """The folder with its weights in two files and an index."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    places = {}
    for at, name in enumerate(sorted(tensors)):
        places[name] = f"model-0000{at % 2 + 1}-of-00002.safetensors"
    for file in set(places.values()):
        save_file({name: tensors[name] for name in places if places[name] == file}, folder / file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    return folder


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def without_tensor(folder: Path) -> None:
    file = sharded(folder) / "model-00001-of-00002.safetensors"
    tensors = load_file(file)
    tensors.pop(min(tensors))
    save_file(tensors, file)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "weights are a pointer": (
        lambda folder: (folder / "model.safetensors").write_text(POINTER),
        r"model\.safetensors is a Git LFS pointer in the file's place; run `git lfs pull`",
    ),
    "tokenizer is a pointer": (
        lambda folder: (folder / "tokenizer.json").write_text(POINTER),
        r"tokenizer\.json is a Git LFS pointer",
    ),
    "config is a pointer": (
        lambda folder: (folder / "config.json").write_text(POINTER),
        r"config\.json is a Git LFS pointer",
    ),
    "template is a pointer": (
        lambda folder: (folder / "chat_template.jinja").write_text(POINTER),
        r"chat_template\.jinja is a Git LFS pointer",
    ),
    "a shard is a pointer": (
        lambda folder: (sharded(folder) / "model-00002-of-00002.safetensors").write_text(POINTER),
        r"model-00002-of-00002\.safetensors is a Git LFS pointer",
    ),
    "weights are empty": (lambda folder: cut(folder / "model.safetensors", 0), r"model\.safetensors is empty"),
    "weights end in their header": (lambda folder: cut(folder / "model.safetensors", 90), "ends within its header"),
    "weights end early": (
        lambda folder: cut(folder / "model.safetensors", -8),
        r"model\.safetensors has [\d,]+ bytes, but its header describes [\d,]+; fetch it again",
    ),
    "weights are HTML": (
        lambda folder: (folder / "model.safetensors").write_text("<!doctype html><title>404</title>"),
        r"model\.safetensors is no complete safetensors file",
    ),
    "weights are pickled": (
        lambda folder: (folder / "model.safetensors").write_bytes(pickle.dumps({"a": 1})),
        r"model\.safetensors is a pickled file under a safetensors name",
    ),
    "weights are torch's": (
        lambda folder: torch.save({"a": torch.zeros(1)}, folder / "model.safetensors"),
        r"model\.safetensors is a pickled file under a safetensors name",
    ),
    "weights are another format": (
        lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"),
        r"holds only pickled weights \(pytorch_model\.bin\)",
    ),
    "weights are missing": (lambda folder: (folder / "model.safetensors").unlink(), "holds no weights"),
    "a shard is missing": (
        lambda folder: (sharded(folder) / "model-00002-of-00002.safetensors").unlink(),
        r"model-00002-of-00002\.safetensors is missing, which model\.safetensors\.index\.json names",
    ),
    "a tensor is missing": (without_tensor, r"model-00001-of-00002\.safetensors lacks .*, which .* says it holds"),
    "the index is missing": (
        lambda folder: (sharded(folder) / "model.safetensors.index.json").unlink(),
        r"has neither model\.safetensors nor model\.safetensors\.index\.json",
    ),
    "config is missing": (lambda folder: (folder / "config.json").unlink(), r"has no config\.json"),
    "config is cut": (lambda folder: cut(folder / "config.json", 40), r"config\.json is not complete JSON"),
    "config names no model": (lambda folder: (folder / "config.json").write_text("{}"), "has no model_type"),
    "more layers than weights": (
        lambda folder: changed(folder / "config.json", num_hidden_layers=4),
        r"config\.json describes 4 layers, the weights hold 2",
    ),
    "another vocabulary": (
        lambda folder: changed(folder / "config.json", vocab_size=99),
        r"config\.json says vocab_size 99, the weights hold \d+ embeddings",
    ),
    "an encoder": (
        lambda folder: changed(folder / "config.json", architectures=["BertForMaskedLM"]),
        "BertForMaskedLM is no causal language model",
    ),
    "tokenizer is missing": (lambda folder: (folder / "tokenizer.json").unlink(), "has no tokenizer"),
    "tokenizer is cut": (lambda folder: cut(folder / "tokenizer.json", 900), r"tokenizer\.json is not complete JSON"),
    "tokenizer is something else": (
        lambda folder: (folder / "tokenizer.json").write_text("{}"),
        r"tokenizer\.json is no tokenizer that can be read",
    ),
    "tokenizer is too large": (
        lambda folder: changed(folder / "tokenizer_config.json", added_tokens_decoder={"900": {"content": "<x>"}}),
        r"tokenizer\.json has ids up to 900, but the model has embeddings for \d+ tokens",
    ),
    "code of its own": (
        lambda folder: changed(folder / "config.json", auto_map=AUTO_MAP, model_type="own"),
        r"config\.json: auto_map names code of the model's own",
    ),
    "code of the tokenizer": (
        lambda folder: changed(folder / "tokenizer_config.json", **OWN),
        r"tokenizer_config\.json: auto_map names code",
    ),
    "code within a part": (
        lambda folder: changed(folder / "config.json", text_config={"auto_map": AUTO_MAP}),
        r"config\.json: auto_map names code",
    ),
    "an adapter": (
        lambda folder: (folder / "config.json").rename(folder / "adapter_config.json"),
        r"has no config\.json but adapter_config\.json: it is an adapter; name its base",
    ),
    "an adapter beside the model": (
        lambda folder: (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "somebody/else"}'),
        "holds adapter_config.json beside a model, in whose place the base that it names would be loaded",
    ),
    "weights are a link to nothing": (
        lambda folder: (
            (folder / "model.safetensors").rename(folder / "blob")
            and (folder / "model.safetensors").symlink_to("nowhere")
        ),
        r"model\.safetensors is a link to what is missing",
    ),
    "a folder in the tokenizer's place": (
        lambda folder: (folder / "tokenizer.json").unlink() or (folder / "tokenizer.json").mkdir(),
        r"tokenizer\.json is a folder",
    ),
    "weights are packed": (
        lambda folder: changed(folder / "config.json", quantization_config={"quant_method": "gptq", "bits": 4}),
        r"config\.json has a quantization_config: its weights are packed, and no base to train from; name",
    ),
    "an unknown kind": (
        lambda folder: changed(folder / "config.json", model_type="qwen99"),
        r"config\.json: the installed transformers knows no model_type 'qwen99'; name another model",
    ),
    "replies without an end": (
        lambda folder: changed(folder / "tokenizer_config.json", eos_token=None),
        r"tokenizer_config\.json names no end-of-text token, without which no reply ends; set eos_token",
    ),
    "architectures are no list": (
        lambda folder: changed(folder / "config.json", architectures=3),
        r"config\.json: architectures is '3'; expected a list of names",
    ),
}


@pytest.mark.parametrize(("damage", "message"), BROKEN.values(), ids=BROKEN)
@pytest.mark.fault("a model's folder: {}", "refused in a sentence with the file")
def test_a_broken_folder_is_one_sentence_with_the_file(
    damage: Callable[[Path], object], message: str, model: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(model, tmp_path / "m")
    damage(folder)
    with pytest.raises(AttuneError, match=message) as raised:
        check_folder(folder, "base")
    assert "\n" not in str(raised.value)
    assert str(folder) in str(raised.value)


def test_kinds_and_ends_that_transformers_knows_by_itself_pass(model: Path, tmp_path: Path) -> None:
    """GPT-SW3 has no configuration of its own, and published GPT-2 names no end-of-text token."""
    folder = shutil.copytree(model, tmp_path / "m")
    changed(folder / "config.json", model_type="gpt-sw3")
    settings = read_json(folder / "tokenizer_config.json") | {"tokenizer_class": "GPT2Tokenizer"}
    del settings["eos_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    check_folder(folder, "base")
    changed(folder / "tokenizer_config.json", eos_token=None)
    (folder / "special_tokens_map.json").write_text('{"eos_token": "<|endoftext|>"}')
    check_folder(folder, "base")
    assert load_tokenizer(folder).eos_token == "<|endoftext|>"


@pytest.mark.parametrize("use", [None, "base"])
def test_a_whole_folder_passes_in_one_file_or_in_shards(use: Use | None, model: Path, tmp_path: Path) -> None:
    check_folder(model, use)
    check_folder(sharded(shutil.copytree(model, tmp_path / "m")), use)
    check_folder(minilm_folder(), "embedder")
    check_folder(encoder(tmp_path / "roberta", "roberta"), "encoder")


@pytest.mark.parametrize("use", ["base", "encoder"])
def test_half_of_an_encoder_with_a_decoder_is_not_taken_for_a_model(use: Use, model: Path, tmp_path: Path) -> None:
    folder = encoder(tmp_path / "m", "roberta") if use == "encoder" else shutil.copytree(model, tmp_path / "m")
    changed(folder / "config.json", is_encoder_decoder=True)
    with pytest.raises(AttuneError, match=r"config.json: \w+ is an encoder with a decoder, not one of both"):
        check_folder(folder, use)
    changed(folder / "config.json", is_encoder_decoder=False)
    check_folder(folder, use)


def test_empty_files_that_nothing_loads_are_passed_by(model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(model, tmp_path / "m")
    (folder / "checkpoint-500").mkdir()
    for name in ("notes.txt", "checkpoint-500/log.json", "checkpoint-500/model.safetensors"):
        (folder / name).write_text("")
    check_folder(folder, "base")


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("pooling", r"1_Pooling/config\.json is missing, of the Pooling"),
        ("dense", r"2_Dense, the Dense that modules\.json names, holds only pickled weights"),
        ("code", r"modules\.json: type names code of the model's own"),
        ("transformer", r"0_Transformer has no config\.json"),
        ("outside", r"modules\.json: the module '\.\./elsewhere' lies outside of"),
        ("HTML", r"sentence_bert_config\.json is not complete JSON"),
        ("pointer", r"3_Static/vocab\.txt is a Git LFS pointer"),
        ("route", r"query_0_Dense, the Dense that modules\.json names, holds only pickled weights"),
        ("routes", r"4_Router/router_config\.json has no types of modules"),
        ("route outside", r"router_config\.json: the module '\.\./elsewhere' lies outside of"),
    ],
)
@pytest.mark.fault("a sentence encoder with a broken module: {}", "refused in a sentence with the file")
def test_every_module_of_a_sentence_encoder_is_opened(module: str, message: str, tmp_path: Path) -> None:
    folder = shutil.copytree(minilm_folder(), tmp_path / "m")
    modules = json.loads((folder / "modules.json").read_text())
    if module == "pooling":
        (folder / "1_Pooling" / "config.json").unlink()
    if module == "dense":
        (folder / "2_Dense").mkdir()
        (folder / "2_Dense" / "config.json").write_text("{}")
        (folder / "2_Dense" / "pytorch_model.bin").write_text("")
        modules.append({"path": "2_Dense", "type": "sentence_transformers.models.Dense"})
    if module == "code":
        modules.append({"path": "", "type": "custom_st.Own"})
    if module == "transformer":
        (folder / "0_Transformer").mkdir()
        modules[0]["path"] = "0_Transformer"
    if module == "outside":
        modules.append({"path": "../elsewhere", "type": "sentence_transformers.models.Normalize"})
    if module == "HTML":
        (folder / "sentence_bert_config.json").write_text("<!doctype html>")
    if module == "pointer":
        (folder / "3_Static").mkdir()
        (folder / "3_Static" / "vocab.txt").write_text(POINTER)
        modules.append({"path": "3_Static", "type": "sentence_transformers.models.Normalize"})
    if module.startswith("route"):
        router, name = folder / "4_Router", "../elsewhere" if module == "route outside" else "query_0_Dense"
        (router / "query_0_Dense").mkdir(parents=True)
        (router / "query_0_Dense" / "config.json").write_text("{}")
        (router / "query_0_Dense" / "pytorch_model.bin").write_text("x")
        routes = {} if module == "routes" else {"types": {name: "sentence_transformers.models.Dense"}}
        (router / "router_config.json").write_text(json.dumps(routes))
        modules.append({"path": "4_Router", "type": "sentence_transformers.models.Router"})
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(AttuneError, match=message):
        check_folder(folder, "embedder")


def test_an_encoder_with_a_route_for_each_side_passes_and_reads_by_them(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Router, Transformer

    def route(name: str) -> list[Any]:
        transformer = Transformer(str(encoder(tmp_path / name)))
        return [transformer, Pooling(transformer.get_embedding_dimension())]

    router = Router.for_query_document(query_modules=route("a"), document_modules=route("b"))
    SentenceTransformer(modules=[router]).save(str(tmp_path / "m"))
    check_folder(tmp_path / "m", "embedder")
    assert tells_queries_apart(load_embedder(tmp_path / "m"))


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("config.json", {"hidden_size": "64"}, "holds no causal language model: .* expected int, got str"),
        ("config.json", {"num_attention_heads": 0}, "holds no causal language model: "),
        ("config.json", {"hidden_act": "loud"}, "holds no causal language model: .*loud"),
        ("tokenizer_config.json", {"eos_token": 3}, "holds no tokenizer that can be read: .*eos_token"),
        ("tokenizer_config.json", {"extra_special_tokens": 3}, "holds no tokenizer that can be read: "),
    ],
)
@pytest.mark.fault("a model's setting that is none: {changes}", "one sentence when it is loaded")
def test_a_setting_that_the_library_cannot_use_is_one_sentence(
    name: str, changes: dict[str, object], message: str, model: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(model, tmp_path / "m")
    changed(folder / name, **changes)
    with pytest.raises(AttuneError, match=message) as raised:
        load_base(folder) and load_tokenizer(folder)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [("1_Pooling/config.json", "{}"), ("config_sentence_transformers.json", '{"prompts": 3}')],
)
@pytest.mark.fault("a sentence encoder's setting that is none: {name}", "one sentence when it is loaded")
def test_a_module_that_cannot_be_built_is_one_sentence(name: str, content: str, tmp_path: Path) -> None:
    folder = shutil.copytree(minilm_folder(), tmp_path / "m")
    (folder / name).write_text(content)
    with pytest.raises(AttuneError, match="m holds no sentence encoder that can be loaded: "):
        load_embedder(folder)


def cpu_memory_error() -> Exception:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**60, dtype=torch.uint8)
    return raised.value


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory."), cpu_memory_error()])
@pytest.mark.fault("memory that runs out as a model is loaded: {error!r:.40}", "said so, not that the model is wrong")
def test_a_model_that_does_not_fit_into_memory_is_not_called_a_wrong_one(
    error: Exception, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise error

    bert, sentences = encoder(tmp_path / "bert"), shutil.copytree(minilm_folder(), tmp_path / "m")
    monkeypatch.setattr(PreTrainedModel, "from_pretrained", full)
    for load, folder in ((load_base, model), (load_encoder, bert), (load_embedder, sentences)):
        with pytest.raises(AttuneError, match=rf"{folder.name} does not fit into memory: .*; .* a smaller model$"):
            load(folder)


def test_a_base_that_does_not_fit_onto_the_gpu_is_named(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(PreTrainedModel, "to", full)
    with pytest.raises(AttuneError, match="llama does not fit into memory: CUDA out of memory"):
        load_base(model)


@pytest.mark.fault("weights of another architecture", "refused with the first tensor that is missing")
def test_weights_of_another_architecture_are_refused_when_they_are_loaded(model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(model, tmp_path / "m")
    other = tiny.saved(tiny.gpt(), tmp_path / "gpt")
    for name in ("model.safetensors", "tokenizer.json"):
        shutil.copy(other / name, folder / name)
    with pytest.raises(AttuneError, match=r"its weights are not of a llama that writes text: .* is missing"):
        load_base(folder)
    bert = encoder(tmp_path / "bert")
    shutil.copy(other / "model.safetensors", bert / "model.safetensors")
    with pytest.raises(AttuneError, match=r"its weights are not of a bert: .* is missing"):
        load_encoder(bert)


@pytest.mark.parametrize("start", [640, 896, 1152, 1408], ids=lambda start: start.to_bytes(2, "little").hex())
def test_a_header_whose_length_is_written_as_a_pickle_begins_is_read(start: int, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    header = json.dumps({"a": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]}}).ljust(start).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"abc")
    assert tensor_shapes(path) == {"a": [3]}


def test_a_fingerprint_changes_with_the_weights_alone(model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(model, tmp_path / "m")
    changed(folder / "config.json", note="x")
    assert fingerprint(folder) == fingerprint(model)
    tensors = load_file(folder / "model.safetensors")
    save_file({name: tensor + 1 for name, tensor in tensors.items()}, folder / "model.safetensors")
    assert fingerprint(folder) != fingerprint(model)
