"""A dataset of the hub as one's own data, by its name alone, from a server that speaks the hub's protocol."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from attune.core.errors import AttuneError
from attune.parameters.data import OwnDataset
from attune.sources.own_dataset import split_files
from tests import forked
from tests.project import ROOT, changed
from tests.sources.hub_server import Fault, Hub, serve

REPO = "datasets/me/mine"
LISTING = f"GET /api/{REPO}/revision/main"
CARD = """---
configs:
- config_name: chats
  data_files: [{split: train, path: "a/*.jsonl"}, {split: test, path: "b/b.jsonl"}]
- config_name: pairs
  data_files: pairs.parquet
---
"""


def line(text: str) -> str:
    turns = [{"from": "human", "value": text}, {"from": "gpt", "value": "Why?"}]
    return json.dumps({"conversations": turns}) + "\n"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """Two configurations by a card, and a dataset whose file's name is all there is."""
    mine, plain, script = (tmp_path / "served" / name for name in ("mine", "plain", "script"))
    for folder in (mine / "a", mine / "b", plain, script):
        folder.mkdir(parents=True)
    (mine / "README.md").write_text(CARD)
    (mine / "a/1.jsonl").write_text(line("I am sad.") + line("I am glad."))
    (mine / "a/2.jsonl").write_text(line("I am shy."))
    (mine / "b/b.jsonl").write_text(line("I am lost.") + line("I am calm."))
    pd.DataFrame({"q": ["Hello.", "Bye."], "a": ["Hi!", "See you."]}).to_parquet(mine / "pairs.parquet")
    (plain / "train.json").write_text(line("I am sad.") + line("I am glad."))
    (script / "script.py").write_text("raise SystemExit('this must never run')")
    repos = {REPO: {"main": mine}, "datasets/me/plain": {"main": plain}, "datasets/me/script": {"main": script}}
    with serve(Hub(repos)) as running:
        yield running


GOOD = [
    ({"datasets": "me/mine", "config": "chats"}, ["a/1.jsonl", "a/2.jsonl"]),
    ({"datasets": "me/mine", "config": "chats", "split": "test"}, ["b/b.jsonl"]),
    ({"datasets": "me/mine", "config": "pairs"}, ["pairs.parquet"]),
    ({"datasets": "me/plain"}, ["train.json"]),
]
BAD = [
    ({"datasets": "me/nowhere"}, "the hub's dataset me/nowhere (revision main) cannot be listed"),
    ({"datasets": "me/plain", "revision": "v9"}, "the hub's dataset me/plain (revision v9) cannot be listed"),
    ({"datasets": "me/mine"}, "has the configs chats, pairs; name one of them as `config`"),
    ({"datasets": "me/mine", "config": "chats", "split": "valid"}, "has no split 'valid'; it has train, test"),
    ({"datasets": "me/script"}, "the hub has parquet files at the revision refs/convert/parquet"),
]
# Prints for each entry its files and commit, or the error.
ASK = """
import json, sys
from attune.core.errors import AttuneError
from attune.parameters.data import OwnDataset
from attune.sources.own_dataset import download
for entry in json.loads(sys.argv[1]):
    try:
        paths, _, commit = download("corpora.mine", OwnDataset(**entry))
        print(json.dumps([[path.as_posix().partition(commit + "/")[2] for path in paths], commit]))
    except AttuneError as error:
        print(json.dumps(str(error)))
"""


