import re
from pathlib import Path

import pytest

from attune.cobert.matchers import MATCHERS
from attune.core.errors import AttuneError
from attune.parameters import load
from attune.parameters.cobert import matcher_names
from tests.project import changed


def test_an_unknown_matcher_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    message = "recipes.tuned.matching: unknown matcher 'cosine'; it may be co_attention, bi_encoder"
    with pytest.raises(AttuneError, match=re.escape(message)):
        load(changed(tmp_path, ("recipes.tuned.matching", "cosine")))


def test_every_registered_matcher_may_be_named() -> None:
    assert matcher_names() == tuple(MATCHERS)
