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


def test_hard_negatives_without_extra_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"recipes.tuned: hard_negatives = 5 is where .* extra_negatives is 0"):
        load(changed(tmp_path, ("recipes.tuned.hard_negatives", 5), ("recipes.tuned.extra_negatives", 0)))


def test_extra_negatives_have_one_source(tmp_path: Path) -> None:
    remembered = ("recipes.tuned.cross_batch_memory", True)
    with pytest.raises(
        AttuneError, match=r"recipes.tuned: cross_batch_memory .* hard_negatives = 5 .* leave one of them"
    ):
        load(changed(tmp_path, remembered, ("recipes.tuned.hard_negatives", 5)))
    with pytest.raises(AttuneError, match=r"recipes.tuned: cross_batch_memory is where .* extra_negatives is 0"):
        load(changed(tmp_path, remembered, ("recipes.tuned.extra_negatives", 0)))


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([], "list should have at least 2 items"),
        ([5], "list should have at least 2 items"),
        ([20, 10, 0], "[20, 10, 0] must be ascending, with no number twice"),
        ([0, 5, 5], "[0, 5, 5] must be ascending, with no number twice"),
    ],
)
def test_numbers_of_persona_sentences_begin_with_the_fewest(tmp_path: Path, counts: list[int], message: str) -> None:
    with pytest.raises(AttuneError, match=rf"personas\.counts.*: {re.escape(message)}"):
        load(changed(tmp_path, ("personas.counts", counts)))


def test_interpolation_needs_layers_of_the_encoder_that_train(tmp_path: Path) -> None:
    reader = ("recipes.tuned.matching", "cross_encoder")
    with pytest.raises(AttuneError, match=r"recipes.tuned: interpolate is for the encoder's layers"):
        load(changed(tmp_path, reader, ("recipes.tuned.interpolate", True)))
