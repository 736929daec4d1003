import json
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from attune.core.errors import AttuneError
from attune.core.files import read_json, read_parquet, sha256
from attune.corpora import record_of
from attune.corpora.base import Sampling
from attune.corpora.redrawing import redrawn, redrawn_train
from stages import download
from stages.subset import main
from tests.project import changed, read
from tests.sources.corpora_by_hand import write
from tests.stages.running import data

CAPS = {"pec": None, "empathetic_dialogues": 10_000}


def ids(paths: Iterable[Path], key: str) -> list[set[str]]:
    return [{row[key] for row in read_parquet(path)} for path in paths]


def test_pec_has_the_subsets_sizes_and_small_inside_large(sample: Path) -> None:
    root = sample / "subset" / "pec"
    for domain in ("all", "happy", "offmychest"):
        for split, (large, small) in {"train": (500, 100), "valid": (100, 20), "test": (100, 20)}.items():
            inner, outer = ids([root / size / domain / f"{split}.parquet" for size in ("small", "large")], "id")
            assert (len(inner), len(outer)) == (small, large)
            assert inner < outer


def test_no_conversation_is_in_two_splits(sample: Path) -> None:
    for name in ("empathetic_dialogues", "openassistant_guanaco", "openorca"):
        files = [sample / "processed" / name / f"{split}.parquet" for split in ("train", "test")]
        train, test = ids(files, record_of(name).key)
        assert not train & test
        assert 0.18 < len(test) / len(train | test) < 0.22
    for size in ("large", "small"):
        for domain in ("all", "happy", "offmychest"):
            folder = sample / "processed" / "pec" / size / domain
            train, valid, test = ids([folder / f"{split}.parquet" for split in ("train", "valid", "test")], "id")
            assert len(train | valid | test) == len(train) + len(valid) + len(test)


@pytest.mark.slow
def test_the_same_parameters_give_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    changed(tmp_path)
    again = data(tmp_path)
    for path in sorted(sample.rglob("*")):
        if path.is_file():
            assert sha256(again / path.relative_to(sample)) == sha256(path), path


def test_another_draw_is_what_the_stages_would_write_with_its_seed(sample: Path) -> None:
    sizes, drawn = {"small": {"train": 100, "valid": 20, "test": 20}}, read()["seed"]
    for name, place in (("pec", "small/happy"), ("empathetic_dialogues", "")):
        files = {split: f"{place}/{split}".strip("/") for split in ("train", "test")}
        draws = {
            seed: redrawn(record_of(name), sample / "raw" / name, Sampling(seed, CAPS[name], 0.2, sizes), True, files)
            for seed in (drawn, drawn + 1)
        }
        written = {
            split: read_parquet(sample / "processed" / name / f"{file}.parquet") for split, file in files.items()
        }
        assert draws[drawn] == written
        assert draws[drawn + 1]["train"] != written["train"]
        key = record_of(name).key
        assert not {row[key] for row in draws[drawn + 1]["train"]} & {row[key] for row in draws[drawn + 1]["test"]}


@pytest.mark.parametrize("name", ["empathetic_dialogues", "openassistant_guanaco", "openorca"])
def test_another_draw_trains_on_no_opening_that_the_main_job_tests(sample: Path, name: str) -> None:
    record, main_seed = record_of(name), read()["seed"]
    files = {split: split for split in ("train", "test")}
    words = record, sample / "raw" / name, Sampling(main_seed + 1, 10_000, 0.2, {}), True, files
    drawn, rows = redrawn(*words)["train"], redrawn_train(*words, main_seed)
    parts = {split: read_parquet(sample / "subset" / name / f"{split}.parquet") for split in files}
    openings = {
        row[record.key]: " ".join(record.opening(row).lower().split()) for part in parts.values() for row in part
    }
    tested = {openings[row[record.key]] for row in parts["test"]}
    assert 0 < len(rows) < len(drawn)
    assert rows == [row for row in drawn if openings[row[record.key]] not in tested]


def test_a_cap_that_leaves_too_little_for_the_emotion_probe_is_refused(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    changed(tmp_path, ("corpora.empathetic_dialogues.cap", 7))
    with pytest.raises(
        AttuneError,
        match=r"has 6 different.*; use more data, a higher corpora\.empathetic_dialogues\.cap, or another .* emotion$",
    ):
        main(corpus="empathetic_dialogues", raw=sample / "raw/empathetic_dialogues", target=Path("out"))
    assert not Path("out").exists()


@pytest.mark.parametrize("name", ["pec", "empathetic_dialogues"])
def test_too_little_in_a_directory_is_told_with_how_more_gets_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    changed(tmp_path, ("source", "mirror"))
    write(name, Path("mirror", name))
    download.main(corpus=name, target=Path("raw"))
    again = "; if you change the source's files for that, run `dvc repro --force download` first"
    with pytest.raises(AttuneError, match=rf"(too few conversations|different opening).*{again}$"):
        main(corpus=name, raw=Path("raw"), target=Path("out"))


@pytest.mark.fault("a small PEC in its published layout", "all sizes that fit are named at once")
def test_a_small_published_corpus_is_told_all_values_that_fit_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    changed(tmp_path, ("source", "mirror"))
    _two_subreddits(Path("mirror/pec/hf_pec"), unknown=0)
    download.main(corpus="pec", target=Path("raw"))
    with pytest.raises(AttuneError, match="5 to train on, 5 to validate on and 5 to test on in its smallest") as raised:
        main(corpus="pec", raw=Path("raw"), target=Path("out"))
    yaml = YAML(typ="safe")
    values = [(key, yaml.load(value)) for key, value in re.findall(r"-S '([\w.]+)=(\{.*?\})'", str(raised.value))]
    assert [key for key, _ in values] == ["subsets.large", "subsets.small"]
    changed(tmp_path, ("source", "mirror"), *values)
    main(corpus="pec", raw=Path("raw"), target=Path("out"))
    for size, split in (("large", "train"), ("small", "test")):
        assert len(read_parquet(Path(f"out/{size}/happy/{split}.parquet"))) == dict(values)[f"subsets.{size}"][split]


def test_a_cap_beside_sizes_is_refused(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    changed(tmp_path, ("corpora.pec.cap", 100))
    with pytest.raises(AttuneError, match=r"corpora\.pec\.cap does nothing: `subsets` says"):
        main(corpus="pec", raw=sample / "raw/pec", target=Path("out"))
    assert not Path("out").exists()


def test_repeated_rows_are_said_to_be_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"q": f"I am {number % 9}.", "a": f"Oh, {number % 9}."} for number in range(12)]
    Path("mine.json").write_text(json.dumps(rows))
    changed(tmp_path, ("corpora.mine", {"path": "mine.json", "columns": {"context": "q", "response": "a"}}))
    download.main(corpus="mine", target=Path("raw"))
    main(corpus="mine", raw=Path("raw"), target=Path("out"))
    assert capsys.readouterr().out.endswith("mine: train 7, test 2; 3 repeated row(s) are left out\n")


