import re
from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.parameters import load
from tests.project import changed, read


@pytest.mark.parametrize(
    "key",
    [
        "cobert.recipes", "cobert.subsets", "cobert.domains", "compare.recipes", "compare.domains", "seeds.values",
        "seeds.recipes", "seeds.domains", "seeds.generators", "generation.sweep.generators", "generation.sweep.points",
        "generation.questions.generators",
    ],
)  # fmt: skip
def test_a_list_names_each_of_its_entries_once(tmp_path: Path, key: str) -> None:
    values = read()
    for part in key.split("."):
        values = values[part]
    with pytest.raises(AttuneError, match=rf"{re.escape(key)}: .* is in the list twice; name it once"):
        load(changed(tmp_path, (key, [*values, values[0]])))
