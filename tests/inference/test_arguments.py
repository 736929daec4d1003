from pathlib import Path

import pytest

from attune.inference.arguments import ancestor


def test_an_ancestor_is_so_many_levels_up_and_never_above_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ancestor("models/generators/full", 2) == tmp_path / "models"
    assert ancestor(".", 1) == tmp_path.parent
    assert ancestor("/full", 3) == Path("/")
