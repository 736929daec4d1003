import re
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.core.files import read_parquet
from attune.core.text import words_of
from attune.corpora import CORPORA
from stages.download import main
from tests.sources.corpora_by_hand import write

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory whose params.yaml takes the corpora from `mirror`."""
    text = (ROOT / "params.yaml").read_text()
    assert "\nsource: sample\n" in text
    (tmp_path / "params.yaml").write_text(text.replace("\nsource: sample\n", "\nsource: mirror\n"))
    write("pec", tmp_path / "mirror/pec")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)


def test_says_what_it_fetched(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(corpus="pec", target=Path("data/raw/pec"))
    assert capsys.readouterr().out == (
        "pec: 8 files, 10 rows, 0 malformed rows left out, from mirror into data/raw/pec\n"
    )
    assert (project / "data/raw/pec/hf_pec/happy/persona.txt").is_file()


def test_an_error_is_one_line_and_exit_code_1(project: Path) -> None:
    shutil.rmtree(project / "mirror/pec/hf_pec/happy")
    failed = run(project, "-m", "stages.download", "corpus=pec", "target=data/raw/pec")
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: mirror/pec/hf_pec/happy/train.txt is missing; pec consists of")
    assert len(failed.stderr.splitlines()) == 1


def test_neither_torch_nor_the_hubs_client_is_imported(project: Path) -> None:
    heavy = "{'torch', 'transformers', 'datasets', 'huggingface_hub', 'pyarrow', 'numpy'}"
    code = (
        "import sys; from pathlib import Path; from stages.download import main; "
        f"main(corpus='pec', target=Path('raw')); print({heavy} & set(sys.modules))"
    )
    done = run(project, "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "set()"


def test_an_unknown_corpus_is_an_error(project: Path) -> None:
    with pytest.raises(AttuneError, match=r"params\.yaml has no corpora\.reddit; it has pec, empathetic_dialogues"):
        main(corpus="reddit", target=Path("raw"))
    assert not (project / "raw").exists()


def test_the_words_of_the_sample_are_what_stands_between_all_but_letters_and_digits(sample: Path) -> None:
    for corpus in CORPORA:
        folder = sample / "raw" / corpus
        texts = [str(cell) for path in folder.rglob("*.parquet") for row in read_parquet(path) for cell in row.values()]
        for path in {*folder.rglob("*.txt"), *folder.rglob("*.csv"), *folder.rglob("*.jsonl")}:
            texts += path.read_text(encoding="utf-8").splitlines()
        assert len(texts) > 1000
        for text in texts:
            plain = unicodedata.normalize("NFKC", text).casefold()
            assert words_of(text) == (" ".join(re.findall(r"\w+", plain)) or plain.strip())
