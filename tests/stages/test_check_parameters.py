import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.sources.origins import OUTPUTS
from attune.sources.sample import sample_of
from attune.sources.sample.sizes import SURE
from stages.check_parameters import main
from tests.forked import python
from tests.generators.tiny import llama, saved
from tests.project import ROOT, changed, read
from tests.stages.running import run
from tests.tools.made_up import environment, initialise
from tools.deps import FILES

VALUES = read()
STAGE = ("stages.check_parameters", "target=data/checked.txt")


def test_the_same_is_written_for_all_parameters_so_that_no_other_stage_reruns(tmp_path: Path) -> None:
    written = []
    for change in (("lr", 3e-5), ("seed", 14)):
        changed(tmp_path, change)
        done = run(tmp_path, *STAGE)
        assert done.returncode == 0, done.stderr
        written.append((tmp_path / "data/checked.txt").read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("lr", "fast", "params.yaml: lr = 'fast': input should be a valid number"),
        ("lrr", 1, "unknown key lrr = 1"),
        ("source", "nowhere", "source = 'nowhere' is neither `sample` nor `hub` nor a directory"),
        ("source", ".", "pec is missing; source = '.' must hold pec/"),
        ("encoder", "/nowhere", "the model directory /nowhere does not exist"),
        ("bases.smollm2.model", ".", "has no config.json"),
        ("bases.smollm2.model", "a/b/c", "the model 'a/b/c' could not be fetched from the hub; check the id"),
        (
            "corpora.epitome",
            {"path": "/nowhere"},
            "corpora.epitome.path = '/nowhere' is no folder; it must be one with",
        ),
        ("generators.full.corpus", "epitome", "generators.full.corpus = 'epitome' has labels, and no conversations"),
        (
            "generators.lora_openorca.rows",
            "processed/openassistant_guanaco",
            "'processed/openassistant_guanaco' has no rows of corpus = 'openorca'; it must be processed/openorca",
        ),
        (
            "generators.full.rows",
            "processed/openorca",
            "it must be processed/empathetic_dialogues or passages/empathetic_dialogues",
        ),
        (
            "generators.lora_openorca",
            VALUES["generators"]["lora_openorca"] | {"rows": "passages/openorca", "passage_tokens": 96},
            "corpus = 'openorca' (openorca has no passages); it must be processed/openorca",
        ),
        (
            "generators.full.passage_tokens",
            9,
            "passage_tokens = 9 with rows: processed/empathetic_dialogues; it must be above 0 with rows in passages/",
        ),
        ("generators.rag.passage_tokens", 0, "passage_tokens = 0 with rows: passages/empathetic_dialogues; it must be"),
        (
            "generators.lora_openorca.rows",
            "passages/openorca",
            "corpus = 'openorca' (openorca has no passages); it must be processed/openorca",
        ),
        (
            "generators.full.persona_tokens",
            32,
            "generators.full.persona_tokens = 32, but empathetic_dialogues has no personas; set it to 0",
        ),
        (
            "generators.full.frozen_layers",
            30,
            "generators.full.frozen_layers = 30, but the base smollm2 has 30 layers, and one at least must train",
        ),
        (
            "generators.prompt_tuning.max_length",
            8185,
            "generators.prompt_tuning: max_length = 8185 and passage_tokens = 0 need 8185 positions, but the base "
            "smollm2 has 8184 beside its virtual tokens; lower them",
        ),
        ("generators.persona.rows", "processed/pec", "a subset and a domain, such as processed/pec/large/all"),
        ("generators.persona.rows", "processed/pec/large/sad", "rows = 'processed/pec/large/sad' has no rows of cor"),
        (
            "corpora.empathetic_dialogues.cap",
            5,
            "corpora.empathetic_dialogues.cap = 5 leaves 4 conversation(s) to train on, and the emotion probe needs 5",
        ),
        ("corpora.pec.cap", 100, "corpora.pec.cap does nothing: `subsets` says how many conversations are kept"),
        (
            "corpora",
            {name: entry for name, entry in VALUES["corpora"].items() if name != "pec"},
            "the key corpora.pec is missing; stages need that corpus",
        ),
        (
            "corpora",
            {name: entry for name, entry in VALUES["corpora"].items() if name != "empathetic_dialogues"},
            "the key corpora.empathetic_dialogues is missing",
        ),
    ],
)
def test_wrong_parameters_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: object, message: str
) -> None:
    changed(tmp_path, (key, value))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AttuneError) as raised:
        main(target=Path("data/checked.txt"))
    assert message in str(raised.value)
    assert not Path("data").exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"frozen_layers": 1, "max_length": 64}, None),
        ({"frozen_layers": 2, "max_length": 64}, "generators.full.frozen_layers = 2, but the base own has 2 layers"),
        (
            {"frozen_layers": 0.5, "max_length": 65},
            "generators.full: max_length = 65 and passage_tokens = 0 need 65",
        ),
        ({"frozen_layers": 99, "max_length": 64, "base": "hub"}, None),
        (
            {"max_length": 64, "longest": 49},
            "generation.max_new_tokens = 49, but the base own of generators.full has 64 positions beside",
        ),
        ({"max_length": 64, "longest": 4800, "base": "hub"}, None),
    ],
)
def test_a_generator_is_held_to_the_size_of_a_base_in_a_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, object], message: str | None
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # the hub has no such model
    monkeypatch.chdir(tmp_path)
    saved(llama(), tmp_path / "own")
    bases = VALUES["bases"] | {"own": {"model": "./own"}, "hub": {"model": "somebody/large"}}
    full = VALUES["generators"]["full"] | {"base": "own"} | values
    longest = full.pop("longest", 48)
    changed(tmp_path, ("bases", bases), ("generators.full", full), ("generation.max_new_tokens", longest))
    with nullcontext() if message is None else pytest.raises(AttuneError, match=re.escape(message)):
        main(target=Path("checked.txt"))
    assert Path("checked.txt").exists() is (message is None)


