from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.corpora import CORPORA, record_of
from attune.corpora.reading import BadRows
from tests.sources.corpora_by_hand import as_the_hub_converts, write


def test_personas_belong_to_a_domain_and_not_to_a_split(tmp_path: Path) -> None:
    write("pec", tmp_path)
    files = record_of("pec").files(tmp_path)
    splits = [name for name in files if not name.endswith("/persona")]
    assert splits == [f"{domain}/{split}" for domain in ("happy", "offmychest") for split in ("train", "valid", "test")]
    assert files["happy/valid"] == tmp_path / "hf_pec/happy/valid.txt"
    assert {name: path for name, path in files.items() if name not in splits} == {
        "happy/persona": tmp_path / "hf_pec/happy/persona.txt",
        "offmychest/persona": tmp_path / "hf_pec/offmychest/persona.txt",
    }


def test_files_in_either_layout_and_the_mirrors_if_both_are_there(tmp_path: Path) -> None:
    record = record_of("empathetic_dialogues")
    write(record.name, tmp_path / "original")
    as_the_hub_converts(tmp_path / "original", tmp_path)
    assert record.files(tmp_path) == {
        "train": tmp_path / "default/train/0000.parquet",
        "valid": tmp_path / "default/validation/0000.parquet",
        "test": tmp_path / "default/test/0000.parquet",
    }
    write(record.name, tmp_path)
    assert record.files(tmp_path)["valid"] == tmp_path / "valid.csv"


@pytest.mark.parametrize("name", CORPORA)
def test_a_missing_file_is_named_with_all_that_are_expected(tmp_path: Path, name: str) -> None:
    write(name, tmp_path)
    names = list(record_of(name).layouts[0].values())
    (tmp_path / names[-1]).unlink()
    with pytest.raises(AttuneError) as raised:
        record_of(name).files(tmp_path)
    assert str(raised.value).startswith(f"{tmp_path / names[-1]} is missing; {name} consists of {names[0]}")


def test_counts_by_parsing(tmp_path: Path) -> None:
    counts = {}
    for name, record in CORPORA.items():
        write(name, tmp_path / name)
        counts[name] = record.count_rows(tmp_path / name, BadRows("error"))
    assert counts["pec"] == {
        f"hf_pec/{domain}/{name}.txt": rows
        for domain in ("happy", "offmychest")
        for name, rows in (("train", 1), ("valid", 1), ("test", 1), ("persona", 2))
    }
    assert counts["empathetic_dialogues"] == {
        "train.csv": 1,
        "valid.csv": 1,
        "test.csv": 2,
    }
    assert set(counts["openassistant_guanaco"].values()) == {1}
    assert counts["openorca"] == {"1M-GPT4-Augmented.parquet": 2}


@pytest.mark.fault("a raw file without a row", "the file is named")
def test_a_file_without_a_row(tmp_path: Path) -> None:
    write("pec", tmp_path)
    (tmp_path / "hf_pec/offmychest/test.txt").write_text("\n")
    with pytest.raises(AttuneError, match=r"offmychest/test\.txt holds no row of pec"):
        record_of("pec").count_rows(tmp_path, BadRows("skip"))


@pytest.mark.fault("a raw file whose rows are all malformed", "the file, their number and the first are named")
def test_a_file_without_a_sound_row(tmp_path: Path) -> None:
    """The file before it has a malformed row too, which is not this file's first."""
    record = record_of("openassistant_guanaco")
    write(record.name, tmp_path)
    train, test = record.files(tmp_path).values()
    train.write_text(train.read_text() + "[]\n")
    test.write_text('\n{"text": 3}\n{}\n')
    with pytest.raises(AttuneError) as raised:
        record.count_rows(tmp_path, BadRows("skip"))
    start = f"{test} holds no row of {record.name}; all 2 are malformed, the first: {test}, line 2: "
    assert str(raised.value).startswith(start)
    assert len(str(raised.value)) > len(start)


@pytest.mark.fault("EmpatheticDialogues in which nobody answers", "the files are named, and nothing starts")
def test_a_corpus_in_which_nobody_answers(tmp_path: Path) -> None:
    """One reply in all files is enough to be read."""
    record = record_of("empathetic_dialogues")
    write(record.name, tmp_path)
    record.count_rows(tmp_path, BadRows("error"))
    path = tmp_path / "train.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], ""]))
    with pytest.raises(AttuneError) as raised:
        record.count_rows(tmp_path, BadRows("error"))
    names = ", ".join(str(tmp_path / f"{split}.csv") for split in ("train", "valid", "test"))
    assert str(raised.value).startswith(f"{names}: nobody answers in any of the 4 conversations; turns by a second")
