from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.training import checkpoints
from attune.training.checkpoints import mark_complete, newest_complete, run_key, training_folder
from tests.forked import python

PROJECT = Path(__file__).parents[2]


def test_key_follows_content_parameters_and_target_but_not_where_inputs_are(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rows").write_text("rows")
    code = tmp_path / "code.py"
    code.write_text("pass")
    target = Path("models/m")
    key = run_key({"lr": 0.1}, [tmp_path / "here"], [code], target)
    assert key == run_key({"lr": 0.1}, [tmp_path / "there"], [code], target)
    assert key != run_key({"lr": 0.2}, [tmp_path / "here"], [code], target)
    assert key != run_key({"lr": 0.1}, [tmp_path / "here"], [code], Path("models/copy"))
    (tmp_path / "here" / "rows").write_text("other rows")
    assert key != run_key({"lr": 0.1}, [tmp_path / "here"], [code], target)
    cached = tmp_path / "here" / "__pycache__" / "code.pyc"
    key = run_key({"lr": 0.1}, [tmp_path / "here"], [code], target)
    cached.parent.mkdir()
    cached.write_text("compiled")  # by whichever Python ran last
    assert key == run_key({"lr": 0.1}, [tmp_path / "here"], [code], target)
    key = run_key({"lr": 0.1}, [tmp_path / "there"], [code], target)
    code.write_text("break")
    assert key != run_key({"lr": 0.1}, [tmp_path / "there"], [code], target)


def test_key_of_a_missing_input_says_so(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match="nowhere is missing"):
        run_key({}, [tmp_path / "nowhere"], [], tmp_path)


def test_folder_goes_after_success_and_stays_after_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        with training_folder([tmp_path], "key") as folder:
            (folder / "step").write_text("1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (tmp_path / "key" / "step").exists()
    with training_folder([tmp_path], "key") as folder:
        assert (folder / "step").read_text() == "1"
    assert not folder.exists()


@pytest.mark.fault("killed while the finished training's checkpoints are deleted", "the rerun begins anew")
def test_a_folder_that_was_half_deleted_is_never_resumed_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(path: Path) -> None:
        (path / "best").unlink()
        raise KeyboardInterrupt

    def train() -> None:
        with training_folder([tmp_path], "key") as folder:
            for name in ("best", "step"):
                (folder / name).write_text("1")

    with monkeypatch.context() as patched:
        patched.setattr(checkpoints.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            train()
    with training_folder([tmp_path], "key") as folder:
        assert not list(folder.iterdir())
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


@pytest.mark.fault("two trainings with one checkpoint folder", "the second is refused")
def test_only_one_process_trains_in_a_folder(tmp_path: Path) -> None:
    other = (
        "import sys; from pathlib import Path; from attune.training.checkpoints import training_folder\n"
        "with training_folder([Path(sys.argv[1])], 'key'): print('in')"
    )
    words = ("-c", other, tmp_path)
    with training_folder([tmp_path], "key"):
        held = python("data", *words, cwd=PROJECT)
    free = python("data", *words, cwd=PROJECT)
    assert "AttuneError: another process is training" in held.stderr
    assert free.stdout == "in\n"


def test_a_second_root_is_used_where_the_first_is_locked(tmp_path: Path) -> None:
    roots = [tmp_path / "project", tmp_path / "workspace"]
    with training_folder(roots, "key") as first, training_folder(roots, "key") as second:
        assert (first, second) == (roots[0] / "key", roots[1] / "key")
    with training_folder(roots, "key") as first:
        assert first.parent == roots[0]


def written(checkpoint: Path) -> None:
    (checkpoint / "states").mkdir(parents=True)
    (checkpoint / "weights").write_text("weights")
    (checkpoint / "states" / "random").write_text("random")


def test_resuming_takes_the_newest_marked_checkpoint(tmp_path: Path) -> None:
    assert newest_complete(tmp_path) is None
    for name in ("checkpoint-9", "checkpoint-10", "checkpoint-11", "checkpoint-12-old"):
        written(tmp_path / name)
        if name != "checkpoint-11":
            mark_complete(tmp_path / name)
    assert newest_complete(tmp_path) == str(tmp_path / "checkpoint-10")


@pytest.mark.parametrize("torn", ["weights", "states/random"])
@pytest.mark.fault("a checkpoint that was half deleted", "it is not resumed from")
def test_a_checkpoint_that_was_half_deleted_is_none(tmp_path: Path, torn: str) -> None:
    for step in (9, 10):
        written(tmp_path / f"checkpoint-{step}")
        mark_complete(tmp_path / f"checkpoint-{step}")
    assert newest_complete(tmp_path) == str(tmp_path / "checkpoint-10")
    (tmp_path / "checkpoint-10" / torn).unlink()
    assert newest_complete(tmp_path) == str(tmp_path / "checkpoint-9")
    (tmp_path / "checkpoint-9" / torn).write_text("cut")
    assert newest_complete(tmp_path) is None