@pytest.mark.parametrize("name", ["mine", "pec", "empathetic_dialogues"])
def test_malformed_rows_of_ones_own_are_counted_where_they_are_left_out_and_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [
        {"q": f"I am {n}.", "a": "" if n % 20 == 0 else f"Oh, {n}.", "m": ("sad", "glad")[n % 2]} for n in range(60)
    ]
    Path("mine.json").write_text(json.dumps(rows))
    columns = {"context": "q", "response": "a"} | ({"emotion": "m"} if name == "empathetic_dialogues" else {})
    few = {"train": 2, "valid": 1, "test": 1, "evaluate": None}
    entry = (f"corpora.{name}", {"path": "mine.json", "columns": columns})
    changed(tmp_path, entry, ("on_bad_row", "skip"), ("subsets", {"large": few, "small": few}))
    download.main(corpus=name, target=Path("raw"))
    main(corpus=name, raw=Path("raw"), target=Path("out"))
    counted = [read_json(Path(file))["bad_rows"] for file in ("raw/manifest.json", "out/counts.json")]
    assert counted == [3, 3]


@pytest.mark.parametrize("named", [False, True])
def test_replies_that_train_has_too_are_said_unless_a_column_keeps_them_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], named: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    pairs = [{"q": f"{n}: {at}!", "a": f"{n}: {at + 1}?", "of": n} for n in range(20) for at in range(5)]
    Path("mine.json").write_text(json.dumps(pairs))
    columns = {"context": "q", "response": "a"} | ({"conversation": "of"} if named else {})
    changed(tmp_path, ("corpora.mine", {"path": "mine.json", "columns": columns}))
    download.main(corpus="mine", target=Path("raw"))
    main(corpus="mine", raw=Path("raw"), target=Path("out"))
    said = capsys.readouterr().out.splitlines()
    if named:
        assert said[-1] == "mine: train 80, test 20"
        return
    trained, tested = (read_parquet(Path(f"out/{split}.parquet")) for split in ("train", "test"))
    turns = {turn.rstrip("?!") for row in trained for turn in row["utterances"]}
    count = sum(row["utterances"][-1].rstrip("?!") in turns for row in tested)
    assert said[-2:] == [
        "mine: train 80, test 20",
        f"mine: {count} of 20 test replies stand word for word in train; if rows are parts of longer conversations, "
        "name the column that says of which one: columns.conversation",
    ]


@pytest.mark.parametrize("unknown", [0, 3])
@pytest.mark.parametrize("own", [False, True])
def test_responses_without_a_persona_are_counted_where_there_are_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], own: bool, unknown: int
) -> None:
    monkeypatch.chdir(tmp_path)
    few = {"train": 2, "valid": 1, "test": 1, "evaluate": None}
    changes: list[tuple[str, object]] = [("subsets", {"large": few, "small": few}), ("source", "mirror")]
    if own:
        rows = [{"q": f"I am {n}.", "a": f"Oh, {n}.", "p": "" if n < unknown else "I ski."} for n in range(40)]
        Path("mine.json").write_text(json.dumps(rows))
        columns = {"context": "q", "response": "a", "persona": "p"}
        changes.append(("corpora.pec", {"path": "mine.json", "columns": columns}))
    else:
        _two_subreddits(Path("mirror/pec/hf_pec"), unknown)
    changed(tmp_path, *changes)
    download.main(corpus="pec", target=Path("raw"))
    main(corpus="pec", raw=Path("raw"), target=Path("out"))
    said = [line for line in capsys.readouterr().out.splitlines() if "persona" in line]
    assert said == ([f"pec: {unknown} response(s) are by people without a persona"] if unknown else [])


def _two_subreddits(folder: Path, unknown: int) -> None:
    """Five conversations a split, each with a responder of its own; of all of them `unknown` have no persona."""
    end, number = "*" * 20, 0
    for domain in ("happy", "offmychest"):
        (folder / domain).mkdir(parents=True)
        known = []
        for split in ("train", "valid", "test"):
            blocks = []
            for _ in range(5):
                blocks.append(f"ann ---+--- day {number}\nbob{number} ---+--- oh {number}\n{end}\n")
                known += [f"bob{number}\ni ski .\n{end}\n"] if number >= unknown else []
                number += 1
            (folder / domain / f"{split}.txt").write_text("".join(blocks))
        (folder / domain / "persona.txt").write_text("".join(known))
