"""A full disk: what stood there before stays whole, and nothing half-written is left."""

import errno
import random
import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import faiss
import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors import SafetensorError
from safetensors.numpy import save_file

from attune.core.files import atomic_file, atomic_folder, write_csv, write_json, write_parquet
from attune.report import html
from stages import download, start
from tests.faults.full_disk import LARGE, file_limit, small_disk
from tests.project import changed

NOISE = random.Random(1).randbytes(LARGE).hex()  # which no compression makes small
ROWS = [{"text": NOISE[at : at + 1000]} for at in range(0, LARGE, 1000)]


def folder(path: Path) -> None:
    with atomic_folder(path) as temporary:
        (temporary / "config.json").write_text("{}")
        (temporary / "noise.txt").write_text(NOISE)


def weights(path: Path) -> None:
    with atomic_file(path) as temporary:
        save_file({"weight": np.zeros(LARGE, np.float32)}, temporary)


def report(path: Path) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(html.page("Report", [("Replies", f"<p>{NOISE}</p>")]), encoding="utf-8")


WRITERS: dict[str, Callable[[Path], object]] = {
    "parquet": lambda path: write_parquet(path, ROWS, pa.schema([("text", pa.string())])),
    "JSON": lambda path: write_json(path, ROWS),
    "CSV": lambda path: write_csv(path, ROWS),
    "a folder": folder,
    "weights": weights,
    "the report": report,
}


def full(kind: str, place: Path) -> AbstractContextManager[None]:
    return small_disk(place) if kind == "full disk" else file_limit()


def snapshot(place: Path) -> dict[str, bytes]:
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


@pytest.mark.fault("{kind}: {what}", "the old one stays whole, and nothing half-written is left")
@pytest.mark.parametrize("what", WRITERS)
@pytest.mark.parametrize("kind", ["full disk", "file too large"])
def test_what_was_there_stays(tmp_path: Path, kind: str, what: str) -> None:
    with full(kind, tmp_path):
        path = tmp_path / "written"
        if what == "a folder":
            path.mkdir()
            (path / "config.json").write_text("old")
        else:
            path.write_text("old")
        before = snapshot(tmp_path)
        with pytest.raises((OSError, SafetensorError), match=r"No space left|File too large|Error writing bytes"):
            WRITERS[what](path)
        assert snapshot(tmp_path) == before
        assert [each.name for each in tmp_path.iterdir()] == ["written"]


@pytest.mark.fault("a stage's output: {}", "one sentence, exit code 1, nothing half-written")
@pytest.mark.parametrize("kind", ["full disk", "file too large"])
def test_a_stage_says_it_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    changed(tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()
    monkeypatch.setattr(sys, "argv", ["stage", "corpus=openorca", "target=data/raw"])
    reason = errno.ENOSPC if kind == "full disk" else errno.EFBIG
    with full(kind, Path("data")), pytest.raises(SystemExit) as raised:
        start(download.main)
    assert re.match(rf"error: .*\[Errno {reason}\] .*", str(raised.value.code))
    assert list(Path("data").iterdir()) == []


def index_of_faiss(path: Path) -> None:
    index = faiss.IndexFlatIP(64)
    index.add(np.zeros((LARGE // 64, 64), np.float32))
    faiss.write_index(index, str(path))


LIBRARIES: dict[str, Callable[[Path], object]] = {
    "safetensors": lambda path: save_file({"weight": np.zeros(LARGE, np.float32)}, path),
    "faiss": index_of_faiss,
    "torch": lambda path: torch.save(torch.zeros(LARGE), path),
}


@pytest.mark.fault("{kind}: what {library} writes", "one sentence with the next step, exit code 1")
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("kind", ["full disk", "file too large"])
def test_a_library_s_own_error_is_a_sentence_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, library: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["stage", f"target={tmp_path / 'written'}"])

    def stage(*, target: Path) -> None:
        LIBRARIES[library](target)

    with full(kind, tmp_path), pytest.raises(SystemExit) as raised:
        start(stage)
    message = str(raised.value.code)
    assert message.startswith("error: ")
    assert "\n" not in message
    assert "make room on the disk" in message
