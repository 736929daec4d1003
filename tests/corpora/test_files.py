from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.corpora import FILES, count_rows, files, persona_files
from attune.corpora.reading import BadRows
from tests.sources.corpora_by_hand import as_the_hub_converts, write


def test_pec_has_a_split_per_domain_and_personas_apart(tmp_path: Path) -> None:
    write("pec", tmp_path)
    found = files("pec", tmp_path)
    assert list(found) == [
        f"{domain}/{split}" for domain in ("happy", "offmychest") for split in ("train", "valid", "test")
    ]
    assert found["happy/valid"] == [tmp_path / "hf_pec/happy/valid.txt"]
    assert persona_files(tmp_path) == {
        "happy": tmp_path / "hf_pec/happy/persona.txt",
        "offmychest": tmp_path / "hf_pec/offmychest/persona.txt",
    }


def test_empathetic_dialogues_in_either_layout(tmp_path: Path) -> None:
    write("empathetic_dialogues", tmp_path / "original")
    as_the_hub_converts(tmp_path / "original", tmp_path)
    assert files("empathetic_dialogues", tmp_path) == {
        "train": [tmp_path / "default/train/0000.parquet"],
        "valid": [tmp_path / "default/validation/0000.parquet"],
        "test": [tmp_path / "default/test/0000.parquet"],
    }
    write("empathetic_dialogues", tmp_path)
    assert files("empathetic_dialogues", tmp_path)["valid"] == [tmp_path / "valid.csv"]


@pytest.mark.parametrize("corpus", FILES)
def test_a_missing_file_is_named_with_all_that_are_expected(tmp_path: Path, corpus: str) -> None:
    write(corpus, tmp_path)
    names = list(FILES[corpus][0].values())
    (tmp_path / names[-1]).unlink()
    with pytest.raises(AttuneError) as raised:
        files(corpus, tmp_path)
    assert str(raised.value).startswith(f"{tmp_path / names[-1]} is missing; {corpus} consists of {names[0]}")


def test_an_unknown_corpus(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"no corpus named 'pecs'; there are pec, empathetic_dialogues"):
        files("pecs", tmp_path)


def test_counts_by_parsing(tmp_path: Path) -> None:
    for corpus in FILES:
        write(corpus, tmp_path / corpus)
    bad = BadRows("error")
    assert count_rows("pec", tmp_path / "pec", bad) == {
        f"hf_pec/{domain}/{name}.txt": rows
        for domain in ("happy", "offmychest")
        for name, rows in (("train", 1), ("valid", 1), ("test", 1), ("persona", 2))
    }
    assert count_rows("empathetic_dialogues", tmp_path / "empathetic_dialogues", bad) == {
        "train.csv": 1,
        "valid.csv": 1,
        "test.csv": 2,
    }
    assert set(count_rows("openassistant_guanaco", tmp_path / "openassistant_guanaco", bad).values()) == {1}
    assert count_rows("openorca", tmp_path / "openorca", bad) == {"1M-GPT4-Augmented.parquet": 2}


def test_a_file_without_a_row(tmp_path: Path) -> None:
    write("pec", tmp_path)
    (tmp_path / "hf_pec/offmychest/test.txt").write_text("\n")
    with pytest.raises(AttuneError, match=r"offmychest/test\.txt holds no row of pec"):
        count_rows("pec", tmp_path, BadRows("skip"))
