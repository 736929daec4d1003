"""What is shown while stages run: the counts, the stages beside, and what is left by earlier runs."""

import json
from pathlib import Path

import pytest

from tools.progress import Log, Times


@pytest.fixture
def times(tmp_path: Path) -> Times:
    return Times(tmp_path / "seconds.json")


def test_the_log_counts_and_names(times: Times) -> None:
    log = Log({"a": [], "b": [], "c": ["a"]}, 2, times)
    assert log.shown("a\tstarted\t", 0.2) == "[0:00 min, 0 of 3 done] a started"
    assert log.shown("a\tline\tx\ty", 1) == "a | x\ty"
    assert log.shown("b\tstarted\t", 2) == "[0:02 min, 0 of 3 done] b started; running: a"
    assert log.shown("a\tdone\t3 s", 65.9) == "[1:05 min, 1 of 3 done] a done after 3 s; running: b"
    assert log.shown("make: *** [b] Error 1", 66) == "make: *** [b] Error 1"
    assert log.summary(3600, interrupted=True) == "60:00 min, 1 of 3 done\ninterrupted: b\nnot run: c"


def test_what_took_how_long_is_known_to_the_next_run(times: Times) -> None:
    log = Log({"a": [], "b": ["a"]}, 2, times)
    for event, elapsed in (("started", 1.0), ("done", 101.26)):
        log.shown(f"a\t{event}\t", elapsed)
    log.shown("b\tstarted\t", 102)
    log.shown("b\tfailed\t1 s", 103)  # no measure of how long it takes
    assert json.loads(times.path.read_text()) == {"a": 100.3}
    again = Log({"a": []}, 1, times)
    again.shown("a\tstarted\t", 0)
    assert again.shown("a\tskipped\t1 s", 1) == "[0:01 min, 1 of 1 done] a skipped after 1 s"  # nor this
    assert json.loads(times.path.read_text()) == {"a": 100.3}
    assert Times(times.path).seconds == {"a": 100.3}


def test_what_is_left_is_shared_by_the_jobs(times: Times) -> None:
    times.seconds = {"a": 100, "b": 80, "c": 60, "d": 60}
    log = Log({"a": [], "b": [], "c": [], "d": []}, 2, times)
    log.shown("a\tstarted\t", 0)
    # (100 - 10 + 80 + 60 + 60) / 2
    assert log.shown("b\tstarted\t", 10) == "[0:10 min, 0 of 4 done, about 2:25 left] b started; running: a"
    # a takes longer than it did: (0 + 60 + 60) / 2
    assert ", 1 of 4 done, about 1:00 left] b done" in log.shown("b\tdone\t", 120)


def test_what_is_left_is_no_less_than_the_longest_chain(times: Times) -> None:
    times.seconds = {"a": 100, "b": 30, "c": 10}
    log = Log({"a": [], "b": ["a"], "c": []}, 2, times)
    assert ", about 2:10 left] a started" in log.shown("a\tstarted\t", 0)
    assert ", about 1:40 left] c started" in log.shown("c\tstarted\t", 30)


def test_stages_that_a_failed_one_holds_up_are_not_left(times: Times) -> None:
    times.seconds = {"a": 10, "b": 1000, "c": 1000, "d": 20}
    log = Log({"a": [], "b": ["a"], "c": ["b"], "d": []}, 1, times)
    log.shown("a\tstarted\t", 0)
    assert ", 1 failed, about 0:20 left] a failed" in log.shown("a\tfailed\t", 5)
    log.shown("d\tstarted\t", 6)
    assert "1 of 4 done, 1 failed] d done" in log.shown("d\tdone\t", 26)


def test_an_unknown_stage_makes_the_rest_a_lower_bound(times: Times) -> None:
    times.seconds = {"a": 60}
    log = Log({"a": [], "new": []}, 1, times)
    assert ", over 1:00 left] a started" in log.shown("a\tstarted\t", 0)
    assert "1 of 2 done] a done" in log.shown("a\tdone\t", 60)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": null}', '{"a": "b"}'])
def test_a_broken_file_of_times_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "seconds.json").write_text(text)
    assert Times(tmp_path / "seconds.json").seconds == {}
