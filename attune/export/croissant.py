"""Croissant metadata of the processed corpora: what their files, columns, licence and origin are, as JSON-LD.

`python -m attune.export.croissant --raw FOLDER --processed FOLDER --target FOLDER` writes one file per corpus. The
format is MLCommons' Croissant 1.0 (https://docs.mlcommons.org/croissant/docs/croissant-spec.html), by which dataset
search engines and `mlcroissant` read data. The rows are what Attune makes of a corpus: version, date and citation are
those of CITATION.cff, and the description says where the corpus came from.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from attune.core.environment import print_any_text
from attune.core.errors import AttuneError
from attune.core.files import read_json, sha256, write_json
from attune.corpora import CORPORA, record_of
from attune.corpora.base import Columns, Corpus
from attune.corpora.own import OWN_DATA

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_CITATION = Path(__file__).parents[2] / "CITATION.cff"
_TYPES = {"string": "sc:Text", "int32": "sc:Integer"}


def metadata(record: Corpus, manifest: Mapping[str, Any], folder: Path, at: str) -> dict[str, Any]:
    """The description of a corpus whose processed files are below `folder`.

    manifest: its manifest.json in data/raw. at: the folder's path from where the description is, before each file.

    Raises
    ------
    AttuneError
        if there are no processed files.
    """
    paths = sorted(folder.rglob("*.parquet"))
    if not paths:
        raise AttuneError(f"{folder} holds no processed rows; `dvc repro preprocess` writes them")
    names = {path: path.relative_to(folder).with_suffix("").as_posix() for path in paths}
    # What the manifest does not know is left out: text of the project's own has no address, a directory no licence.
    known = {"url": manifest["url"], "license": manifest["licence"]}
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": f"attune-{record.name.replace('_', '-')}",
        "description": _description(record, manifest),
        **_citation(),
        **{name: value for name, value in known.items() if value},
        "distribution": [_file(path, name, at) for path, name in names.items()],
        "recordSet": [_records(record, name) for name in names.values()],
    }


def _citation() -> dict[str, str]:
    """version, datePublished and citeAs (BibTeX) of CITATION.cff.

    Raises
    ------
    AttuneError
        if the file is missing, as in a copy of the code outside its repository.
    """
    if not _CITATION.is_file():
        raise AttuneError(f"{_CITATION} is missing; version, date and citation of a description come from it")
    cited = YAML(typ="safe", pure=True).load(_CITATION.read_text(encoding="utf-8"))
    released = cited["date-released"]
    fields = {
        "author": " and ".join(f"{{{author['name']}}}" for author in cited["authors"]),
        "title": f"{{{cited['title']}}}",
        "version": cited["version"],
        "year": released.year,
    }
    entry = ", ".join(f"{name} = {{{value}}}" for name, value in fields.items())
    return {
        "version": cited["version"],
        "datePublished": released.isoformat(),
        "citeAs": f"@software{{attune, {entry}}}",
    }


def _description(record: Corpus, manifest: Mapping[str, Any]) -> str:
    notice = manifest["notice"] or ""
    own = notice.startswith(OWN_DATA)
    place = "own data in the place of " if own and record.name in CORPORA else ""
    parts = [
        f"Rows that Attune made of {place}{record.title} (source: {manifest['source']}): one per reply ranked or "
        "written.",
        f"{notice.removesuffix('.')}." if notice else "",
        f"Revision: {manifest['revision']}." if manifest["revision"] else "",
        "" if own else f"Licence of the published corpus: {record.licence}.",
    ]
    return " ".join(part for part in parts if part)


def _file(path: Path, name: str, at: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": f"{name}.parquet",
        "name": f"{name}.parquet",
        "contentUrl": f"{at}/{name}.parquet",
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": "application/x-parquet",
        "sha256": sha256(path),
    }


def _records(record: Corpus, name: str) -> dict[str, Any]:
    """The columns of one file; replies among which a corpus is ranked are in files of their own."""
    schemas = record.schemas
    columns: Columns = schemas.candidate_columns if name.startswith("candidates/") else schemas.row_columns
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "field": [_field(name, column, kind) for column, kind in columns.items()],
    }


def _field(name: str, column: str, kind: str) -> dict[str, Any]:
    field = {
        "@type": "cr:Field",
        "@id": f"{name}/{column}",
        "name": column,
        "dataType": _TYPES[kind.removeprefix("list<").removesuffix(">")],
        "source": {"fileObject": {"@id": f"{name}.parquet"}, "extract": {"column": column}},
    }
    return field | ({"repeated": True} if kind.startswith("list<") else {})


def write(raw: Path, processed: Path, target: Path) -> list[Path]:
    """Describe every corpus that has been downloaded, and of which rows are made, into `target`.

    contentUrl is relative to it. An own corpus of which there are no rows is one that an experiment has left.

    Raises
    ------
    AttuneError
        if there is none, and as `metadata`.
    """
    manifests = {path.parent.name: path for path in sorted(raw.glob("*/manifest.json"))}
    made = {*CORPORA, *(path.relative_to(processed).parts[0] for path in processed.rglob("*.parquet"))}
    records = [record for record in map(record_of, manifests) if not record.in_own_folder and record.name in made]
    if not records:
        raise AttuneError(f"{raw} holds no corpus with a manifest.json; `dvc repro download` writes them")
    written = []
    for record in records:
        folder = processed / record.name
        at = Path(os.path.relpath(folder, target)).as_posix()
        described = metadata(record, read_json(manifests[record.name]), folder, at)
        written.append(target / f"{record.name}.json")
        write_json(written[-1], described)
    return written


def main(words: Sequence[str] | None = None) -> None:
    print_any_text()
    parser = argparse.ArgumentParser(prog="python -m attune.export.croissant", description=__doc__)
    parser.add_argument("--raw", type=Path, required=True, help="data/raw, with each corpus' manifest.json")
    parser.add_argument("--processed", type=Path, required=True, help="data/processed")
    parser.add_argument("--target", type=Path, required=True, help="folder for the descriptions, one JSON per corpus")
    options = parser.parse_args(words)
    try:
        written = write(options.raw, options.processed, options.target)
    except AttuneError as error:
        raise SystemExit(f"error: {error}") from None
    print(f"described {', '.join(map(str, written))}")


if __name__ == "__main__":
    main()
