from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.parameters import load
from tests.project import changed


def test_a_value_of_two_possible_types_is_refused_once(tmp_path: Path) -> None:
    path = changed(tmp_path, ("generators.full.frozen_layers", 1.5))
    with pytest.raises(AttuneError) as raised:
        load(path)
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"{path}: generators.full.frozen_layers: 1.5 is neither")


def test_a_mapping_s_key_is_named_as_it_stands_there(tmp_path: Path) -> None:
    entry = {"path": "mine.csv", "columns": {"answer": "a"}}
    with pytest.raises(AttuneError, match=r"corpora\.mine\.columns\.answer = 'answer': input should be 'context'"):
        load(changed(tmp_path, ("corpora.mine", entry)))
