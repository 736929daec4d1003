from pathlib import Path

import numpy as np
import pytest

from attune.core.errors import AttuneError
from attune.corpora import EPITOME
from attune.evaluation.generation.empathy import qualities, train, trained_probes, with_columns, with_empathy
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


def test_a_reply_is_read_beside_its_message_and_an_empty_one_has_no_level(tmp_path: Path) -> None:
    write_labels(tmp_path, posts=6)
    words, probes = Words(), trained_probes(tmp_path, Words(), 8)
    rows = [{"prompt": "my old dog", "reply": reply} for reply in ("a new cat", " ", None)]
    read, empty, scored = with_empathy(rows, probes, words, 8)
    pair = np.hstack([words.encode(["my old dog"]), words.encode(["a new cat"])])
    assert [read[name] for name in EMPATHY] == pytest.approx([probes[name].levels(pair)[0] for name in EMPATHY])
    assert [empty[name] for name in EMPATHY] == [0, 0, 0]
    assert scored == rows[2]


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
