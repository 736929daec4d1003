import shutil
from pathlib import Path
from typing import Any

import pytest

from attune.core.files import read_json, sha256, write_json, write_parquet
from attune.corpora import CORPORA, record_of
from attune.corpora.own import OWN_DATA
from attune.export.croissant import main
from attune.sources.manifest import Origin, build
from tests.project import ROOT


def cell(kind: str, number: int) -> Any:
    single = number if "int32" in kind else f"text {number}"
    return [single, single] if kind.startswith("list") else single


def write(folder: Path) -> Path:
    """Two rows of every corpus, in the files that the pipeline writes, and manifests with and without an address."""
    for record in CORPORA.values():
        for name in {"test", record.train_rows.removesuffix(".parquet")}:
            rows = [{column: cell(kind, at) for column, kind in record.schemas.row_columns.items()} for at in range(2)]
            write_parquet(folder / "processed" / record.name / f"{name}.parquet", rows, record.schemas.rows)
        if record.schemas.candidate_columns:
            rows = [{column: cell(kind, 0) for column, kind in record.schemas.candidate_columns.items()}]
            path = folder / "processed" / record.name / "candidates" / "happy.parquet"
            write_parquet(path, rows, record.schemas.candidates)
        raw = folder / "raw" / record.name
        raw.mkdir(parents=True)
        (raw / "a.txt").write_text("hello\n")
        url = None if record.ranked else "https://example.org/data"
        origin = Origin("sample", None, licence="MIT", url=url, notice="Made up.")
        write_json(raw / "manifest.json", build(record.name, raw, origin, {"a.txt": 1}, bad_rows=0))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path)


def describe(folder: Path) -> None:
    words = ("--raw", folder / "raw", "--processed", folder / "processed", "--target", folder / "metadata")
    main(list(map(str, words)))


def test_the_columns_of_candidates_are_their_own(folder: Path) -> None:
    describe(folder)
    ranked = next(record for record in CORPORA.values() if record.ranked)
    records = {each["name"]: each for each in read_json(folder / "metadata" / f"{ranked.name}.json")["recordSet"]}
    for name, columns in (
        ("candidates/happy", ranked.schemas.candidate_columns),
        ("test", ranked.schemas.row_columns),
    ):
        assert [field["name"] for field in records[name]["field"]] == [*columns]
    assert [*ranked.schemas.candidate_columns] != [*ranked.schemas.row_columns]


def test_mlcroissant_validates_each_description_and_reads_the_rows(folder: Path) -> None:
    import mlcroissant

    describe(folder)
    for record in CORPORA.values():
        dataset = mlcroissant.Dataset(jsonld=folder / "metadata" / f"{record.name}.json")
        issues = dataset.metadata.ctx.issues
        assert (issues.errors, issues.warnings) == (set(), set())
        name = record.train_rows.removesuffix(".parquet")
        rows = list(dataset.records(name))
        assert len(rows) == 2
        for column, kind in record.schemas.row_columns.items():
            value = rows[1][f"{name}/{column}"]
            values = list(value) if kind.startswith("list") else [value]
            plain = [each.decode() if isinstance(each, bytes) else each for each in values]
            expected = cell(kind, 1)
            assert plain == (expected if kind.startswith("list") else [expected]), column


def test_files_have_their_checksums_and_what_is_unknown_is_left_out(folder: Path) -> None:
    describe(folder)
    for record in CORPORA.values():
        described = read_json(folder / "metadata" / f"{record.name}.json")
        assert ("url" in described) == (not record.ranked)
        assert described["license"] == "MIT"
        assert "Made up." in described["description"]
        for file in described["distribution"]:
            assert file["sha256"] == sha256(folder / "metadata" / file["contentUrl"])
        names = {each["@id"] for each in described["recordSet"]}
        assert ("candidates/happy" in names) == bool(record.schemas.candidate_columns)


def test_version_date_and_citation_are_those_of_the_citation_file(folder: Path) -> None:
    cited = (ROOT / "CITATION.cff").read_text()
    describe(folder)
    described = read_json(folder / "metadata" / "pec.json")
    for key, name in (("version", "version"), ("date-released", "datePublished")):
        assert f"\n{key}: {described[name]}\n" in cited
    assert described["citeAs"].startswith("@software{attune, author = {{The Attune maintainers}}, title = {{Attune: ")
    assert "year = {2026}" in described["citeAs"]


def test_a_revision_is_told_and_an_unknown_licence_is_not_made_up(folder: Path) -> None:
    manifest = folder / "raw" / "pec" / "manifest.json"
    write_json(manifest, read_json(manifest) | {"licence": None, "revision": "refs/convert/parquet"})
    describe(folder)
    described = read_json(folder / "metadata" / "pec.json")
    assert "license" not in described
    assert "Revision: refs/convert/parquet." in described["description"]


def test_missing_rows_and_manifests_name_the_stage(folder: Path) -> None:
    first, *_ = CORPORA
    for path in (folder / "processed" / first).rglob("*.parquet"):
        path.unlink()
    with pytest.raises(SystemExit, match="holds no processed rows; `dvc repro preprocess` writes them"):
        describe(folder)
    for path in (folder / "raw").rglob("manifest.json"):
        path.unlink()
    with pytest.raises(
        SystemExit, match=r"raw holds no corpus with a manifest\.json; `dvc repro download` writes them"
    ):
        describe(folder)


def test_the_corpora_that_there_are_are_described(folder: Path) -> None:
    """One that was taken out, one of one's own, labels, and what an experiment left; of the last two are no rows."""
    own, labels = record_of("mine"), record_of("epitome")
    (folder / "raw" / "openorca").rename(folder / "raw" / own.name)
    manifest = folder / "raw" / own.name / "manifest.json"
    write_json(manifest, read_json(manifest) | {"corpus": own.name, "notice": f"{OWN_DATA}, a.csv"})
    rows = [{column: cell(kind, 0) for column, kind in own.schemas.row_columns.items()}]
    write_parquet(folder / "processed" / own.name / "train.parquet", rows, own.schemas.rows)
    for left in (labels.name, "left_by_an_experiment"):
        shutil.copytree(folder / "raw" / own.name, folder / "raw" / left)
    describe(folder)
    names = {"empathetic_dialogues", "mine", "openassistant_guanaco", "pec"}
    assert {path.stem for path in (folder / "metadata").iterdir()} == names
    described = read_json(folder / "metadata" / "mine.json")
    assert described["description"].startswith("Rows that Attune made of mine (source: sample): one per reply")
    assert [each["name"] for each in described["recordSet"][0]["field"]] == list(own.schemas.row_columns)
