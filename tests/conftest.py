"""The table of faults, and corpora too large, or not free enough, for this repository: tests on those skip without."""

import gc
import os
import signal
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tests.faults import table
from tests.faults.table import pytest_configure, pytest_terminal_summary
from tests.once import keep_in
from tests.project import ROOT, parsed

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["pytest_configure", "pytest_terminal_summary"]

# Git sets these for hooks and for `git rebase --exec`; with them a test would commit to the user's repository.
for _name in subprocess.run(["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True).stdout.split():
    os.environ.pop(_name, None)

# Tests compare numbers with those of a processor, most of them to the bit. Processes that they start see no GPU either.
os.environ["CUDA_VISIBLE_DEVICES"] = ""

# Tests run side by side, so each computes one piece of its work at a time, unless it says otherwise.
os.environ["ATTUNE_WORKERS"] = "1"

# How long an example takes says more about the machine's load than about the code.
settings.register_profile("attune", deadline=None)
settings.load_profile("attune")

SHARED = Path(__file__).parents[2] / "shared"
# The longest files, in the order in which they run: before all others, since the last file runs while other cores have
# nothing left to do. The first two start different servers of tests/forked.py. test_pec.py makes the sample of PEC, for
# which other files would wait.
LONG = (
    "test_repro.py",
    "test_sharding.py",
    "test_shared_batch.py",
    "test_blocks.py",
    "test_commands.py",
    "test_check_parameters.py",
    "test_training.py",
    "test_everyday.py",
    "test_gradient_cache.py",
    "test_plot.py",
    "test_pec.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    table.pytest_collection_modifyitems(items)
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONG)))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported here stays: each training collects garbage, and would go through its million objects."""
    gc.disable()
    result = yield
    gc.collect()
    gc.freeze()
    gc.enable()
    return result


@pytest.fixture(scope="session", autouse=True)
def _once(tmp_path_factory: pytest.TempPathFactory) -> None:
    keep_in(tmp_path_factory)


class _Remembering:
    """A YAML parser of the same settings, which keeps what it has read."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def load(self, text: str) -> Any:
        return parsed(text, **self.settings)


@pytest.fixture(scope="session", autouse=True)
def _parameters_parsed_once() -> Iterator[None]:
    """The project's parser takes 30 ms for a params.yaml, and tests read the same one hundreds of times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("attune.parameters.YAML", _Remembering)
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Chromium, which takes a second to start."""
    from tests.chat.browser import launched

    with launched() as browser:
        yield browser


def _folder(name: str) -> Path:
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


@pytest.fixture(scope="session")
def real_corpora() -> Path:
    """Human-written text in the four corpora's layouts."""
    return _folder("corpora")


@pytest.fixture(scope="session")
def real_formats() -> Path:
    """A few genuine rows of PEC and EmpatheticDialogues."""
    return _folder("formats")


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """What a test starts can be interrupted, also where a script runs the tests by `&`, which ignores SIGINT."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def committed_results() -> None:
    """Skips after a run of one's own, whose numbers are not those that the pages give."""
    results = ("metrics", "params.yaml", "benchmarks/results")
    if subprocess.run(["git", "-C", str(ROOT), "diff", "--quiet", "HEAD", "--", *results]).returncode == 1:
        pytest.skip(f"{', '.join(results)}: not as in the last commit, whose numbers the pages give")
