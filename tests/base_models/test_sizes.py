import json
from pathlib import Path

from gguf import GGUFReader

from attune.base_models.sizes import Size, size_of
from attune.sources.packages import smollm2_file


def test_what_is_known_of_the_installed_base_is_what_its_file_says() -> None:
    fields = GGUFReader(smollm2_file()).fields
    layers, positions = (int(fields[f"llama.{key}"].parts[-1][0]) for key in ("block_count", "context_length"))
    assert size_of("SmolLM2-135M-Instruct") == Size(layers, positions)


def test_of_a_directory_the_configuration_is_read_and_of_the_hub_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"n_layer": 6, "n_positions": 1024}))
    assert size_of(str(tmp_path)) == Size(6, 1024)
    (tmp_path / "config.json").write_text("{}")
    assert size_of(str(tmp_path)) == size_of("gpt2") == Size(None, None)