@pytest.mark.parametrize(
    ("positions", "virtual", "message"),
    [
        (
            64,
            20,
            "generation.max_new_tokens = 49, but the base own of generators.prompt_tuning has 44 positions beside its "
            "virtual tokens, and a prompt needs 16; lower it to 28",
        ),
        (
            36,
            20,
            "the base own of generators.prompt_tuning has 16 positions beside its virtual tokens, and a prompt and a "
            "reply need 17 at least; lower generators.prompt_tuning.virtual_tokens, or name a model with more",
        ),
        (
            16,
            0,
            "the base own of generators.full has 16 positions beside its virtual tokens, and a prompt and a reply "
            "need 17 at least; name a model with more positions in bases.own.model",
        ),
    ],
)
def test_a_base_with_too_few_positions_for_replies_is_said_once_with_what_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, positions: int, virtual: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    config = saved(llama(), tmp_path / "own") / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"max_position_embeddings": positions}))
    small = {"base": "own", "max_length": 16}
    changes = [(f"generators.{name}.{key}", value) for name in ("full", "lora_guanaco") for key, value in small.items()]
    tuned = small | {"virtual_tokens": virtual}
    changes += [(f"generators.prompt_tuning.{key}", value) for key, value in tuned.items() if virtual]
    bases = VALUES["bases"] | {"own": {"model": "./own"}}
    changed(tmp_path, ("bases", bases), ("generation.max_new_tokens", 49), *changes)
    with pytest.raises(AttuneError) as raised:
        main(target=Path("checked.txt"))
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"params.yaml: {message}")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """A folder here that this process may not read, not even as root, which becomes another user for that time."""
    folder.mkdir()
    folder.chmod(0)
    root = not os.geteuid()
    if root:
        Path.cwd().chmod(0o755)
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("encoder", "locked", "encoder: this user may not read locked"),
        ("encoder", "locked/m", "encoder: this user may not read locked/m"),
        ("index.embedder", "./locked", "index.embedder: this user may not read locked"),
        ("bases.smollm2.model", "locked", "bases.smollm2.model: this user may not read locked"),
        ("source", "locked", "source: this user may not read locked/pec"),
        ("corpora.mine", {"path": "locked/rows.csv"}, "corpora.mine: this user may not read locked/rows.csv"),
    ],
)
@pytest.mark.fault("no permission to read what {key} names", "refused with the key")
def test_what_may_not_be_read_is_refused_with_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: object, message: str
) -> None:
    changed(tmp_path, (key, value))
    monkeypatch.chdir(tmp_path)
    with locked(Path("locked")), pytest.raises(AttuneError) as raised:
        main(target=Path("checked.txt"))
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"params.yaml: {message}")
    assert line.endswith("; allow it (chmod -R u+rX), or name another")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One's own file or model in each place where it may lie, or may not."""
    monkeypatch.chdir(tmp_path)
    for name in ("data/raw/mine", "data/raw/pec", "data/mine", "models/base", "models/mine", "apart"):
        Path(name).mkdir(parents=True)
        Path(name, "posts.csv").write_text("q,a\nhi,yo\n")
    Path("link").symlink_to("data/raw")
    Path("data/raw/out.csv").symlink_to(tmp_path / "apart/posts.csv")
    Path("models/cobert").symlink_to(tmp_path / "apart")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "corpora.mine",
            {"path": "data/raw/mine/posts.csv"},
            "corpora.mine.path: data/raw/mine/posts.csv lies in data/r",
        ),
        (
            "corpora.mine",
            {"path": "data/mine/../raw/mine/posts.csv"},
            "lies in data/raw/, where DVC deletes what there is",
        ),
        ("corpora.mine", {"path": "link/mine/posts.csv"}, "corpora.mine.path: link/mine/posts.csv lies in data/raw/"),
        ("corpora.mine", {"path": "data/raw/out.csv"}, "corpora.mine.path: data/raw/out.csv lies in data/raw/"),
        ("corpora.mine", {"path": "apart/posts.csv"}, "corpora.mine.path: apart/posts.csv lies in models/cobert/"),
        ("corpora.epitome", {"path": "data"}, "corpora.epitome.path: data holds data/origins/, where DVC"),
        (
            "source",
            "data/raw",
            "source: data/raw/pec lies in data/raw/, where DVC deletes what there is before a stage",
        ),
        ("encoder", "models/base", "encoder: models/base lies in models/base/, where DVC"),
        ("index.embedder", "./models", "index.embedder: ./models holds models/base/"),
        ("bases.smollm2.model", "./link/mine", "bases.smollm2.model: ./link/mine lies in data/raw/"),
    ],
)
@pytest.mark.fault("one's own data or model where a stage writes ({key})", "refused before DVC deletes it")
@pytest.mark.usefixtures("places")
def test_what_lies_where_a_stage_writes_is_refused(key: str, value: object, message: str) -> None:
    changed(Path.cwd(), (key, value))
    with pytest.raises(AttuneError) as raised:
        main(target=Path("checked.txt"))
    (line,) = [each for each in str(raised.value).splitlines() if "move it to another folder" in each]
    assert line.startswith("params.yaml: ")
    assert message in line


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("corpora.mine", {"path": "data/mine/posts.csv"}),
        ("corpora.mine", {"path": "data/raw/../mine/posts.csv"}),
        ("corpora.mine", {"path": "~/data/raw/mine/posts.csv"}),
        ("corpora.mine", {"path": "a\0b"}),
        ("source", "data"),
        ("source", "."),
        ("encoder", "models/mine"),
        ("bases.smollm2.model", "somebody/models"),
    ],
)
@pytest.mark.usefixtures("places")
def test_what_lies_elsewhere_is_not_refused_for_its_place(key: str, value: object) -> None:
    changed(Path.cwd(), (key, value), ("lr", "fast"))
    with pytest.raises(AttuneError, match="lr = 'fast'") as raised:
        main(target=Path("checked.txt"))
    assert "DVC" not in str(raised.value)


