"""Programs in forks of a process that has imported a package: real processes, real signals."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attune.core import preloaded
from attune.core.environment import lives
from tests.project import ROOT
from tests.tools.made_up import git
from tests.waiting import until
from tools.preload import preloading

CLIENT = (
    "import sys; from attune.core import preloaded\n"
    "code = preloaded.run('tests.tools.program', sys.argv[1:])\n"
    "print('not run') if code is None else sys.exit(code)"
)


def require_forks() -> None:
    """Skip the test where `preloading` starts no process."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        pytest.skip("this system does not tell when a fork ends")


@pytest.fixture(scope="module")
def found() -> Iterator[dict[str, str]]:
    require_forks()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        with preloading(["colorsys"]) as found:
            until(Path(found[preloaded.ADDRESS]).exists)
            yield found
    until(lambda: not Path(found[preloaded.ADDRESS]).parent.exists())


def start(found: dict[str, str], does: str, folder: Path, **more: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **found, **more}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", CLIENT, does], cwd=folder, env=environment, **pipes)


def first_line(client: "subprocess.Popen[str]") -> dict[str, Any]:
    assert client.stdout
    return dict(json.loads(client.stdout.readline()))


def test_a_fork_stands_for_the_process_that_asked_for_it(found: dict[str, str], tmp_path: Path) -> None:
    times = tmp_path / "seconds"
    with start(found, "work", tmp_path, MOOD="glad", **{preloaded.SECONDS: str(times)}) as client:
        ran = first_line(client)
        assert ran["process"] != client.pid
        assert (ran["folder"], ran["mood"]) == (str(tmp_path), "glad")
        assert client.stderr
        assert client.stderr.read() == "True\nerror: it fails\n"
        assert client.wait(60) == 1
    assert 0 < float(times.read_text()) < 20


def test_a_fork_that_ends_well_runs_exit_handlers_and_takes_no_packages_apart(
    found: dict[str, str], tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "tests.tools.program", "end"]
    assert subprocess.run(words, cwd=ROOT, capture_output=True, text=True).stdout.endswith("}\nhandler\ntaken apart\n")
    with start(found, "end", tmp_path) as client:
        assert client.communicate(timeout=60)[0].endswith("}\nhandler\n")
    assert client.returncode == 0


def test_dvc_is_a_fork_whose_stages_are_forks(found: dict[str, str], tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    show = "import os; print(*sorted(name for name in os.environ if name.startswith('ATTUNE_')))"
    stage = {"cmd": f'{sys.executable} -c "{show}"'}
    (tmp_path / "dvc.yaml").write_text(json.dumps({"stages": {"a": stage}}))
    times = tmp_path / "seconds"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **found, preloaded.SECONDS: str(times)}
    for words in (["init", "--quiet"], ["repro", "a"]):
        command = [sys.executable, "-m", "tools.dvc", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
    assert f"\n{preloaded.ADDRESS} {preloaded.SECONDS}" in done.stdout
    assert len(times.read_text().splitlines()) == 2


def test_it_gets_the_signals_of_that_process(found: dict[str, str], tmp_path: Path) -> None:
    for number, code in ((signal.SIGINT, 7), (signal.SIGTERM, 128 + signal.SIGTERM)):
        with start(found, "sleep", tmp_path) as client:
            ran = first_line(client)
            client.send_signal(number)
            assert client.wait(60) == code
            assert not lives(ran["process"])


@pytest.mark.fault("SIGKILL of a stage that runs in a fork", "the fork ends too")
def test_it_ends_with_that_process(found: dict[str, str], tmp_path: Path) -> None:
    with start(found, "sleep", tmp_path) as client:
        ran = first_line(client)
        client.kill()
        until(lambda: not lives(ran["process"]))


@pytest.mark.parametrize("sent", [b"", b"{"])
@pytest.mark.fault("the end of a stage before it has said what to run", "the fork ends too")
def test_it_ends_if_that_process_ends_before_it_has_asked(found: dict[str, str], sent: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(60)
        asking.connect(found[preloaded.ADDRESS])
        asking.sendall(sent)
        asking.shutdown(socket.SHUT_WR)
        assert json.loads(asking.recv(100))["code"] == 1


@pytest.mark.fault("SIGKILL of the process that stages are forked from", "the stage fails with one sentence")
def test_its_end_is_an_error_where_nobody_knows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_forks()
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with preloading(["colorsys"]) as own:
        until(Path(own[preloaded.ADDRESS]).exists)
        with start(own, "sleep", tmp_path) as client:
            ran = first_line(client)
            above = int(Path(f"/proc/{ran['process']}/stat").read_text().rpartition(")")[2].split()[1])
            os.kill(above, signal.SIGKILL)
            os.kill(ran["process"], signal.SIGKILL)
            assert client.stderr
            assert "the process that tests.tools.program was forked from has ended" in client.stderr.read()


def test_without_such_a_process_nothing_runs(tmp_path: Path) -> None:
    for address in ({}, {preloaded.ADDRESS: str(tmp_path / "missing")}):
        with start(address, "work", tmp_path) as client:
            assert client.communicate(timeout=60)[0] == "not run\n"


def test_no_packages_need_no_process() -> None:
    with preloading(()) as found:
        assert found == {}


def test_where_the_kernel_does_not_tell_when_a_fork_ends_stages_start_by_themselves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As Linux before 5.3 and the rules of some containers have it, where Python has the function all the same."""

    def refused(_process: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(os, "pidfd_open", refused, raising=False)
    with preloading(["colorsys"]) as found:
        assert found == {}
    monkeypatch.delattr(os, "pidfd_open")
    with preloading(["colorsys"]) as found:
        assert found == {}