def python(hub: Hub, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: the client reads HF_ENDPOINT and HF_HOME when it is imported."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    own = {"HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    return forked.python("data", *words, cwd=folder, env={**kept, **own})


@pytest.mark.fault("a dataset, config, split or revision that the hub does not have", "named, with what would be right")
def test_files_are_those_of_config_and_split_and_what_is_missing_is_named(hub: Hub, tmp_path: Path) -> None:
    entries = [entry for entry, _ in [*GOOD, *BAD]]
    done = python(hub, tmp_path, "-c", ASK, json.dumps(entries))
    assert done.returncode == 0, done.stderr
    answers = [json.loads(answer) for answer in done.stdout.splitlines()]
    for (entry, files), answer in zip(GOOD, answers, strict=False):
        assert answer == [files, Hub.commit(f"datasets/{entry['datasets']}", "main")]
    for (_, message), answer in zip(BAD, answers[len(GOOD) :], strict=True):
        assert message in answer
    assert not any(each.endswith(".py") for each in hub.requests)


def test_what_the_hub_no_longer_has_is_told_with_the_entry_s_key(hub: Hub, tmp_path: Path) -> None:
    gone = Fault(404, headers={"X-Error-Code": "EntryNotFound"})
    hub.faults[f"HEAD /{REPO}/resolve/{Hub.commit(REPO, 'main')}/pairs.parquet"] = [gone] * 5
    done = python(hub, tmp_path, "-c", ASK, json.dumps([{"datasets": "me/mine", "config": "pairs"}]))
    assert "set corpora.mine.revision to one at which me/mine has pairs.parquet" in done.stdout, done.stderr


@pytest.mark.fault("the hub's Xet storage without a file of an own dataset", "address and what to do in one sentence")
def test_a_file_that_xet_storage_does_not_give(hub: Hub, tmp_path: Path) -> None:
    hub.xet.add("pairs.parquet")
    done = python(hub, tmp_path, "-c", ASK, json.dumps([{"datasets": "me/mine", "config": "pairs"}]))
    address = f"{hub.url}/{REPO}/resolve/{Hub.commit(REPO, 'main')}/pairs.parquet"
    assert f"{address} could not be fetched (" in done.stdout, done.stderr
    assert "; try again later, or with HF_HUB_DISABLE_XET=1 in the environment, or name your own copy" in done.stdout


@pytest.mark.parametrize("matter", ["date: 2023-02-30", "size: !!int x", "configs: 5", "configs: pairs", "a: [", "- 5"])
@pytest.mark.fault("a dataset's card that is broken ({matter})", "names and folders say what files are")
def test_a_broken_card_says_nothing(hub: Hub, tmp_path: Path, matter: str) -> None:
    (tmp_path / "served/plain/README.md").write_text(f"---\n{matter}\n---\nMy chats.\n")
    done = python(hub, tmp_path, "-c", ASK, json.dumps([{"datasets": "me/plain"}]))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0] == ["train.json"]


@pytest.mark.parametrize(
    ("names", "entry", "files"),
    [
        (["a.csv", "b.csv"], {}, ["a.csv", "b.csv"]),
        (["data/train-0.parquet", "data/test-0.parquet"], {}, ["data/train-0.parquet"]),
        (["train.csv", "dev.csv"], {"split": "validation"}, ["dev.csv"]),
        (["x/train/0.parquet", "y/train/0.parquet"], {"config": "y"}, ["y/train/0.parquet"]),
        (["default/train/0.parquet", "y/train/0.parquet"], {}, ["default/train/0.parquet"]),
        (["train/1.jsonl", "train/2.jsonl", "notes.txt"], {}, ["train/1.jsonl", "train/2.jsonl"]),
        (["train.jsonl", "test.jsonl", "a/x.json", "b/y.json"], {}, ["train.jsonl"]),
        (["train.jsonl", "a/train.json"], {"config": "default"}, ["train.jsonl"]),
        (["train.jsonl", "a/x.json", "b/y.json"], {"config": "b"}, ["b/y.json"]),
        (
            ["data/train_gen-00000-of-00001.parquet", "data/train_sft-00000-of-00001-a1.parquet"],
            {"split": "train_sft"},
            ["data/train_sft-00000-of-00001-a1.parquet"],
        ),
        (["test.csv", "train.csv", "train.parquet"], {}, ["train.csv"]),
        (["train.csv", "train.parquet"], {}, ["train.parquet"]),
        (["train.csv", "labels.json", "stats.json"], {}, ["train.csv"]),
        (["data/train-00000-of-00001.parquet", "a.json", "b.json"], {}, ["data/train-00000-of-00001.parquet"]),
        (["train.csv", "test.jsonl"], {}, ["train.csv"]),
        (["train.csv", "train.json", "train2.jsonl"], {}, ["train.json", "train2.jsonl"]),
        (["alpaca.json", "dataset_infos.json", "config.json"], {}, ["alpaca.json"]),
        (
            ["default/train_gen/0000.parquet", "default/partial-train_sft/0000.parquet"],
            {"revision": "refs/convert/parquet", "split": "train_sft"},
            ["default/partial-train_sft/0000.parquet"],
        ),
    ],
)
def test_without_a_card_names_and_folders_say_what_files_are(
    names: list[str], entry: dict[str, str], files: list[str]
) -> None:
    assert split_files(OwnDataset(datasets="me/mine", **entry), names, {}) == files