def test_dvc_stops_before_it_deletes_what_lies_where_a_stage_writes(tmp_path: Path) -> None:
    for name in ("dvc.yaml", "attune", "stages", "studies"):
        (tmp_path / name).symlink_to(ROOT / name)
    initialise(tmp_path)
    corpus, model = tmp_path / "data/raw/mine/posts.csv", tmp_path / "models/base/mine"
    corpus.parent.mkdir(parents=True)
    corpus.write_text("q,a\n" + "".join(f"I lost {number}.,Oh no!\n" for number in range(20)))
    saved(llama(), model)
    entry = {"path": "data/raw/mine/posts.csv", "columns": {"context": "q", "response": "a"}}
    changed(tmp_path, ("corpora.mine", entry), ("bases.mine", {"model": "models/base/mine"}))
    files = sorted(model.iterdir())
    words = ("--keep-going", "download@mine", "base_models@mine")  # it runs what needs no stage that fails
    done = python("dvc", "-m", "dvc", "repro", *words, cwd=tmp_path, env=environment())
    assert done.returncode
    assert "params.yaml: corpora.mine.path: data/raw/mine/posts.csv lies in data/raw/" in done.stderr
    assert "params.yaml: bases.mine.model: models/base/mine lies in models/base/" in done.stderr
    assert corpus.is_file()
    assert sorted(model.iterdir()) == files


