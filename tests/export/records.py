"""dvc.lock files that DVC itself writes, of the models and metrics that a folder has; nothing is run."""

from contextlib import chdir
from pathlib import Path
from typing import Any

from dvc.repo import Repo
from ruamel.yaml import YAML

ROWS = "data/evaluation/generators"


def _names(root: Path, kind: str) -> list[str]:
    return sorted(path.name for path in (root / "models" / kind).glob("*") if path.is_dir())


def _stage(out: str, *deps: str, cached: bool = True) -> dict[str, Any]:
    return {"cmd": "true", "deps": [*deps], "outs": [{out: {"cache": cached}}]}


def _stages(root: Path, kind: str, training: str, test: str, scores: str) -> dict[str, Any]:
    """A training for each model and the test of all, as far as they have been."""
    # The subset is in the name of no training of a study.
    names = {name.replace("-large-", "-" if kind == "compared" else "-large-"): name for name in _names(root, kind)}
    found: dict[str, Any] = {training: {"foreach": names, "do": _stage(f"models/{kind}/${{item}}")}} if names else {}
    if names and (root / scores).is_file():
        found[test] = _stage(scores, f"models/{kind}", cached=False)
    return found


def define(root: Path) -> None:
    """Write the dvc.yaml files, with the stages' real names and the files of theirs that cards are about."""
    main = _stages(root, "cobert", "train_cobert", "evaluate_cobert", "metrics/cobert_intervals.json")
    main |= _stages(root, "generators", "train_generator", "", "none")
    rows = sorted(path.stem for path in (root / ROWS).glob("*.parquet"))
    scores = "metrics/generators_intervals.json"
    if rows and (root / scores).is_file():
        test = _stage(f"{ROWS}/${{item}}.parquet", "models/generators/${item}")
        main |= {"evaluate_generator": {"foreach": rows, "do": test}}
        main |= {"compare_generators": _stage(scores, ROWS, cached=False)}
    studies = _stages(root, "compared", "train_compared", "compare", "metrics/compare.json")
    studies |= _stages(root, "personas", "train_personas", "personas", "metrics/personas.json")
    for entry in studies.values():
        entry.get("do", entry)["wdir"] = ".."
    for folder, stages in ((root, main), (root / "studies", studies)):
        folder.mkdir(exist_ok=True)
        YAML(typ="safe").dump({"stages": stages}, folder / "dvc.yaml")


def record(root: Path, *targets: str) -> None:
    """Let DVC write down how everything is now, or the `targets` alone: names of stages."""
    define(root)
    with chdir(root), Repo() if Path(".dvc", "config").is_file() else Repo.init(no_scm=True) as repo:
        for target in targets or (None,):
            repo.commit(target, force=True)


def write_rows(root: Path, *names: str) -> None:
    """Write made-up rows of the generators' tests."""
    (root / ROWS).mkdir(parents=True, exist_ok=True)
    for name in names:
        (root / ROWS / f"{name}.parquet").write_text(f"rows of {name}")
