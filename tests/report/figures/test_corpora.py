import pandas as pd

from attune.report.figures import corpora


def test_the_emotions_shares_are_of_their_split() -> None:
    splits = {"train": ["sad", "sad", "proud", "sad"], "test": ["proud"]}
    rows = [{"split": split, "emotion": emotion} for split, each in splits.items() for emotion in each]
    figure = corpora.emotion_distribution(pd.DataFrame(rows), "a corpus")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["proud", "sad"]
    assert [bar.get_width() for bar in figure.axes[0].patches] == [25, 75, 100, 0]


def test_the_confusion_is_the_share_of_each_emotion() -> None:
    figure = corpora.confusion({"sad": {"sad": 1, "proud": 3}}, 0.25)
    assert figure.axes[0].images[0].get_array().tolist() == [[0, 0], [0.75, 0.25]]
    assert "accuracy 25 %" in figure.axes[0].get_title()
