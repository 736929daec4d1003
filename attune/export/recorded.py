"""Whether params.yaml still has the values that a model was trained with, by DVC's record of each stage's last run."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

_STUDIES = "studies/dvc.yaml:"
# By what stands before the names of its stages.
_LOCKS = {"": "dvc.lock", _STUDIES: "studies/dvc.lock"}
# By its name, what a file dvc.lock holds of a stage.
Records = Mapping[str, Mapping[str, Any]]
UNRECORDED = "DVC has no record of this training: the parameters are those that params.yaml had when this was written."


class Training(NamedTuple):
    """stage: the one that trained the model. shown: by stage, the parameters by which its card describes the model."""

    stage: str
    shown: Mapping[str, Sequence[str]]


def changes(root: Path, training: Training) -> list[str] | None:
    """The values of params.yaml that were others in the training; None if DVC has no record of that.

    So it is of an experiment that ran elsewhere and was not applied, and of models that were copied here.
    """
    records = records_of(root)
    if training.stage not in records:
        return None
    today = dict(_leaves(_read(root / "params.yaml")))
    found = []
    for stage, keys in training.shown.items():
        then = dict(_leaves(records.get(stage, {}).get("params", {}).get("params.yaml", {})))
        for key in keys:
            # A key that is in no record was read by another version of the stage, or by none.
            if any(_within(name, key) for name in then):
                names = [name for name in {**then, **today} if _within(name, key)]
                found += [
                    f"{name}: {_shown(today.get(name))} in place of {_shown(then.get(name))}"
                    for name in names
                    if today.get(name) != then.get(name)
                ]
    return list(dict.fromkeys(found))


def of_study(stage: str) -> str:
    """The name of a stage of the studies, as `dvc repro` takes it."""
    return f"{_STUDIES}{stage}"


def records_of(root: Path) -> Records:
    """What the files dvc.lock hold of each stage."""
    return {
        f"{prefix}{stage}": record
        for prefix, lock in _LOCKS.items()
        if (root / lock).is_file()
        for stage, record in _read(root / lock).get("stages", {}).items()
    }


def _read(path: Path) -> Any:
    """By the parser in C, since dvc.lock is long; both files by the same, so that equal numbers are equal."""
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def _leaves(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The keys with dots between their parts, and what they hold other than mappings."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _within(name: str, key: str) -> bool:
    return name == key or name.startswith(f"{key}.")


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)