def test_every_output_of_a_stage_is_where_no_origin_may_be() -> None:
    bodies = [stage.get("do", stage) for file in FILES for stage in read(ROOT / file)["stages"].values()]
    outs = [next(iter(out)) if isinstance(out, dict) else out for body in bodies for out in body["outs"]]
    assert outs.count("data/params_checked.txt") == 1
    apart = [out for out in outs if out != "data/params_checked.txt"]
    assert {next((each for each in OUTPUTS if f"{out}/".startswith(f"{each}/")), out) for out in apart} == {*OUTPUTS}


def test_what_params_yaml_names_is_checked_beside_its_values(tmp_path: Path) -> None:
    changed(tmp_path, ("lr", "fast"), ("lrr", 1), ("source", "nowhere"), ("encoder", "/nowhere"))
    done = run(tmp_path, *STAGE)
    assert done.returncode == 1
    assert done.stderr.startswith("error: params.yaml: ")
    assert done.stderr.count("params.yaml: ") == 4
    assert "Traceback" not in done.stderr
    for part in ("lr = 'fast'", "unknown key lrr", "source = 'nowhere'", "directory /nowhere does not exist"):
        assert done.stderr.count(part) == 1


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://host/pec.zip", False),
        ("https://host/pec.zip?X-Signature=abc", True),
        ("https://me:abc@host/pec.zip", True),
    ],
)
def test_an_address_with_what_may_be_secret_is_told_to_be_recorded(
    url: str, told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(tmp_path, ("corpora.pec.url", url))
    monkeypatch.chdir(tmp_path)
    main(target=Path("checked.txt"))
    printed = capsys.readouterr().out
    assert ("warning: corpora.pec.url" in printed) == ("dvc.lock record it" in printed) == told
    assert "abc" not in printed


@pytest.fixture
def drawn_once(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample of PEC, which takes seconds to write, is the one that `stages.download` has written."""

    def write(raw: Path, seed: int) -> None:
        assert seed == VALUES["seed"]
        shutil.copytree(sample / "raw/pec", raw, dirs_exist_ok=True)

    drawn = replace(sample_of("pec"), write=write)
    monkeypatch.setattr("attune.sources.sample.sizes.sample_of", {"pec": drawn}.__getitem__)


@pytest.mark.slow
@pytest.mark.usefixtures("drawn_once")
@pytest.mark.fault("sizes that the sample does not have", "refused before anything starts")
def test_sizes_are_refused_where_the_sample_is_smaller_and_not_where_it_has_just_as_many(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"train": "train", "evaluate": "test"}
    fewest = {
        size: min(_conversations(sample, domain, file) for domain in ("happy", "offmychest"))
        for size, file in files.items()
    }
    most = [(f"subsets.large.{size}", count) for size, count in fewest.items()]
    changed(tmp_path, *most)
    main(target=Path("checked.txt"))
    for size, count in fewest.items():
        changed(tmp_path, (f"subsets.large.{size}", count + 1))
        few = rf"pec has .*{count} to {files[size]} on.* in its smallest .*'subsets\.large=\{{.*{size}: {count}[,}}]"
        with pytest.raises(AttuneError, match=few):
            main(target=Path("checked.txt"))
    monkeypatch.setattr("attune.sources.sample.sizes.sample_of", None)  # what is surely there is not drawn
    changed(tmp_path, *((f"subsets.large.{size}", SURE[file]) for size, file in files.items()))
    main(target=Path("checked.txt"))


def test_what_the_sample_surely_has_it_has(sample: Path) -> None:
    for split, count in SURE.items():
        assert min(_conversations(sample, domain, split) for domain in ("happy", "offmychest")) > count


def _conversations(sample: Path, domain: str, split: str) -> int:
    return (sample / "raw/pec/hf_pec" / domain / f"{split}.txt").read_text().splitlines().count("*" * 20)
