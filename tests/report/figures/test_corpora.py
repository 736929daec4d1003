from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from attune.report.figures import corpora
from attune.report.figures.style import save


def test_the_emotions_shares_are_of_their_split() -> None:
    splits = {"train": ["sad", "sad", "proud", "sad"], "test": ["proud"]}
    rows = [{"split": split, "emotion": emotion} for split, each in splits.items() for emotion in each]
    figure = corpora.emotion_distribution(pd.DataFrame(rows), "a corpus")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["proud", "sad"]
    assert [bar.get_width() for bar in figure.axes[0].patches] == [25, 75, 100, 0]


def test_lengths_stand_on_a_logarithmic_axis_beside_texts_without_words() -> None:
    axes = corpora.text_lengths(pd.DataFrame({"kind": ["a", "a", "b"], "words": [5, 50, 0]})).axes[0]
    assert axes.get_xlabel().startswith("words (logarithmic)")
    places = axes.transData.transform([(x, 0) for x in (5, 10, 20)])[:, 0]
    assert places[1] - places[0] == pytest.approx(places[2] - places[1])
    assert axes.get_xlim()[0] > 0.5


def test_each_emotion_s_recall_stands_beside_what_it_is_taken_for() -> None:
    counts = {"sad": {"sad": 1, "proud": 3}, "proud": {"proud": 2}}
    rows = [("sad", "I fell."), ("sad", "I fell."), ("sad", "It rains."), ("sad", "I fell."), ("proud", "I won.")]
    dialogues = pd.DataFrame([*rows, rows[-1]], columns=["emotion", "situation"])
    axes = corpora.confusion(counts, 0.5, dialogues).axes[0]
    assert "(2–4 conversations about 1–2 situations per emotion:\nsingle shares say little)" in axes.get_xlabel()
    many = pd.DataFrame([{"emotion": "sad", "situation": str(at)} for at in range(30)])
    told = corpora.confusion(counts, 0.5, many).axes[0].get_xlabel()
    assert "(30 conversations about 30 situations per emotion)" in told
    assert [label.get_text() for label in axes.get_yticklabels()] == ["sad", "proud"]
    assert [bar.get_width() for bar in axes.patches] == [25.0, 100.0]
    assert [text.get_text() for text in axes.texts] == ["else proud (75 %)"]
    assert axes.spines["bottom"].get_bounds() == (0, 100)  # beyond it there are only texts
    assert "accuracy 50 %" in axes.get_title()


@pytest.mark.fault("thousands of emotions, a long text or control characters for one", "the most frequent, shortened")
def test_whatever_stands_in_the_column_of_emotions_can_be_drawn(tmp_path: Path) -> None:
    names = ["sad\x07or\nglad", "why " * 5_000, *map(str, range(3_000))]
    rows = [{"split": "train", "emotion": name} for name in [*names, *names[:2]]]
    drawn = corpora.emotion_distribution(pd.DataFrame(rows), "a corpus")
    counts = {name: {f"{names[1]}!": 1, name: 9 if name in names[:2] else 1} for name in names}
    probe = corpora.confusion(counts, 0.5, pd.DataFrame(rows).assign(situation="It rains."))
    for figure in (drawn, probe):
        assert figure.axes[0].get_title().endswith("(the 50 most frequent of 3,002)")
        labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert len(labels) == 50
        assert {"sad or glad", "why why why why why why why..."} < set(labels)
        save(figure, tmp_path, "figure")
        assert ElementTree.parse(tmp_path / "figure.svg")


def test_a_box_reaches_over_half_of_the_texts_and_its_whiskers_over_nine_tenths() -> None:
    lengths = pd.DataFrame({"kind": ["message"] * 101 + ["reply"], "words": [*range(100, 201), 0]})
    axes = corpora.text_lengths(lengths).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["reply (1)", "message (101)"]
    reply, message = (box.get_path().vertices[:, 0] for box in axes.patches)
    assert (reply.min(), reply.max()) == (1, 1)  # one without words, which a logarithm has no place for
    assert (message.min(), message.max()) == (125, 175)
    ends = {float(x) for line in axes.lines for x in line.get_xdata()}
    assert ends == {1, 105, 125, 150, 175, 195}


def test_an_emotion_is_named_with_the_one_that_it_is_most_often_taken_for() -> None:
    counts = {"sad": {"sad": 4, "proud": 1, "afraid": 3, "calm": 2}}
    rows = [{"emotion": "sad", "situation": str(at % 10)} for at in range(40)]
    axes = corpora.confusion(counts, 0.4, pd.DataFrame(rows)).axes[0]
    assert [text.get_text() for text in axes.texts] == ["else afraid (30 %)"]
    # What says little is a share of few situations, however many conversations are about them.
    assert "(40 conversations about 10 situations per emotion:\nsingle shares say little)" in axes.get_xlabel()
