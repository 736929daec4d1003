"""What `download` makes of a whole source and of a broken one, as a command."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from attune.core.files import read_json, sha256
from attune.corpora import CORPORA
from tests.project import changed
from tests.stages.running import run


def test_manifests_say_what_was_fetched(sample: Path) -> None:
    for corpus in CORPORA:
        manifest = read_json(sample / "raw" / corpus / "manifest.json")
        assert (manifest["corpus"], manifest["source"], manifest["bad_rows"]) == (corpus, "sample", 0)
        for file in manifest["files"]:
            assert sha256(sample / "raw" / corpus / file["path"]) == file["sha256"]


def test_a_copy_of_the_directory_elsewhere_gives_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    """The sample's own files as a `source` directory, twice: the manifest holds no place of this machine."""
    found = []
    for name in ("one", "two"):
        folder = tmp_path / name
        for corpus in CORPORA:
            (folder / "mirror").mkdir(parents=True, exist_ok=True)
            (folder / "mirror" / corpus).symlink_to(sample / "raw" / corpus)
        changed(folder, ("source", str(folder / "mirror")))
        done = run(folder, "stages.download", "corpus=pec", "target=out")
        assert done.returncode == 0, done.stderr
        found.append({path.name: sha256(path) for path in (folder / "out").rglob("*") if path.is_file()})
    assert found[0] == found[1]


def broken(
    tmp_path: Path, sample: Path, corpus: str, name: str, damage: Callable[[Path], object]
) -> subprocess.CompletedProcess[str]:
    folder = tmp_path / "mirror" / corpus
    folder.parent.mkdir(parents=True)
    shutil.copytree(sample / "raw" / corpus, folder)
    damage(folder / name)
    changed(tmp_path, ("source", "mirror"))
    return run(tmp_path, "stages.download", f"corpus={corpus}", f"target=data/raw/{corpus}")


def fourth_line_loses_a_comma(path: Path) -> None:
    lines = path.read_text().split("\n")
    lines[3] = lines[3].replace(",", "", 1)
    path.write_text("\n".join(lines))


def half_is_lost(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("corpus", "name", "damage", "message"),
    [
        ("empathetic_dialogues", "train.csv", fourth_line_loses_a_comma, "train.csv, line 4"),
        ("openorca", "1M-GPT4-Augmented.parquet", half_is_lost, "not a complete parquet"),
        ("openassistant_guanaco", "openassistant_best_replies_eval.jsonl", Path.unlink, "eval.jsonl is missing"),
        ("pec", "hf_pec/happy/test.txt", Path.unlink, "happy/test.txt is missing"),
    ],
)  # fmt: skip
@pytest.mark.fault("a broken file of a source, in the stage", "one sentence, and nothing is written")
def test_a_broken_source_is_one_clear_error_and_leaves_nothing(
    sample: Path, tmp_path: Path, corpus: str, name: str, damage: Callable[[Path], object], message: str
) -> None:
    done = broken(tmp_path, sample, corpus, name, damage)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "data").rglob("*.*"))


def test_a_source_that_is_nowhere_says_what_may_be(tmp_path: Path) -> None:
    changed(tmp_path, ("source", "/nowhere/at/all"))
    done = run(tmp_path, "stages.download", "corpus=pec", "target=data/raw/pec")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "/nowhere/at/all" in done.stderr
    assert "sample" in done.stderr
    assert not list(tmp_path.glob("data/**/*.*"))


def test_skipped_rows_are_counted(sample: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mirror"
    shutil.copytree(sample / "raw", folder)
    fourth_line_loses_a_comma(folder / "empathetic_dialogues" / "train.csv")
    changed(tmp_path, ("source", "mirror"), ("on_bad_row", "skip"))
    raw = "data/raw/empathetic_dialogues"
    for words in (
        ("stages.download", "corpus=empathetic_dialogues", f"target={raw}"),
        ("stages.subset", "corpus=empathetic_dialogues", f"raw={raw}", "target=out"),
    ):
        done = run(tmp_path, *words)
        assert done.returncode == 0, done.stderr
    assert read_json(tmp_path / raw / "manifest.json")["bad_rows"] >= 1
    assert read_json(tmp_path / "out" / "counts.json")["bad_rows"] >= 1
