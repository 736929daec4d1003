from pathlib import Path

import numpy as np
import pytest

from attune.core.errors import AttuneError
from attune.corpora import EPITOME
from attune.evaluation.generation.empathy import (
    EmpathyProbe,
    qualities,
    train,
    trained_probes,
    with_columns,
    with_empathy,
)
from attune.evaluation.generation.semantics import EMPATHY
from attune.evaluation.schemas import ANSWERED_SCORED
from tests.evaluation.generation.labels import write_labels
from tests.inference.tiny_bank import Words

# Three separable levels, each in 10 replies to as many posts.
LEVELS = [0, 1, 2] * 10
POSTS = [f"s{at // 3}" for at in range(30)]
VECTORS = np.eye(3)[LEVELS] * 20


def test_a_probe_is_measured_on_posts_it_was_not_trained_on_beside_chance() -> None:
    quality = train(VECTORS, LEVELS, POSTS).quality(13)
    assert (quality["accuracy"], quality["f1"], quality["replies"]) == (1, 1, 30)
    assert quality["chance_accuracy"] == pytest.approx(1 / 3, abs=1e-4)
    # Always one of three levels: F1 of 2 * (1/3) / (1 + 1/3) for it, and 0 for the others.
    assert quality["chance_f1"] == pytest.approx(0.5 / 3, abs=1e-4)


def test_each_level_counts_alike_in_f1_however_many_replies_have_it() -> None:
    """F1 is 2/3 for level 0, 1/2 for level 1 and 0 for level 2; for always guessing 0 it is 2/3, 0 and 0."""
    truths, guesses = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 0]
    quality = EmpathyProbe(None, [f"s{at}" for at in range(6)], truths, guesses).quality(13)
    assert (quality["accuracy"], quality["chance_accuracy"]) == (0.5, 0.5)
    assert (quality["f1"], quality["chance_f1"]) == (round(7 / 18, 4), round(2 / 9, 4))


def test_what_a_probe_only_remembers_does_not_count() -> None:
    """Every post has its own direction and level: a probe that had seen the post would be right."""
    posts = [f"s{at // 2}" for at in range(24)]
    levels = [(at // 2) % 2 for at in range(24)]
    vectors = np.eye(12)[[at // 2 for at in range(24)]] * 20
    assert train(vectors, levels, posts).quality(13)["accuracy"] <= 0.5


def test_replies_to_one_post_are_in_one_part(tmp_path: Path) -> None:
    """A probe from EPITOME's files is tested on posts of which it has seen no reply."""
    write_labels(tmp_path, posts=6)
    probes = trained_probes(tmp_path, Words(), 8)
    assert tuple(probes) == EMPATHY
    for probe in probes.values():
        assert probe.texts == [f"s{at}" for at in range(6) for _ in range(3)]
        assert probe.truths == [0, 1, 2] * 6


def test_levels_are_expected_ones() -> None:
    probe = train(VECTORS, LEVELS, POSTS)
    assert probe.levels(np.eye(3) * 20) == pytest.approx([0, 1, 2], abs=0.05)
    assert 0.2 < probe.levels(np.array([[10.0, 0.0, 10.0]]))[0] < 1.8


def test_a_reply_is_read_after_its_message_and_an_empty_one_has_no_level() -> None:
    """The reply alone decides on the level: what is said of a city is 2, of a bike 0, whatever the message is about."""
    words, about = Words(), ("bike", "job", "city")
    said = [(message, reply) for message in about for reply in about] * 3
    vectors = np.hstack([20 * words.encode([each[side] for each in said]) for side in (0, 1)])
    levels = [about.index(reply) for _, reply in said]
    probes = {name: train(vectors, levels, [f"s{at}" for at in range(len(said))]) for name in EMPATHY}
    replies = ("a city", "a bike", " ", None)
    city, bike, empty, scored = with_empathy(
        [{"prompt": "my bike", "reply": each} for each in replies], probes, words, 8
    )
    for name in EMPATHY:
        assert city[name] > bike[name]
        assert empty[name] == 0
    assert scored == {"prompt": "my bike", "reply": None}


def test_one_level_and_too_few_posts_are_refused() -> None:
    with pytest.raises(
        AttuneError, match=r"needs 5 seeker posts, and two for each of two levels; .*by level \{0: 10\}"
    ):
        train(VECTORS, [0] * 30, POSTS)
    with pytest.raises(AttuneError, match="there are 3"):
        train(VECTORS[:9], LEVELS[:9], POSTS[:9])


def test_without_labels_there_are_no_columns() -> None:
    rows = [{"prompt": "p", "reply": "r"}]
    assert trained_probes(None, None, 1) == {}
    assert with_empathy(rows, {}, None, 1) == rows
    assert with_columns(ANSWERED_SCORED, {}) == ANSWERED_SCORED
    assert qualities({}, 13) == {}


def test_the_mechanisms_are_those_of_epitomes_files() -> None:
    assert tuple(EPITOME.layouts[0]) == EMPATHY
