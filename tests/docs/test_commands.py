"""Documented shell commands run in a pseudo-terminal of 100 columns, as a person would start them.

tests/docs/commands.py knows all commands; tests/docs/test_slow_commands.py runs those that it does not call fast.
"""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides

from attune.parameters import load
from stages import arguments, check_parameters, train_generator
from tests.benchmarks.test_commands import MODULES
from tests.docs import commands
from tests.docs.commands import Command, Rule
from tests.docs.places import Places
from tests.docs.terminal import COLUMNS
from tests.project import changed

DOCUMENTED = commands.documented()
RULED = [(each, rule) for each in DOCUMENTED if (rule := commands.rule_of(each.text))]
TABLES = re.compile(r"dvc (metrics|params|exp show|status).*|make help")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Places:
    return Places(tmp_path_factory.mktemp("documented"), request)


@pytest.fixture(scope="module")
def reproduced(places: Places) -> Places:
    """As after `dvc repro`, and so each test leaves it that goes the documented way back."""
    assert places.run(f"{commands.RESET} && dvc repro").code == 0
    return places


def test_each_documented_command_is_known_and_no_rule_is_left_over() -> None:
    assert [each for each in DOCUMENTED if not commands.rule_of(each.text)] == []
    assert [rule for rule in commands.RULES if rule not in {rule for _, rule in RULED}] == []


@pytest.mark.parametrize(
    ("command", "rule"), [pytest.param(*pair, id=pair[0].text[:60]) for pair in RULED if pair[1].fast]
)
def test_it_runs(command: Command, rule: Rule, places: Places) -> None:
    text = commands.run_as(command.text, rule)
    done = places.run(f"{rule.first} && {text}", rule.keys)
    assert done.code == rule.code, f"{command.page}: {text}\n{done.text}"
    assert "Traceback" not in done.text
    if TABLES.fullmatch(command.text):
        assert done.width <= COLUMNS, done.text
        assert not any(line.endswith(">") for line in done.lines), f"the pager cuts it off:\n{done.text}"


def text_of(pattern: str) -> str:
    (command,) = [each.text for each in DOCUMENTED if re.match(pattern, each.text)]
    return command


def test_every_benchmark_that_is_named_is_one_whose_help_is_asked_for() -> None:
    named = {each for command in DOCUMENTED for each in re.findall(r"-m (benchmarks\.\w+)", command.text)}
    assert "benchmarks.generators" in named
    assert named <= {*MODULES}


@pytest.mark.slow
def test_an_experiment_changes_one_line_of_the_parameters_and_the_way_back_trains_nothing(reproduced: Places) -> None:
    assert reproduced.run("dvc exp run -S lr=4e-5").code == 0
    done = reproduced.run("git --no-pager diff --stat -- params.yaml")
    assert done.lines[-1] == " 1 file changed, 1 insertion(+), 1 deletion(-)"
    assert reproduced.run(text_of("git read-tree HEAD")).code == 0
    assert reproduced.run("git status --short").text == ""
    assert "Running stage" not in reproduced.run("dvc repro").text


@pytest.mark.fault("`dvc exp run -S lr=fast`", "refused before any stage runs; the way back that it says works")
def test_a_wrong_value_is_refused_and_the_way_back_is_right(reproduced: Places) -> None:
    written = [reproduced.workspace / name for name in ("data/raw/pec", "models/cobert/baseline-large-all")]
    done = reproduced.run("dvc exp run -S lr=fast")
    assert done.code != 0
    assert "error: params.yaml: lr = 'fast': input should be a valid number" in done.text
    assert "Traceback" not in done.text
    assert re.findall("Running stage '(.*)'", done.text) == ["check_parameters"]
    assert all(path.is_file() for path in written)
    back = re.findall("`((?:git read-tree|git checkout|dvc checkout) .*?)`", done.text)
    assert len(back) == 3
    assert reproduced.run(" && ".join(back)).code == 0
    assert reproduced.run("git status --short").text == ""
    assert "up to date" in reproduced.run("dvc status dvc.yaml").text


def test_without_the_instruction_corpora_the_parameters_are_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = shlex.split(text_of(r"dvc exp run -S '~corpora\.openass"))[3:]
    apply_overrides(changed(tmp_path), [each for each in options if each != "-S"])
    check_parameters.main(target=Path("checked.txt"))
    settings = load()
    assert settings.corpora.keys() == {"pec", "empathetic_dialogues"}
    assert {each.corpus for each in settings.generators.values()} == settings.corpora.keys()


def test_torchrun_is_given_the_words_of_the_stage() -> None:
    module, *words = text_of("torchrun").partition(" -m ")[2].split()
    assert module == train_generator.main.__module__
    assert len(arguments(train_generator.main, words)) == len(words)


@pytest.mark.fault("a Python that is none of 3.11 to 3.13", "where to get one of them, before anything is installed")
def test_another_python_is_refused_with_the_ways_to_get_the_right_one(places: Places) -> None:
    """Its version is all that make asks of it."""
    folder = places.folder / "bare"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(places.workspace / name, folder / name)
    other = folder / "python3.10"
    other.write_text(
        """#!/bin/sh\nexec python -c "import sys; sys.version_info = (3, 10, 4); sys.version = '3.10.4'; $2"\n"""
    )
    other.chmod(0o755)
    done = places.run(f"make PYTHON={other}", folder=folder)
    assert done.code == 2
    assert "Python 3.11, 3.12 or 3.13 is needed, and" in done.text
    assert "uv python install 3.11" in done.text
    assert not (folder / ".venv").exists()


def test_the_first_installation_shows_pip_s_progress(places: Places) -> None:
    done = places.run("make --dry-run --always-make setup")
    installs = [line for line in done.lines if " install " in line]
    assert len(installs) >= 3
    assert not [line for line in installs if "quiet" in line or " -q " in line]
