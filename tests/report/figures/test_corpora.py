import pandas as pd

from attune.report.figures import corpora


def test_the_emotions_shares_are_of_their_split() -> None:
    splits = {"train": ["sad", "sad", "proud", "sad"], "test": ["proud"]}
    rows = [{"split": split, "emotion": emotion} for split, each in splits.items() for emotion in each]
    figure = corpora.emotion_distribution(pd.DataFrame(rows), "a corpus")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["proud", "sad"]
    assert [bar.get_width() for bar in figure.axes[0].patches] == [25, 75, 100, 0]


def test_each_emotion_s_recall_stands_beside_what_it_is_taken_for() -> None:
    counts = {"sad": {"sad": 1, "proud": 3}, "proud": {"proud": 2}}
    axes = corpora.confusion(counts, 0.5).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["sad", "proud"]
    assert [bar.get_width() for bar in axes.patches] == [25.0, 100.0]
    assert [text.get_text() for text in axes.texts] == ["else proud (75 %)"]
    assert "accuracy 50 %" in axes.get_title()
