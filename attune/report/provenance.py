"""Where a report comes from: its code's commit, its data, and the packages that it was made with."""

import filecmp
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import pandas as pd

from attune.corpora.own import OWN_DATA
from attune.report.names import corpus_title

PACKAGES = (
    "torch", "transformers", "peft", "sentence-transformers", "faiss-cpu", "datasets", "scikit-learn", "sacrebleu",
    "bm25s", "numpy", "pandas", "matplotlib", "dvc",
)  # fmt: skip
_ROOT = Path(__file__).resolve().parents[2]  # in quick/, the code is a link
_PARAMETERS = "params.yaml"
# What decides results. The last commit that changed any of it stays the same when results are committed.
_DECIDING = (
    "attune", ":!attune/chat", ":!attune/export", "stages", "studies/*.py", _PARAMETERS, "dvc.yaml",
    "studies/dvc.yaml",
)  # fmt: skip
# Digits of a commit's name: not git's own choice, which depends on the clone and on the user's settings.
_DIGITS = 10


def environment() -> pd.DataFrame:
    """The versions of Python and of the packages that results depend on."""
    versions = {"python": python_version()} | {name: version(name) for name in PACKAGES}
    return pd.DataFrame(versions.items(), columns=["Package", "Version"])


def code_version() -> str:
    """The last commit that changed the code or the parameters, and its date, in words.

    The run's params.yaml, in the working directory, may be another than the repository's, as that of quick/ is.
    """
    other = _has_other_parameters()
    deciding = [each for each in _DECIDING if not (other and each == _PARAMETERS)]
    commit, _, date = _last_change(*deciding).partition(" ")
    if not commit:
        return f"Code and parameters {_unknown()}"
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", *deciding)
    own = "; parameters other than the repository's, shown below" if other else ""
    return (
        f"Code{'' if other else ' and parameters'} at commit {commit[:_DIGITS]} of {date}"
        f"{', with uncommitted changes' if changed else ''}{own}"
    )


def _unknown() -> str:
    """Why the last commit is not known."""
    if _git("rev-parse", "HEAD"):
        return "in a clone without its history"
    if (_ROOT / ".git").exists():  # without git, or of another user's files, which git reads only if told to
        return "in a git repository that git could not read"
    return "outside a git repository"


def _has_other_parameters() -> bool:
    own, committed = Path(_PARAMETERS), _ROOT / _PARAMETERS
    return own.is_file() and not (committed.is_file() and filecmp.cmp(own, committed, shallow=False))


def data_sentence(source: str, manifests: Sequence[Mapping[str, Any]]) -> str:
    """What the data are: their source, whose text stands in a corpus' place, and their date or revisions.

    Own data are of no such source.
    """
    notices: dict[str, list[str]] = {}
    for each in manifests:
        title = corpus_title(each["corpus"])
        notice = each["notice"] or ""
        if not _is_own(each):  # the file's name may hold a full stop
            notice = notice.split(". ")[0].rstrip(".").removeprefix(f"Not {title}: ")
        notices.setdefault(notice, []).append(title)
    told = [f"{', '.join(names)}: {notice[0].lower()}{notice[1:]}" for notice, names in notices.items() if notice]
    sourced = [each for each in manifests if not _is_own(each)]
    if manifests and not sourced:
        return f"Data: {'; '.join(told)}."
    return f"{_source(source, sourced)}{' ' + '; '.join(told) + '.' if told else ''}"


def stands_for(corpus: str, manifests: Sequence[Mapping[str, Any]]) -> str:
    """A corpus by its name, and whether other data stand in its place."""
    title = corpus_title(corpus)
    for each in manifests:
        if each["corpus"] == corpus and each["notice"]:
            return f"{'own data' if _is_own(each) else 'what stands'} in the place of {title}"
    return title


def _is_own(manifest: Mapping[str, Any]) -> bool:
    return (manifest["notice"] or "").startswith(OWN_DATA)


def _source(source: str, manifests: Sequence[Mapping[str, Any]]) -> str:
    if source == "sample":
        date = _last_change("attune/sources").partition(" ")[2] or "unknown date"
        return f"Data: the embedded sample (as of {date}), not the published corpora."
    known = [f"{corpus_title(each['corpus'])} at {each['revision']}" for each in manifests if each["revision"]]
    place = "the published corpora, from the hub" if source == "hub" else f"the directory {source}"
    revisions = f" ({', '.join(known)})" if known else ""
    return f"Data: {place}{revisions}."


def _last_change(*paths: str) -> str:
    """The last commit that changed the paths, and its date; empty where a shallow clone lacks it.

    The oldest commit of such a clone seems to have changed all files.
    """
    commit = _git("log", "-1", "--format=%H %cs", "--", *paths)
    shallow = _git("rev-parse", "--is-shallow-repository") == "true"
    oldest = _git("rev-list", "--max-parents=0", "HEAD").split() if shallow else []
    return "" if commit.partition(" ")[0] in oldest else commit


def _git(*words: str) -> str:
    """What git prints about the project's folder; empty where there is no git, or no repository that it reads."""
    try:
        done = subprocess.run(["git", "-C", str(_ROOT), *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
