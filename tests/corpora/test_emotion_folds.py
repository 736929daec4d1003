import numpy as np
import pytest
from sklearn.model_selection import GroupKFold

from attune.core.errors import AttuneError
from attune.corpora.emotion_folds import check, folds, why_untrainable


@pytest.mark.parametrize(("rows", "situations"), [(5, 5), (60, 60), (200, 7), (300, 90)])
def test_the_parts_are_those_of_scikit_learn(rows: int, situations: int) -> None:
    drawn = np.random.default_rng(rows).integers(situations, size=rows - situations)
    texts = [f"situation {number}" for number in (*range(situations), *drawn)]
    parts = np.array(folds(texts))
    expected = GroupKFold(5).split(texts, groups=np.array(texts))
    assert [np.flatnonzero(parts == number).tolist() for number in range(5)] == [test.tolist() for _, test in expected]


def test_an_emotion_must_be_left_without_any_of_the_parts() -> None:
    """Nine situations once each: `i` is in the first part, `h` in the second, and `d` in the first again."""
    emotions = dict.fromkeys("abcdefghi", "sad")
    assert why_untrainable([(emotion, text) for text, emotion in (emotions | {"i": "glad", "h": "glad"}).items()]) == ""
    with pytest.raises(AttuneError) as raised:
        check("empathetic_dialogues", [(felt, text) for text, felt in (emotions | {"i": "glad", "d": "glad"}).items()])
    assert str(raised.value) == (
        "corpora.empathetic_dialogues: the train split has too few situations of other emotions than 'sad': all are in "
        "one of 5 parts, and the emotion probe, tested on each part, needs 2 emotions in the others; use more data, "
        "a higher corpora.empathetic_dialogues.cap, or another column as emotion"
    )
