from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.sources.packages import check_hashes


def test_other_weights_than_minilms_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_text("{}")
    with pytest.raises(AttuneError, match="is not all-MiniLM-L6-v2's: sha256"):
        check_hashes(tmp_path, {"model.safetensors": "0" * 64})
    with pytest.raises(AttuneError, match=r"tokenizer\.json is missing"):
        check_hashes(tmp_path, {"tokenizer.json": "0" * 64})
