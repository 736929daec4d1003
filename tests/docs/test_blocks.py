"""Every Python block of README, docs and model cards runs, on tiny models at the places that they name."""

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.chat.conftest import address, engine, root, served  # noqa: F401
from tests.forked import python
from tests.project import ROOT

# extending.md's blocks are files of an extended project; test_extending.py follows them.
PAGES = [ROOT / "README.md", *sorted(page for page in (ROOT / "docs").glob("*.md") if page.stem != "extending")]
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
# Where the models that pages and cards name stand in the tiny project, if it has them under another name.
PLACES = {
    "models/cobert/attune-large-all": "models/cobert/attune-small-happy",
    "models/attune-small-happy": "models/cobert/attune-small-happy",
    "base/encoder": "models/base/encoder",
}


def blocks() -> list[tuple[str, str]]:
    return [(page.name, code) for page in PAGES for code in BLOCK.findall(page.read_text())]


@pytest.fixture(scope="session")
def project(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """A tiny pipeline, also under the names that pages use."""
    folder = tmp_path_factory.mktemp("documented") / "project"
    shutil.copytree(root, folder)
    for name, place in PLACES.items():
        shutil.copytree(folder / place, folder / name)
    return folder


def run(code: str, folder: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TRANSFORMERS_VERBOSITY": "error"}
    done = python("models", "-c", code, cwd=folder, env=environment)
    assert done.returncode == 0, f"{code}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize(("page", "code"), [each for each in blocks() if "http://" not in each[1]])
def test_a_block_runs(page: str, code: str, project: Path) -> None:
    assert run(code, project).strip() or "print" not in code, page


@pytest.mark.parametrize(("page", "code"), [each for each in blocks() if "http://" in each[1]])
def test_a_block_that_asks_the_page_runs(page: str, code: str, project: Path, address: str) -> None:  # noqa: F811
    there = code.replace("http://127.0.0.1:7860", address.rstrip("/"))
    assert there != code
    assert run(there, project).strip(), page


def test_the_cards_of_trained_models_run(project: Path) -> None:
    copies = [project / name / "README.md" for name in PLACES]
    cards = sorted(set(project.glob("models/*/*/README.md")).difference(copies))
    assert {card.parents[1].name for card in cards} == {"cobert", "generators"}
    for card in cards:
        (code,) = BLOCK.findall(card.read_text())
        run(code, project)


def test_ranker_works_from_another_folder(project: Path, tmp_path: Path) -> None:
    model = project / "models/cobert/attune-large-all"
    code = (
        f"from attune import Ranker; print(Ranker.from_pretrained({str(model)!r}).rank("
        "['i passed my driving test today !'], ['i love road trips .'], ['congratulations !', 'the bus is late .']))"
    )
    printed = run(code, tmp_path)
    assert "congratulations !" in printed
    assert "the bus is late ." in printed
