"""The documented commands that take longer, in a pseudo-terminal: experiments, queues, remotes, exports, judgements."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from attune.core.files import read_csv, write_csv
from tests.chat.conftest import free_port, root  # noqa: F401
from tests.docs import commands
from tests.docs.commands import DATA, MODELS, Command, Rule
from tests.docs.places import Places
from tests.docs.terminal import CTRL_C, Terminal
from tests.docs.test_blocks import project  # noqa: F401

pytestmark = pytest.mark.slow
RULED = [(each, rule) for each in commands.documented() if (rule := commands.rule_of(each.text))]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Places:
    made = Places(tmp_path_factory.mktemp("documented"), request)
    made.write_sources()
    return made


@pytest.fixture(scope="module")
def page(places: Places) -> Iterator[str]:
    """The address of the chat page, whose server runs in a terminal until Ctrl+C."""
    port = free_port()
    terminal = Terminal(f"python app.py --port {port}", places.place(MODELS), places.shell)
    assert terminal.wait_for(f"http://127.0.0.1:{port}", 120)
    yield f"http://127.0.0.1:{port}"
    terminal.type(CTRL_C)
    assert "Traceback" not in terminal.end(60).text


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("command", "rule"),
    [pytest.param(*pair, id=pair[0].text[:60]) for pair in RULED if not pair[1].fast and not pair[1].why],
)
def test_it_runs(command: Command, rule: Rule, places: Places, request: pytest.FixtureRequest) -> None:
    text = places.filled(command.text)
    if "http://" in text:
        text = text.replace("http://127.0.0.1:7860", request.getfixturevalue("page"))
    if "judge_pairs --key" in text:
        answer(places.place(DATA))
    done = places.run(f"{places.filled(rule.first)} && {text}", rule.keys, places.place(rule.place))
    assert done.code == rule.code, f"{command.page}: {text}\n{done.text}"
    assert "Traceback" not in done.text


def answer(folder: Path) -> None:
    """An annotator's file, in which the first reply of every pair wins."""
    pairs = read_csv(folder / "judged/key.csv")
    rows = [{"form": each["form"], "annotator": "ann", "pair": each["pair"], "verdict": "a"} for each in pairs]
    write_csv(folder / "answers-ann.csv", rows)


def test_the_script_for_slurm_gives_its_experiments_back(places: Places) -> None:
    script = places.folder / "sweep.sh"
    script.write_text(next(each.text for each, _ in RULED if re.match("#!/bin/bash", each.text)))
    for task in (0, 1):
        done = places.run(f"{commands.RESET} && SLURM_SUBMIT_DIR=$PWD SLURM_ARRAY_TASK_ID={task} bash {script}")
        assert done.code == 0, done.text
    assert {"lr-2e-5", "lr-5e-5"} <= set(places.run("dvc exp list --name-only").lines)