def test_a_split_of_parts_has_the_name_that_its_files_give_it() -> None:
    names = [f"data/{split}-00000-of-00001.parquet" for split in ("train_gen", "train_sft")]
    with pytest.raises(AttuneError, match=r"has no split 'train'; it has train_gen, train_sft$"):
        split_files(OwnDataset(datasets="me/mine"), names, {})


def test_a_name_in_params_yaml_is_enough(hub: Hub, tmp_path: Path) -> None:
    columns = {"context": "q", "response": "a"}
    changed(tmp_path, ("corpora.mine", {"datasets": "me/mine", "config": "pairs", "columns": columns}))
    done = python(hub, tmp_path, "-m", "stages.download", "corpus=mine", "target=raw")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "raw/manifest.json").read_text())
    assert (manifest["source"], manifest["url"]) == ("hub", "https://huggingface.co/datasets/me/mine")
    assert manifest["files"][0]["rows"] == 2


@pytest.mark.parametrize(
    ("pattern", "files"),
    [("*.csv", ["a.csv"]), ("**/*.csv", ["a.csv", "en/b.csv"]), ("en/*", ["en/b.csv"]), ("?.csv", ["a.csv"])],
)
def test_a_card_s_patterns_mean_what_they_mean_on_the_hub(pattern: str, files: list[str]) -> None:
    entry = OwnDataset(datasets="me/mine")
    assert split_files(entry, ["a.csv", "en/b.csv"], {"default": {"data_files": pattern}}) == files


@pytest.mark.parametrize(
    ("entry", "files"),
    [
        ({}, ["b/train.csv"]),
        ({"split": "test"}, ["b/test.csv"]),
        ({"config": "x"}, ["a/train.csv"]),
        ({"config": "z"}, ["b/test.csv", "b/train.csv"]),
    ],
)
def test_a_card_s_default_config_is_read_and_of_its_folder_alone(entry: dict[str, str], files: list[str]) -> None:
    configs = {
        "x": {"data_dir": "a"},
        "y": {"data_dir": "b/", "default": True},
        "z": {"data_dir": "b", "data_files": "t*.csv"},
    }
    names = ["a/train.csv", "b/test.csv", "b/train.csv", "tall.csv"]
    assert split_files(OwnDataset(datasets="me/mine", **entry), names, configs) == files


def test_a_commit_s_files_are_asked_for_once_and_a_branch_s_last_answer_holds_without_the_network(
    hub: Hub, tmp_path: Path
) -> None:
    commit = Hub.commit(REPO, "main")
    branch = {"datasets": "me/mine", "config": "pairs"}
    for asked in ([branch | {"revision": commit}, branch], [branch | {"revision": commit}]):
        hub.requests.clear()
        assert python(hub, tmp_path, "-c", ASK, json.dumps(asked)).stdout.count("pairs.parquet") == len(asked)
    assert not any("/api/datasets/" in each for each in hub.requests)
    answers = python(hub, tmp_path, "-c", OFFLINE, json.dumps([branch, branch | {"revision": "other"}])).stdout
    known, unknown = answers.splitlines()
    assert json.loads(known) == [["pairs.parquet"], commit]
    assert "(revision other, config pairs) cannot be listed" in unknown


OFFLINE = "import os\nos.environ['HF_HUB_OFFLINE'] = '1'\n" + ASK
TAKE_ALL = "from huggingface_hub import snapshot_download\nsnapshot_download('me/mine', repo_type='dataset')"


def test_what_is_in_the_cache_is_found_without_the_network(hub: Hub, tmp_path: Path) -> None:
    assert python(hub, tmp_path, "-c", TAKE_ALL).returncode == 0
    commit = Hub.commit(REPO, "main")
    chats = {"datasets": "me/mine", "config": "chats"}
    asked = [chats, chats | {"revision": commit}, {"datasets": "me/plain"}]
    done = python(hub, tmp_path, "-c", OFFLINE, json.dumps(asked))
    branch, pinned, other = map(json.loads, done.stdout.splitlines())
    assert branch == pinned == [["a/1.jsonl", "a/2.jsonl"], commit], done.stderr
    assert "the hub's dataset me/plain (revision main) cannot be listed" in other
    assert done.stderr.startswith(
        "the hub's dataset me/mine (revision main, config chats): not listed by the hub; its 5 "
    )
    (tmp_path / f"cache/hub/datasets--me--mine/snapshots/{commit}/a/2.jsonl").unlink()
    assert (
        "(revision main, config chats) cannot be listed"
        in python(hub, tmp_path, "-c", OFFLINE, json.dumps(asked[:1])).stdout
    )


