from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from attune.core.files import write_json
from attune.export.facts import Facts
from tests.project import changed


@pytest.mark.parametrize(
    ("source", "licence"), [("sample", "gpl-3.0"), ("hub", "other"), ("directory", "other"), ("path", "other")]
)
def test_only_models_of_the_sample_are_under_the_gpl(tmp_path: Path, source: str, licence: str) -> None:
    changed(tmp_path)
    write_json(tmp_path / "data/raw/pec/manifest.json", {"source": source})
    write_json(tmp_path / "data/raw/openorca/manifest.json", {"source": "sample"})
    card = ModelCard(Facts(tmp_path).front_matter("persona", "pec", "SmolLM2-135M-Instruct", []))
    assert card.data.license == licence
    assert (card.data.license_link is None) == (source == "sample")
