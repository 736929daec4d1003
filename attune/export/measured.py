"""Whether scores in metrics/ are those of the weights in a model's folder, by DVC's record of each stage's last run.

metrics/ and dvc.lock come with a clone, and stay as they were while a model is trained again: that scores have a
model's name does not make them its own.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from attune.export.recorded import Records, of_study, records_of


class Measurement(NamedTuple):
    """How the models of a folder got their scores.

    stage: the one that tested them, which read the folder `read`. writer: the one that wrote the scores into `file`.
    That is another where each model has a test of its own, whose rows `stage` wrote into the folder `rows`.
    """

    stage: str
    read: str
    writer: str
    file: str
    rows: str = ""


def of_generator(name: str) -> Measurement:
    """The test of a generator in models/generators."""
    files = ("metrics/generators_intervals.json", "data/evaluation/generators")
    return Measurement(f"evaluate_generator@{name}", f"models/generators/{name}", "compare_generators", *files)


# The tests of CoBERTs, by the folder of models/ that they are in.
OF_COBERT = {
    place: Measurement(stage, f"models/{place}", stage, f"metrics/{file}")
    for place, stage, file in (
        ("cobert", "evaluate_cobert", "cobert_intervals.json"),
        ("compared", of_study("compare"), "compare.json"),
        ("personas", of_study("personas"), "personas.json"),
    )
}


NO_SCORES = "Not measured."


def no_scores(measurement: Measurement) -> str:
    """What a card says in the place of scores that are there under the model's name, but not known to be its own."""
    return (
        f"{NO_SCORES} `{measurement.file}` has scores under this name, which may be another training's: by `dvc.lock` "
        f"they are\nnot of these weights. `dvc repro {measurement.writer}` measures them."
    )


def is_of(root: Path, model: str, training: str, measurement: Measurement) -> bool:
    """Whether the scores are of the weights in `model`, a folder in `root` that the stage `training` wrote.

    They are if the folder is what the training wrote, if the test read it, and if the file of scores is what came of
    the test: all by the md5 in dvc.lock.
    """
    records = records_of(root)
    files = _files(root / measurement.read)
    below = PurePosixPath(model).relative_to(measurement.read)
    own = {path.relative_to(below): md5 for path, md5 in files.items() if path.is_relative_to(below)}
    file = root / measurement.file
    return (
        _md5s(records, training, "outs").get(model) == _digest(own)
        and _md5s(records, measurement.stage, "deps").get(measurement.read) == _digest(files)
        and (not measurement.rows or _are_latest(root, records, measurement))
        and file.is_file()
        and _md5s(records, measurement.writer, "outs").get(measurement.file) == _md5(file)
    )


def _are_latest(root: Path, records: Records, measurement: Measurement) -> bool:
    """Whether the rows that the last test of each model wrote are those that the writer read."""
    rows = {
        PurePosixPath(path): md5
        for stage in records
        for path, md5 in _md5s(records, stage, "outs").items()
        if PurePosixPath(path).parent == PurePosixPath(measurement.rows)
    }
    # The record of a model that params.yaml no longer has stays, and its rows may have been deleted.
    kept = {path: md5 for path, md5 in rows.items() if (root / path).is_file()}
    read = _md5s(records, measurement.writer, "deps").get(measurement.rows)
    return read in [
        _digest({path.relative_to(measurement.rows): md5 for path, md5 in each.items()}) for each in (rows, kept)
    ]


def _md5s(records: Records, stage: str, side: str) -> dict[str, str]:
    """Of what a stage read (`deps`) or wrote (`outs`), by its path."""
    return {each["path"]: each.get("md5", "") for each in records.get(stage, {}).get(side, [])}


def _files(folder: Path) -> dict[PurePosixPath, str]:
    """The md5 of each file below `folder`, by its path from there, but of the hidden ones, which no stage writes."""
    paths = {path: PurePosixPath(path.relative_to(folder).as_posix()) for path in folder.rglob("*") if path.is_file()}
    return {name: _md5(path) for path, name in paths.items() if not any(part.startswith(".") for part in name.parts)}


def _digest(files: Mapping[PurePosixPath, str]) -> str:
    """The md5 that DVC gives to a folder with these files."""
    listing = [{"md5": md5, "relpath": str(path)} for path, md5 in sorted(files.items(), key=lambda each: str(each[0]))]
    return hashlib.md5(json.dumps(listing).encode(), usedforsecurity=False).hexdigest() + ".dir"


def _md5(path: Path) -> str:
    state = path.stat()
    return _md5_of(path, (state.st_size, state.st_mtime_ns))


@cache
def _md5_of(path: Path, _state: tuple[int, int]) -> str:
    """Read once while a file stays as it is: the chat page makes each model's card anew."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
