from pathlib import Path

import pytest

from attune.metrics.bleu import SELF_BLEU_REPLIES, overlap, self_bleu, signatures
from tests.forked import python

REPLIES = ["That is so sad, I am sorry.", "", "我很难过。", "Well done, you must be proud!"]
TARGETS = ["Oh that is sad, I am so sorry.", "Why is that?", "我也很难过。", "You must be so proud!"]


@pytest.mark.parametrize("metric", ["bleu", "chrf"])
def test_the_scores_are_sacrebleu_s_command_line_s(metric: str, tmp_path: Path) -> None:
    for name, lines in (("out", REPLIES), ("ref", TARGETS)):
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = ("-m", "sacrebleu", "ref", "-i", "out", "-m", metric, "-b", "-w", "6")
    done = python("data", *words, cwd=tmp_path)
    assert f"{overlap(REPLIES, TARGETS)[metric]:.6f}" == done.stdout.strip()


def test_what_was_done_is_named() -> None:
    found = signatures()
    assert "tok:13a" in found["bleu"]
    assert "nc:6" in found["chrf"]


def test_replies_that_are_all_the_same_share_everything() -> None:
    assert self_bleu(["I am so sorry to hear that."] * 10_000) == pytest.approx(100)
    assert self_bleu(["one two three", "four five six"]) == 0
    assert self_bleu(["Oh no", "Oh no"]) == pytest.approx(100)  # without any 4-gram
    assert self_bleu(["alone"]) == 0
    assert self_bleu([*["I am so sorry."] * SELF_BLEU_REPLIES, "Well", "done"]) == pytest.approx(100)  # the first ones
    assert 0 < self_bleu(["I am so sorry.", "I am so glad."]) < 100
