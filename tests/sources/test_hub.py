import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attune.core.errors import AttuneError
from attune.core.files import sha256
from attune.corpora import CORPORA, record_of
from attune.corpora.reading import BadRows
from attune.parameters import load
from attune.parameters.data import Archive, HubDataset
from attune.sources import transfer
from attune.sources.fetching import fetch
from tests.forked import python
from tests.project import ROOT, changed
from tests.sources.corpora_by_hand import as_the_hub_converts, write, zip_pec
from tests.sources.hub_server import Hub, serve
from tests.stages.conftest import sample  # noqa: F401

PUBLISHED = load(ROOT / "params.yaml").corpora
ED = "datasets/facebook/empathetic_dialogues"
GUANACO = "datasets/timdettmers/openassistant-guanaco"
ORCA = "datasets/Open-Orca/OpenOrca"


def revision_of(name: str) -> str:
    entry = PUBLISHED[name]
    assert isinstance(entry, HubDataset)
    return entry.revision


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    served = tmp_path / "served"
    write("empathetic_dialogues", served / "original")
    as_the_hub_converts(served / "original", served / "ed")
    write("openassistant_guanaco", served / "guanaco")
    write("openorca", served / "orca")
    write("pec", served / "pec")
    zip_pec(served / "pec", served / "hf_pec.zip")
    repos = {
        ED: {"refs/convert/parquet": served / "ed"},
        GUANACO: {revision_of("openassistant_guanaco"): served / "guanaco"},
        ORCA: {revision_of("openorca"): served / "orca"},
    }
    with serve(Hub(repos, {"/files/hf_pec.zip": served / "hf_pec.zip"})) as running:
        yield running