@pytest.mark.fault("a hub's cache in which nothing can be written beside its files", "the files are read")
def test_a_listing_that_cannot_be_kept_is_used_all_the_same(hub: Hub, tmp_path: Path) -> None:
    assert python(hub, tmp_path, "-c", TAKE_ALL).returncode == 0
    (tmp_path / "cache/hub/attune").write_text("no folder")
    done = python(hub, tmp_path, "-c", ASK, json.dumps([{"datasets": "me/mine", "config": "pairs"}]))
    assert json.loads(done.stdout) == [["pairs.parquet"], Hub.commit(REPO, "main")], done.stderr


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.fault("an own dataset that the hub gives to nobody without access: HTTP {status}", "said how it is opened")
def test_a_gated_or_private_dataset_is_told_how_it_is_opened(hub: Hub, tmp_path: Path, status: int) -> None:
    file = f"HEAD /{REPO}/resolve/{Hub.commit(REPO, 'main')}/pairs.parquet"
    gated = Fault(status, headers={"X-Error-Code": "GatedRepo"})
    hub.faults[LISTING] = [gated, Fault(status), None]
    hub.faults[file] = [gated] * 9
    done = python(hub, tmp_path, "-c", ASK, json.dumps([{"datasets": "me/mine", "config": "pairs"}] * 3))
    unlisted, private, unfetched = map(json.loads, done.stdout.splitlines())
    access = f"; ask for access at {hub.url}/datasets/me/mine, then run `hf auth login`"
    assert unlisted.endswith(access), done.stderr
    assert private.endswith("; correct `datasets`, or where it is not public run `hf auth login`")
    assert unfetched.endswith(f"{access}, or name your own copy of the files as `path`")


AT_ONCE = "from attune.core import waits\nwaits.WAITS = (0.0, 0.0)\n" + ASK


@pytest.mark.fault("the hub's list of an own dataset's files: HTTP 502, 503, 429", "asked for again")
def test_a_listing_that_an_overloaded_hub_refuses_is_asked_for_again(hub: Hub, tmp_path: Path) -> None:
    hub.faults[LISTING] = [Fault(503), Fault(429, headers={"Retry-After": "1"})]
    done = python(hub, tmp_path, "-c", AT_ONCE, json.dumps([{"datasets": "me/mine", "config": "pairs"}]))
    assert json.loads(done.stdout) == [["pairs.parquet"], Hub.commit(REPO, "main")], done.stderr
    assert "trying again in 0 s" in done.stderr
    assert "trying again in 1 s" in done.stderr


@pytest.mark.fault("the hub's list of an own dataset's files: HTTP 503 always, or a wait of an hour", "the last list")
def test_an_overloaded_hub_s_last_listing_holds_and_without_one_the_user_is_told_to_wait(
    hub: Hub, tmp_path: Path
) -> None:
    branch, hour = {"datasets": "me/mine", "config": "pairs"}, Fault(429, headers={"Retry-After": "3600"})
    hub.faults[LISTING] = [Fault(502)] * 3 + [hour, None] + [Fault(503)] * 3 + [hour]
    done = python(hub, tmp_path, "-c", AT_ONCE, json.dumps([branch] * 5))
    assert done.returncode == 0, done.stderr
    broken, long, *found = map(json.loads, done.stdout.splitlines())
    for answer, reason in ((broken, "502 Bad Gateway"), (long, "the server asks to wait 3,600 s")):
        assert answer.startswith("the hub's dataset me/mine (revision main, config pairs) cannot be listed (")
        assert reason in answer
        assert answer.endswith("); try again later")
    assert found == [[["pairs.parquet"], Hub.commit(REPO, "main")]] * 3
    assert not hub.faults[LISTING]
