"""README explains what DVC itself says of parameters from which it can make no stages."""

import re
import shutil
from pathlib import Path

import pytest
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.utils.hydra import apply_overrides, to_hydra_overrides
from hydra.errors import OverrideParseException
from ruamel.yaml import YAML

from tests.project import ROOT, changed

README = (ROOT / "README.md").read_text(encoding="utf-8")
LIST = README.partition("its own error message at")[2].partition("\n\nThe ")[0]
NEW = {"corpus": "openorca", "base": "smollm2", "rows": "processed/openorca", "method": "prompt", "max_length": "64"}


def generator(without: str) -> str:
    return f"+generators.mine={{{', '.join(f'{key}: {value}' for key, value in NEW.items() if key != without)}}}"


@pytest.mark.parametrize("change", [generator("base"), generator("rows"), "cobert.subsets=[]"])
def test_the_key_that_it_does_not_find_is_in_the_list(tmp_path: Path, change: str) -> None:
    path = changed(tmp_path)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    apply_overrides(path, [change])
    with pytest.raises(DvcException) as raised, Repo.init(str(tmp_path), no_scm=True) as repo:
        _ = repo.index.stages
    (key,) = re.findall("Could not find '(.+)'", str(raised.value))
    assert re.search(rf"`[^`]*\b{re.escape(key)}\b[^`]*`", LIST)


def test_an_entry_of_a_list_is_named_as_the_list_says(tmp_path: Path) -> None:
    path = changed(tmp_path)
    (line,) = (item for item in LIST.split("\n- ") if "LexerNoViableAltException" in item)
    (wrong,) = re.findall(r"`([\w.]+\[0\])`", line)
    with pytest.raises(OverrideParseException, match="LexerNoViableAltException"):
        to_hydra_overrides([f"{wrong}=happy"])
    (right,) = re.findall(r"`([\w.]+=\d)`", line)
    apply_overrides(path, [right])
    key, _, value = right.partition("=")
    place = YAML(typ="safe").load(path)
    for part in key.split("."):
        place = place[int(part) if part.isdecimal() else part]
    assert place == int(value)