def stage(hub: Hub, folder: Path, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run_stage(hub, folder, "stages.download", f"corpus={name}", f"target=raw/{name}", **environment)


def run_stage(hub: Hub, folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The stage in a process of its own: the client reads HF_ENDPOINT and HF_HOME when it is imported."""
    folder.mkdir(exist_ok=True)
    if not (folder / "params.yaml").exists():
        changed(folder, ("source", "hub"))
    settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return python("data", "-m", *words, cwd=folder, env={**kept, **settings, **environment})


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def rows_of(name: str, folder: Path) -> dict[str, list[object]]:
    """Split -> what is read from its file."""
    record = record_of(name)
    return {split: list(record.read(path, BadRows("error"))) for split, path in record.files(folder).items()}


def only_files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_real_client_fetches_the_converted_parquet(hub: Hub, tmp_path: Path) -> None:
    run = stage(hub, tmp_path / "run", "empathetic_dialogues")
    assert run.returncode == 0, run.stderr
    raw = tmp_path / "run/raw/empathetic_dialogues"
    names = [f"default/{split}/0000.parquet" for split in ("test", "train", "validation")]
    assert only_files(raw) == [*names, "manifest.json"]
    found = manifest(raw)
    assert [(file["path"], file["rows"]) for file in found["files"]] == list(zip(names, (2, 1, 1), strict=True))
    assert found["revision"] == Hub.commit(ED, "refs/convert/parquet")
    assert found["url"] == "https://huggingface.co/datasets/facebook/empathetic_dialogues"
    assert (found["source"], found["licence"]) == ("hub", "cc-by-nc-4.0")
    assert run.stdout == (
        "empathetic_dialogues: 3 files, 4 rows, 0 malformed rows left out, from hub into raw/empathetic_dialogues\n"
    )
    assert "fetching empathetic_dialogues: default/train/0000.parquet at refs/convert/parquet" in run.stderr
    assert "%|" not in run.stderr  # no progress bar where nobody watches


def test_the_files_after_the_first_are_asked_for_by_commit(hub: Hub, tmp_path: Path) -> None:
    """In a cache whose own path has a folder of the name that the client gives to its folders of commits."""
    cache = str(tmp_path / "snapshots" / "of" / "mine")
    assert stage(hub, tmp_path / "run", "openassistant_guanaco", HF_HOME=cache).returncode == 0
    revision = revision_of("openassistant_guanaco")
    commit = Hub.commit(GUANACO, revision)
    assert [request for request in hub.requests if request.startswith("HEAD")] == [
        *[f"HEAD /{GUANACO}/resolve/{revision}/openassistant_best_replies_train.jsonl"] * 2,
        f"HEAD /{GUANACO}/resolve/{commit}/openassistant_best_replies_eval.jsonl",
    ]
    assert manifest(tmp_path / "run/raw/openassistant_guanaco")["revision"] == commit


def test_a_second_fetch_reads_the_cache_and_gives_the_same_manifest(hub: Hub, tmp_path: Path) -> None:
    assert stage(hub, tmp_path / "run", "openorca").returncode == 0
    path = tmp_path / "run/raw/openorca/manifest.json"
    first = path.read_bytes()
    path.unlink()
    hub.requests.clear()
    offline = stage(hub, tmp_path / "run", "openorca", HF_HUB_OFFLINE="1")
    assert offline.returncode == 0, offline.stderr
    assert path.read_bytes() == first
    assert hub.requests == []


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name == "pec" else ()) for name in CORPORA]
)
def test_the_hub_and_the_sample_give_the_same_rows(hub: Hub, tmp_path: Path, sample: Path, name: str) -> None:  # noqa: F811
    """The sample, laid out as the hub serves it, comes back through the real client."""
    served, raw = tmp_path / "served", sample / "raw" / name
    shutil.rmtree(served)
    place = {"empathetic_dialogues": "ed", "openassistant_guanaco": "guanaco", "openorca": "orca"}.get(name, name)
    if name == "empathetic_dialogues":
        as_the_hub_converts(raw, served / place)
    else:
        shutil.copytree(raw, served / place)
    if name == "pec":
        zip_pec(raw, served / "hf_pec.zip")
        fetch_pec(hub, tmp_path / "run/raw/pec", None)
    else:
        run = stage(hub, tmp_path / "run", name)
        assert run.returncode == 0, run.stderr
    expected = rows_of(name, raw)
    assert rows_of(name, tmp_path / "run/raw" / name) == expected
    assert all(expected.values())


@pytest.mark.parametrize(
    ("remove", "reason"),
    [("file", "Entry Not Found"), ("revision", "Revision Not Found"), ("repo", "Repository Not Found")],
)
@pytest.mark.fault("404 from the hub: {}", "address, reason and a way on in one sentence")
def test_what_the_hub_does_not_have(hub: Hub, tmp_path: Path, remove: str, reason: str) -> None:
    if remove == "file":
        (tmp_path / "served/orca/1M-GPT4-Augmented.parquet").unlink()
    elif remove == "revision":
        hub.repos[ORCA] = {"other": tmp_path / "served/orca"}
    else:
        del hub.repos[ORCA]
    run = stage(hub, tmp_path / "run", "openorca")
    assert run.returncode == 1
    revision = revision_of("openorca")
    url = f"{hub.url}/{ORCA}/resolve/{revision}/1M-GPT4-Augmented.parquet"
    assert f"error: {url} could not be fetched (404" in run.stderr
    assert reason in run.stderr
    assert "set source to `sample`" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "run/raw/openorca").exists()


@pytest.mark.fault("a dataset and a revision that the hub does not have", "refused before anything is fetched")
def test_datasets_that_the_hub_does_not_have_are_refused_with_the_parameters(hub: Hub, tmp_path: Path) -> None:
    checked = ("stages.check_parameters", "target=checked.txt")
    assert run_stage(hub, tmp_path / "good", *checked).returncode == 0
    asked = [request.partition("/revision/")[0] for request in hub.requests if "/revision/" in request]
    assert asked == [f"GET /api/{repo}" for repo in (ED, GUANACO, ORCA)]
    hub.repos[GUANACO] = {"other": tmp_path / "served/guanaco"}
    del hub.repos[ORCA]
    done = run_stage(hub, tmp_path / "bad", *checked)
    assert done.returncode == 1
    assert "set corpora.openassistant_guanaco.revision to one that timdettmers/openassistant-guanaco has" in done.stderr
    assert f"{hub.url}/{ORCA} could not be fetched (404" in done.stderr
    assert "; correct corpora.openorca.repo, or where Open-Orca/OpenOrca is not public run `hf auth l" in done.stderr
    assert not (tmp_path / "bad/checked.txt").exists()
    assert not [request for request in hub.requests if "/api/" not in request]


@pytest.mark.fault("a dataset of the hub for those with access alone", "refused before anything is fetched")
def test_a_gated_dataset_is_refused_beforehand_unless_the_token_opens_it(hub: Hub, tmp_path: Path) -> None:
    hub.gated[ORCA] = "hf_mine"
    checked = ("stages.check_parameters", "target=checked.txt")
    for environment in ({}, {"HF_TOKEN": "hf_other"}):
        done = run_stage(hub, tmp_path / "closed", *checked, **environment)
        assert done.returncode == 1
        assert f"; ask for access at {hub.url}/{ORCA}, then run `hf auth login`" in done.stderr
    opened = run_stage(hub, tmp_path / "open", *checked, HF_TOKEN="hf_mine")
    assert opened.returncode == 0, opened.stderr
    assert not [request for request in hub.requests if request.startswith("GET") and "/api/" not in request]


@pytest.mark.fault("a revision of the hub without one of a corpus' files", "refused before anything is fetched")
def test_a_file_that_a_revision_lacks_is_named_beforehand(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "served/ed/default/test/0000.parquet").unlink()
    done = run_stage(hub, tmp_path / "run", "stages.check_parameters", "target=checked.txt")
    assert done.returncode == 1
    lacks = "set corpora.empathetic_dialogues.revision to one at which facebook/empathetic_dialogues has"
    assert f"{lacks} default/test/0000.parquet, for it has none at 'refs/convert/parquet'" in done.stderr
    assert not [request for request in hub.requests if request.startswith("GET") and "/api/" not in request]


@pytest.mark.fault("a second part of a split on the hub", "refused beforehand, and where it is downloaded")
def test_a_second_part_of_a_split_is_not_lost(hub: Hub, tmp_path: Path) -> None:
    first = tmp_path / "served/ed/default/train/0000.parquet"
    shutil.copyfile(first, first.with_name("0001.parquet"))
    refused = (
        f"{hub.url}/{ED} (revision refs/convert/parquet) has default/train/0001.parquet, a second part of a split, and "
        "only 0000.parquet is read; set corpora.empathetic_dialogues.revision to one with whole splits, or join all"
    )
    done = run_stage(hub, tmp_path / "checked", "stages.check_parameters", "target=checked.txt")
    assert (done.returncode, refused in done.stderr) == (1, True), done.stderr
    hub.requests.clear()
    run = stage(hub, tmp_path / "run", "empathetic_dialogues")
    assert (run.returncode, refused in run.stderr) == (1, True), run.stderr
    assert len([request for request in hub.requests if "/revision/" in request]) == 1
    assert not (tmp_path / "run/raw/empathetic_dialogues").exists()


def test_without_the_network_it_is_said_that_further_parts_are_not_seen(hub: Hub, tmp_path: Path) -> None:
    assert stage(hub, tmp_path / "run", "empathetic_dialogues").returncode == 0
    offline = stage(hub, tmp_path / "run", "empathetic_dialogues", HF_HUB_OFFLINE="1")
    assert offline.returncode == 0, offline.stderr
    assert f"{hub.url}/{ED}: not listed (" in offline.stderr
    assert "further parts of its files are seen only if they are in the cache" in offline.stderr
    (cached,) = (tmp_path / "run/cache").glob("**/snapshots/*/default/train/0000.parquet")
    shutil.copyfile(cached, cached.with_name("0001.parquet"))
    again = stage(hub, tmp_path / "run", "empathetic_dialogues", HF_HUB_OFFLINE="1")
    assert again.returncode == 1
    assert "has default/train/0001.parquet, a second part of a split" in again.stderr


def test_licences_are_those_of_the_places_in_params_yaml_alone(hub: Hub, tmp_path: Path) -> None:
    """Who publishes something else under a name of their own may do so under another licence."""
    for name, entry in PUBLISHED.items():
        assert record_of(name).place == (entry.repo if isinstance(entry, HubDataset) else entry.url)
    hub.repos["datasets/me/orca"] = hub.repos[ORCA]
    (tmp_path / "run").mkdir()
    changed(tmp_path / "run", ("corpora.openorca.repo", "me/orca"), ("source", "hub"))
    done = stage(hub, tmp_path / "run", "openorca")
    assert done.returncode == 0, done.stderr
    assert manifest(tmp_path / "run/raw/openorca")["licence"] is None
    fetch_pec(hub, tmp_path / "pec", None)
    assert manifest(tmp_path / "pec")["licence"] is None


def test_datasets_of_a_hub_that_does_not_answer_are_left_for_the_download(tmp_path: Path) -> None:
    out_of_reach = Hub(url="http://127.0.0.1:9")
    done = run_stage(out_of_reach, tmp_path / "run", "stages.check_parameters", "target=checked.txt")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("offline", ["1", pytest.param("0", marks=pytest.mark.slow)])
@pytest.mark.fault("no network", "address, reason and a way on in one sentence")
def test_no_network(tmp_path: Path, offline: str) -> None:
    """The client itself tries for some twenty seconds, unless it is told to stay offline."""
    run = stage(Hub(url="http://127.0.0.1:9"), tmp_path / "run", "openorca", HF_HUB_OFFLINE=offline)
    assert run.returncode == 1
    assert "error: http://127.0.0.1:9/datasets/Open-Orca/OpenOrca/resolve/" in run.stderr
    assert "set source to `sample`" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.slow
@pytest.mark.fault("a connection to the hub that breaks every time", "address and reason in one sentence")
def test_a_connection_that_breaks_every_time(hub: Hub, tmp_path: Path) -> None:
    """The client tries again for some five seconds."""
    hub.cut.add(f"/{ORCA}/resolve/{revision_of('openorca')}/1M-GPT4-Augmented.parquet")
    run = stage(hub, tmp_path / "run", "openorca")
    assert run.returncode == 1
    assert "could not be fetched (peer closed connection" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.fault("a damaged file on the hub", "named by its place on the hub")
def test_a_damaged_file_is_named_by_its_place_on_the_hub(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "served/orca/1M-GPT4-Augmented.parquet").write_bytes(b"PAR1 and no more")
    run = stage(hub, tmp_path / "run", "openorca")
    assert run.returncode == 1
    assert f"error: {hub.url}/{ORCA}/1M-GPT4-Augmented.parquet, after row 0: not a complete parquet" in run.stderr
    assert list((tmp_path / "run/raw").iterdir()) == []


@pytest.fixture
def few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "WAITS", (0.0, 0.0))


def fetch_pec(hub: Hub, target: Path, sha: str | None, path: str = "/files/hf_pec.zip") -> None:
    fetch(record_of("pec"), "hub", target, Archive(url=hub.url + path, sha256=sha), "error", seed=1)


def test_pec_is_checked_and_unpacked(hub: Hub, tmp_path: Path) -> None:
    digest = sha256(tmp_path / "served/hf_pec.zip")
    fetch_pec(hub, tmp_path / "raw", digest)
    fetch_pec(hub, tmp_path / "unchecked", None)
    found = manifest(tmp_path / "raw")
    assert found == manifest(tmp_path / "unchecked")
    assert found["revision"] == f"sha256:{digest}"
    assert found["url"] == f"{hub.url}/files/hf_pec.zip"
    assert [file["rows"] for file in found["files"]] == [2, 1, 1, 1] * 2
    assert only_files(tmp_path / "raw") == sorted([*(file["path"] for file in found["files"]), "manifest.json"])


SIGNED = "/files/hf_pec.zip?X-Amz-Signature=secret"


@pytest.mark.fault("a signature in an archive's address", "neither printed nor recorded")
def test_the_signature_of_an_address_is_neither_printed_nor_recorded(
    hub: Hub, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fetch_pec(hub, tmp_path / "raw", None, SIGNED)
    assert manifest(tmp_path / "raw")["url"] == f"{hub.url}/files/hf_pec.zip"
    messages = [capfd.readouterr().err]
    assert f"fetching pec: {hub.url}/files/hf_pec.zip\n" in messages[0]
    for path, sha in ((SIGNED, "0" * 64), (SIGNED.replace("hf_pec", "gone"), None)):
        with pytest.raises(AttuneError, match=rf"^{hub.url}/files/\w+\.zip ") as raised:
            fetch_pec(hub, tmp_path / "none", sha, path)
        messages.append(str(raised.value))
    assert not [message for message in messages if "secret" in message]


@pytest.mark.fault("a password in HF_ENDPOINT", "not printed")
def test_a_password_in_the_hub_s_address_is_not_printed(hub: Hub, tmp_path: Path) -> None:
    del hub.repos[ORCA]
    run = stage(hub, tmp_path / "run", "openorca", HF_ENDPOINT=hub.url.replace("//", "//me:secret@"))
    assert f"error: {hub.url}/{ORCA}/resolve/" in run.stderr
    assert "secret" not in run.stderr


@pytest.mark.fault("an archive of another sha256", "refused with both hashes")
def test_pec_with_another_hash(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=rf"hf_pec\.zip has sha256 [0-9a-f]{{64}}; .* expects {'0' * 64}"):
        fetch_pec(hub, tmp_path / "raw", "0" * 64)
    assert not (tmp_path / "raw").exists()


@pytest.mark.usefixtures("few_tries")
@pytest.mark.fault("a connection cut in mid-archive", "nothing is kept; address and reason in one sentence")
def test_pec_cut_on_the_way(hub: Hub, tmp_path: Path) -> None:
    hub.cut.add("/files/hf_pec.zip")
    with pytest.raises(AttuneError, match=r"files/hf_pec\.zip could not be fetched \(the connection was cut after"):
        fetch_pec(hub, tmp_path / "raw", None)
    assert not (tmp_path / "raw").exists()


def test_pec_not_there(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"/gone\.zip could not be fetched \(HTTP Error 404.*`sample`"):
        fetch_pec(hub, tmp_path / "raw", None, "/gone.zip")


@pytest.mark.usefixtures("few_tries")
def test_pec_without_a_network(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"^http://127\.0\.0\.1:9/files/hf_pec\.zip could not be fetched"):
        fetch_pec(Hub(url="http://127.0.0.1:9"), tmp_path / "raw", None)


@pytest.mark.fault("an archive's address that is a local file", "refused")
def test_pec_from_another_kind_of_address(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"corpora\.pec\.url = 'file:///etc/passwd' must begin with https://"):
        fetch_pec(Hub(url="file://"), tmp_path / "raw", None, "/etc/passwd")
