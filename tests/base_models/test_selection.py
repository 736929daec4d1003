import json
import shutil
from pathlib import Path

from attune.base_models.fetching import fetch
from attune.base_models.headers import tensor_shapes
from tests.cobert.tiny import encoder
from tests.sources.hub_server import Hub


def below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_of_a_directory_what_may_be_loaded_is_copied_and_nothing_else(tmp_path: Path) -> None:
    folder = encoder(tmp_path / "m")
    modules = [{"path": path, "type": f"sentence_transformers.models.{path[2:]}"} for path in ("1_Pooling", "2_Dense")]
    (folder / "modules.json").write_text(json.dumps(modules))
    templates = ("chat_template.jinja", "additional_chat_templates/a.jinja")
    wanted = (*templates, "1_Pooling/config.json", "2_Dense/config.json")
    beside = ("training_args.bin", ".cache/lock.json", "data/rows.json", "checkpoint-10/config.json", "2_Dense/a.md")
    for name in (*wanted, *beside):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
    weights = ("consolidated.safetensors", "2_Dense/model.safetensors", "2_Dense/optimizer.safetensors")
    for name in (*weights, "checkpoint-10/model.safetensors"):
        shutil.copyfile(folder / "model.safetensors", folder / name)
    fetch(str(folder), tmp_path / "target")
    own = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "modules.json")
    assert below(tmp_path / "target") == {*own, *wanted, "2_Dense/model.safetensors"}


def test_of_several_weights_those_of_the_index_are_copied(tmp_path: Path) -> None:
    folder = encoder(tmp_path / "m")
    shard = "model-00001-of-00001.safetensors"
    shutil.copyfile(folder / "model.safetensors", folder / "consolidated.safetensors")
    (folder / "model.safetensors").rename(folder / shard)
    places = dict.fromkeys(tensor_shapes(folder / shard), shard)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    fetch(str(folder), tmp_path / "target", "encoder")
    copied = {name for name in below(tmp_path / "target") if "safetensors" in name}
    assert copied == {shard, "model.safetensors.index.json"}


def test_of_a_repository_what_may_be_loaded_is_downloaded_and_nothing_else(hub: Hub, tmp_path: Path) -> None:
    served = tmp_path / "served"
    modules = [{"path": path, "type": f"sentence_transformers.models.{path[2:]}"} for path in ("1_Pooling", "2_Dense")]
    (served / "modules.json").write_text(json.dumps(modules))
    wanted = ["1_Pooling/config.json", "2_Dense/config.json", "additional_chat_templates/a.jinja"]
    for name in (*wanted, "data/rows.json", "checkpoint-10/config.json", "onnx/config.json"):
        (served / name).parent.mkdir(exist_ok=True)
        (served / name).write_text("{}")
    wanted.append("2_Dense/model.safetensors")
    beside = ("consolidated.safetensors", "original/model.safetensors", "checkpoint-10/model.safetensors")
    for name in (wanted[-1], *beside):
        (served / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(served / "model.safetensors", served / name)
    fetch("me/m", tmp_path / "target")
    wanted += ["config.json", "model.safetensors", "modules.json", "tokenizer.json", "tokenizer_config.json"]
    asked = {each.partition("/resolve/")[2].partition("/")[2] for each in hub.requests if "/resolve/" in each}
    assert asked == below(tmp_path / "target") == set(wanted)


def test_shards_are_downloaded_by_their_index(hub: Hub, tmp_path: Path) -> None:
    shard, served = "model-00001-of-00001.safetensors", tmp_path / "served"
    shutil.copyfile(served / "model.safetensors", served / "consolidated.safetensors")
    (served / "model.safetensors").rename(served / shard)
    places = dict.fromkeys(tensor_shapes(served / shard), shard)
    (served / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    fetch("me/m", tmp_path / "target", "encoder")
    assert (tmp_path / "target" / shard).read_bytes() == (served / shard).read_bytes()
    assert not [each for each in hub.requests if each.endswith("consolidated.safetensors")]
