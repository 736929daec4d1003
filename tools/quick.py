"""A first look at everything: `python -m tools.quick [--jobs N]` runs each stage of dvc.yaml at a small size in quick/.

`-S KEY=VALUE`, as often as needed, changes a parameter first, as `dvc exp run -S` does; params.yaml stays as it is.

quick/ is a DVC project of its own, with params.yaml made smaller and links to the code. It shares DVC's cache with the
workspace, so that what does not depend on the size (the base models) is computed once; nothing else here is touched.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from attune import parameters
from attune.core.environment import print_any_text
from attune.core.errors import AttuneError
from attune.core.files import atomic_file
from attune.core.import_graph import ROOT
from attune.corpora import ranking_corpus, record_of
from attune.sources.packages import MINILM, SMOLLM2
from tools import described, repro
from tools.changes import OUTSIDE_GIT, alone
from tools.dvc import name_user

FOLDER = ROOT / "quick"
LOCK = Path(".dvc/tmp/quick.lock")
LINKED = ("attune", "stages", "tools", "dvc.yaml", ".dvcignore", ".dvc/plots")
CORE = {"no_scm": True, "analytics": False, "check_update": False}
# The most that each number may be. `*` stands for every entry.
MOST = {
    "launcher.processes": 1,
    "max_length": 96,
    "corpora.*.cap": 60,
    "subsets.*.train": 24,
    "subsets.*.valid": 10,
    "subsets.*.test": 10,
    "subsets.*.evaluate": 10,
    "cobert.candidates": 20,
    "recipes.*.epochs": 1,
    "recipes.*.max_length": 96,
    "generators.*.steps": 2,
    "generators.*.log_steps": 2,
    "generators.*.save_steps": 2,
    "generators.*.accumulation": 1,
    "generators.*.batch_size": 2,
    "rag.shortlist": 5,
    "generation.perplexity_examples": 4,
    "generation.reply_examples": 2,
    "generation.answered_examples": 2,
    "generation.max_new_tokens": 12,
    "generation.sweep.examples": 2,
}
# What may be the name of a folder or file, relative to the workspace.
PLACES = ("source", "corpora.*.path", "encoder", "index.embedder", "bases.*.model")
# What these values mean whatever files there are.
NAMES = ("sample", "hub", MINILM, SMOLLM2)


@repro.interruptible
def main() -> int:
    print_any_text()
    name_user()
    parser = described(__doc__)
    repro.add_jobs(parser)
    parser.add_argument(
        "-S",
        "--set-param",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a parameter for this run, as for dvc exp run; may be given several times",
    )
    options = parser.parse_args()
    with alone(ROOT / LOCK):  # from before the other run's parameters would be replaced
        try:
            prepare(FOLDER, cache_of(ROOT), options.set_param)
        except AttuneError as error:
            sys.exit(f"error: {error}")
        print(told(options.set_param), flush=True)
        os.chdir(FOLDER)
        code = repro.run("dvc.yaml", options.jobs)
    if code == 0:
        print("Trained for a few updates on a few examples: the scores mean nothing yet.")
        print(f"report: {FOLDER / 'plots' / 'report.html'}")
        print(f"figures: {FOLDER / 'plots' / 'figures'}")
        print("page with these models: make app ROOT=quick")
    return code


def told(changes: Sequence[str]) -> str:
    """Which parameters hold, since nothing is left of those that an earlier run was given."""
    others = f"with {', '.join(changes)}; " if changes else ""
    return f"parameters: params.yaml, {others}made small; none of an earlier run's -S"


def cache_of(folder: Path) -> dict[str, Any]:
    """The settings of DVC's cache for the project in `folder`, wherever that cache is; `dir` is a whole path.

    Raises
    ------
    AttuneError
        for a folder outside a git repository.
    """
    from dvc.repo import Repo
    from dvc.scm import SCMError

    try:
        with Repo(str(folder)) as repo:
            return dict(repo.config["cache"]) | {"dir": repo.cache.local_cache_dir}
    except SCMError:
        raise AttuneError(f"{folder} {OUTSIDE_GIT}") from None


def prepare(folder: Path, cache: dict[str, Any], changes: Sequence[str] = ()) -> None:
    """Make `folder` a DVC project of the workspace's code and of its parameters, with `changes` and made smaller.

    cache: as `cache_of` returns it.
    """
    from dvc.config import Config

    path = ROOT / "params.yaml"
    parameters.load(path)  # so that an error names this file
    values = changed(path, changes)
    parameters.parse(values, path)
    shrink(values)
    parameters.parse(values, folder / "params.yaml")
    (folder / ".dvc").mkdir(parents=True, exist_ok=True)
    with Config(str(folder / ".dvc")).edit("repo") as config:
        config |= {"core": CORE, "cache": cache}
    for name in LINKED:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(os.path.relpath(ROOT / name, (folder / name).parent))
    with atomic_file(folder / "params.yaml") as temporary:
        YAML().dump(values, temporary)


def changed(path: Path, changes: Sequence[str]) -> dict[str, Any]:
    """The parameters with `changes` made to them, each KEY=VALUE as DVC takes it; comments are kept.

    Raises
    ------
    AttuneError
        for a change that is not of that form or that names a key which is not there.
    """
    if not changes:
        return YAML().load(path)
    from dvc.exceptions import DvcException
    from dvc.utils.hydra import apply_overrides

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(path, folder))
        try:
            apply_overrides(copy, list(changes))
        except DvcException as error:
            raise AttuneError(f"-S {' -S '.join(changes)}: {error.__cause__ or error}") from None
        return YAML().load(copy)


def shrink(values: dict[str, Any]) -> None:
    """Make params.yaml's `values` small: one domain, the small subset, and no number above MOST.

    Files and folders outside the project are named from the root on, since quick/ is another place.
    """
    cobert, sweep = values["cobert"], values["generation"]["sweep"]
    cobert["subsets"], cobert["domains"] = ["small"], cobert["domains"][:1]
    sweep["points"] = sweep["points"][:2]
    for name, entry in values["corpora"].items():
        # Their cap may be left to the default; of what is ranked `subsets` says how much is kept, and labels all are.
        uncapped = name == ranking_corpus().name or record_of(name).in_own_folder
        if {"path", "datasets"} & entry.keys() and not uncapped:
            entry.setdefault("cap")
    for key, most in MOST.items():
        for section, name in _entries(values, key):
            section[name] = most if section[name] is None else min(section[name], most)
    values["launcher"]["fsdp"] = False  # one process has nobody to divide the weights with
    values["rag"]["shortlist"] = max(values["rag"]["shortlist"], values["rag"]["k"])  # which it must hold
    for key in PLACES:
        for section, name in _entries(values, key):
            if section[name] not in NAMES and (ROOT / section[name]).exists():
                section[name] = str(ROOT / section[name])


def _entries(values: dict[str, Any], key: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The sections that have the last part of `key`, and that part."""
    *above, last = key.split(".")
    sections = [values]
    for part in above:
        sections = [each for section in sections for each in (section.values() if part == "*" else [section[part]])]
    return ((section, last) for section in sections if last in section)


if __name__ == "__main__":
    sys.exit(main())
