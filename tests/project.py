"""The project's own params.yaml, changed for a test and written into its folder."""

from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]


def changed(tmp_path: Path, *changes: tuple[str, object]) -> Path:
    """params.yaml with some keys set, as `dvc exp run -S` writes it."""
    yaml = YAML()  # keeps the order of the keys; builds plain values alone
    raw = yaml.load(ROOT / "params.yaml")
    for key, value in changes:
        *sections, last = key.split(".")
        place = raw
        for section in sections:
            place = place[section]
        place[last] = value
    path = tmp_path / "params.yaml"
    yaml.dump(raw, path)
    return path
