from pathlib import Path

import pytest

from attune.inference.arguments import beside


def test_a_folder_beside_a_model_is_so_many_levels_up_and_never_above_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert beside("models/generators/full", 2, "base") == tmp_path / "models/base"
    assert beside(".", 1) == tmp_path.parent
    assert beside("/full", 3, "data", "index") == Path("/data/index")
    (tmp_path / "models/generators").mkdir(parents=True)
    for path in ("models/generators/../generators/full", "models/generators/full/../full"):
        assert beside(path, 2, "base") == tmp_path / "models/base"


def test_a_folder_beside_a_linked_model_is_where_the_link_leads_or_else_in_its_own_place(tmp_path: Path) -> None:
    """A link to a model of a pipeline, and one in a pipeline to a model elsewhere."""
    for folder in ("project/models/generators/full", "project/models/base/x", "disk/models/lora"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "mine").symlink_to(tmp_path / "project/models/generators/full")
    (tmp_path / "project/models/generators/lora").symlink_to(tmp_path / "disk/models/lora")
    for link in ("mine", "project/models/generators/lora"):
        assert beside(tmp_path / link, 2, "base", "x") == tmp_path / "project/models/base/x"
    assert beside(tmp_path / "project/models/generators/lora", 2, "base", "y") == tmp_path / "project/models/base/y"
