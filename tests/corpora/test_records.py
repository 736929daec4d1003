"""What every record promises, and that nothing outside of a corpus' module and sample writer knows it by name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from attune.corpora import CORPORA, dialogue_corpora, ranking_corpus, record_of
from attune.corpora.base import Corpus
from attune.parameters import load
from attune.sources.sample import SAMPLES
from tests.project import ROOT

# A part of a corpus' name, at the border of words where it is short; or a suffix that marks a corpus' variant.
# "An empathetic conversation" is plain English.
KNOWN = re.compile(
    r"(?i:empathetic(?![ -](?!dialog))|guanaco|openorca)|(?<![A-Za-z])(?:pec|PEC|Pec)(?![a-z])|^(?:_persona)?_rag$"
)


def test_params_and_records_have_the_same_corpora_and_each_has_a_sample() -> None:
    assert list(CORPORA) == list(load(ROOT / "params.yaml").corpora) == list(SAMPLES)


def test_another_name_is_that_of_ones_own_data() -> None:
    record = record_of("mine")
    assert (record.name, record.has_passages) == ("mine", False)
    assert "mine" not in CORPORA


def test_one_corpus_is_ranked_and_the_dialogues_have_passages() -> None:
    assert [record.name for record in CORPORA.values() if record.ranked] == [ranking_corpus().name] == ["pec"]
    assert [record.name for record in dialogue_corpora()] == ["empathetic_dialogues"]
    assert [record.name for record in CORPORA.values() if record.indexed] == ["pec", "empathetic_dialogues"]


@pytest.mark.parametrize("record", CORPORA.values(), ids=CORPORA)
def test_the_record_names_columns_that_exist(record: Corpus) -> None:
    assert record.key in record.schemas.conversation_columns
    assert record.key in record.schemas.row_columns
    assert set(record.lengths.values()) <= set(record.schemas.row_columns)
    assert record.schemas.rows.names == list(record.schemas.row_columns)
    assert record.schemas.conversations.names == list(record.schemas.conversation_columns)


@pytest.mark.parametrize("record", CORPORA.values(), ids=CORPORA)
def test_rows_have_the_declared_columns(record: Corpus) -> None:
    conversation = {
        "id": "a", "conv_id": "a", "domain": "happy", "emotion": "sad", "situation": "s", "system": "",
        "speakers": [0, 1], "utterances": ["u", "v"], "turns": ["q", "a"], "personas": ["p"],
    }  # fmt: skip
    rows = record.rows({name: conversation[name] for name in record.schemas.conversation_columns}, True)
    assert [list(row) for row in rows] == [list(record.schemas.row_columns)]


def modules() -> list[Path]:
    """The code that may know no corpus."""
    corpora = ROOT / "attune" / "corpora"
    knowing = {corpora / "__init__.py", *(corpora / f"{name}.py" for name in CORPORA)}
    files = [file for folder in ("attune", "stages", "studies") for file in (ROOT / folder).rglob("*.py")]
    return [
        file for file in sorted(files) if file not in knowing and ROOT / "attune/sources/sample" not in file.parents
    ]


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_other_module_knows_a_corpus_by_name(path: Path) -> None:
    assert [word for word in words(ast.parse(path.read_text(encoding="utf-8"))) if KNOWN.search(word)] == []


def words(tree: ast.AST) -> Iterator[str]:
    """Identifiers and string literals, parts of f-strings among them; docstrings are prose and may give examples."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.value
        for field in ("id", "attr", "name", "arg", "module", "asname"):
            if isinstance(value := getattr(node, field, None), str):
                yield value


@pytest.mark.parametrize(
    ("code", "known"),
    [
        ("name == 'pec'", True), ("f'data/{x}/empathetic_dialogues'", True), ("corpus.removesuffix('_rag')", True),
        ("class PecSource: pass", True), ("import attune.corpora.openorca", True), ("title = 'OpenOrca'", True),
        ("find_spec('x')", False), ("special = 'specific'", False), ("variant == 'persona_rag'", False),
        ("def f():\n    'As in PEC.'", False), ("tag = 'empathetic-conversation'", False),
        ("name.startswith('empathetic')", True),
    ],
)  # fmt: skip
def test_what_counts_as_knowing_a_corpus(code: str, known: bool) -> None:
    assert any(KNOWN.search(word) for word in words(ast.parse(code))) is known
