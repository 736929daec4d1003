"""The EmpatheticDialogues sample: the banks are complete and the files keep to the raw format."""

from collections import Counter
from pathlib import Path

import pytest

from attune.sources.sample import empathetic_dialogues as sample

EMOTIONS = set(  # one list of words reads better than 32 quoted ones
    """
    afraid angry annoyed anticipating anxious apprehensive ashamed caring confident content devastated
    disappointed disgusted embarrassed excited faithful furious grateful guilty hopeful impressed jealous
    joyful lonely nostalgic prepared proud sad sentimental surprised terrified trusting
    """.split()  # noqa: SIM905
)
LEAST = {"openings": 3, "replies": 4, "follow": 3, "closings": 3, "ends": 1}
Rows = list[list[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample of seed 7, written once."""
    path = tmp_path_factory.mktemp("sample")
    sample.write(path, 7)
    return path


def lines(folder: Path, split: str) -> list[str]:
    return (folder / f"{split}.csv").read_text(encoding="utf-8").splitlines()


def talks(folder: Path) -> dict[str, Rows]:
    """The rows of each conversation of all splits, in file order."""
    found: dict[str, Rows] = {}
    for split in sample.SPLITS:
        for line in lines(folder, split)[1:]:
            row = line.split(",")
            found.setdefault(row[0], []).append(row)
    return found


def test_each_emotion_has_six_situations_or_more() -> None:
    counts = Counter(one.emotion for one in sample.load())
    assert set(counts) == EMOTIONS
    assert min(counts.values()) >= 6


def test_each_situation_has_enough_variants() -> None:
    for one in sample.load():
        for name, turn in zip(sample.TURNS, one.turns, strict=True):
            assert len(set(turn)) >= LEAST[name], (name, one.prompt)


def test_each_line_can_be_said_and_be_answered() -> None:
    """Each reply and follow-up leads on, and the lists of what may come next leave no line out."""
    for one in sample.load():
        for turn in (2, 3):
            assert all(one.after[turn].values()), one.prompt
        for turn in (2, 3, 4):
            assert {line for lines in one.after[turn].values() for line in lines} == set(one.turns[turn])


def test_no_line_stands_twice_in_the_banks() -> None:
    said = Counter(line for one in sample.load() for turn in one.turns for line in turn)
    assert [line for line, count in said.items() if count > 1] == []


def test_lines_are_clean_text() -> None:
    for one in sample.load():
        for line in (one.prompt, *(line for turn in one.turns for line in turn)):
            assert line == " ".join(line.split())
            assert line.isascii()
            assert line[-1] in ".?!", line
            assert '"' not in line
            assert "_comma_" not in line


@pytest.mark.parametrize("split", list(sample.SPLITS))
def test_header_and_seven_commas(folder: Path, split: str) -> None:
    found = lines(folder, split)
    assert found[0] == sample.HEADER
    assert {line.count(",") for line in found} == {7}


def test_split_sizes_and_unique_ids(folder: Path) -> None:
    ids = {s: {line.split(",")[0] for line in lines(folder, s)[1:]} for s in sample.SPLITS}
    assert {split: len(found) for split, found in ids.items()} == {"train": 944, "valid": 118, "test": 118}
    assert len(set.union(*ids.values())) == 1180


def test_turns_alternate_and_are_two_to_five(folder: Path) -> None:
    for rows in talks(folder).values():
        assert 2 <= len(rows) <= 5
        assert [row[1] for row in rows] == [str(n) for n in range(1, len(rows) + 1)]
        assert [row[4] for row in rows] == [str(n % 2) for n in range(len(rows))]
        assert len({(row[2], row[3]) for row in rows}) == 1
        assert {tuple(row[6:]) for row in rows} == {("", "")}
        assert all(text for row in rows for text in (row[3], row[5]))


def test_texts_are_those_of_the_banks(folder: Path) -> None:
    """With `_comma_` turned back, each text is a line of its emotion's banks."""
    known: dict[str, set[str]] = {}
    for one in sample.load():
        known.setdefault(one.emotion, set()).update([one.prompt], *one.turns)
    for rows in talks(folder).values():
        for row in rows:
            assert {row[3].replace("_comma_", ","), row[5].replace("_comma_", ",")} <= known[row[2]]


def test_all_conversations_about_a_situation_have_its_prompt_which_is_of_no_other(folder: Path) -> None:
    """The pipeline splits by the prompt: a test reply must not be about a situation that was trained on."""
    prompts = Counter(rows[0][3] for rows in talks(folder).values())
    assert set(prompts) == {one.prompt.replace(",", "_comma_") for one in sample.load()}
    assert len(prompts) == len(sample.load())
    assert set(prompts.values()) == {4}


def test_conversations_are_unique(folder: Path) -> None:
    texts = [tuple(row[5] for row in rows) for rows in talks(folder).values()]
    assert len(set(texts)) == len(texts)


def test_nearly_all_emotions_in_each_split(folder: Path) -> None:
    found = {split: {line.split(",")[2] for line in lines(folder, split)[1:]} for split in sample.SPLITS}
    assert found["train"] == EMOTIONS
    assert all(len(emotions) >= 28 for emotions in found.values())


def test_lengths_are_mixed(folder: Path) -> None:
    counts = Counter(len(rows) for rows in talks(folder).values())
    assert counts.most_common(1)[0][0] == 4
    assert all(counts[n] > 100 for n in (2, 3, 4, 5))


def test_same_seed_same_bytes(folder: Path, tmp_path: Path) -> None:
    sample.write(tmp_path / "again", 7)
    sample.write(tmp_path / "other", 8)
    for split in sample.SPLITS:
        first = (folder / f"{split}.csv").read_bytes()
        assert first == (tmp_path / "again" / f"{split}.csv").read_bytes()
        assert first != (tmp_path / "other" / f"{split}.csv").read_bytes()


def test_a_line_does_not_take_up_what_nobody_said() -> None:
    turns = (("My kite broke.", "My boat sank."), ("Poor kite!", "Poor boat!", "I am sorry."))
    situation = sample.Situation("sad", "A loss.", turns, {})
    assert sample.fitting(situation, ["My kite broke."], set()) == ["Poor kite!", "I am sorry."]
    assert sample.fitting(situation, ["My boat sank."], {"kite"}) == [
        "Poor kite!",
        "Poor boat!",
        "I am sorry.",
    ]
