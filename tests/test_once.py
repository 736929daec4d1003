"""What tests share is made again as soon as something that it was made from differs."""

from pathlib import Path

import pytest

from tests.once import written_once


def test_only_the_same_files_and_words_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def ask(folder: str, given: str, words: str) -> str:
        (tmp_path / folder / "data").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / folder)
        Path("data/rows").write_text(given)

        def make() -> None:
            made.append(folder)
            Path("model").mkdir()
            Path("model/weights").write_text(f"{given} {words}")
            Path("curve").write_text(words)

        written_once(make, [Path("model"), Path("curve")], [Path("data")], f"{words} of {tmp_path}")
        return f"{Path('model/weights').read_text()}, {Path('curve').read_text()}"

    assert [ask(f"first{number}", "rows", "lr 1") for number in range(2)] == ["rows lr 1, lr 1"] * 2
    assert ask("words", "rows", "lr 2") == "rows lr 2, lr 2"
    assert ask("files", "others", "lr 1") == "others lr 1, lr 1"
    assert made == ["first0", "words", "files"]
