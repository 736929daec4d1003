"""Tests of the guanaco and OpenOrca samples and of the banks behind them."""

import json
import re
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from attune.sources.sample import openassistant_guanaco as guanaco
from attune.sources.sample import openorca
from attune.sources.sample.instructions import (
    EXCHANGES,
    Exchange,
    draw_pairs,
    read_bank,
    read_exchanges,
    read_items,
    read_tasks,
    versions,
)

TRAIN = "openassistant_best_replies_train.jsonl"
EVAL = "openassistant_best_replies_eval.jsonl"
NUMBER = r"(?P<{}>\d+)"
ROOT = Path(__file__).parents[3]
Pair = tuple[str, str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("instructions")
    guanaco.write(path, 7)
    openorca.write(path, 7)
    return path


def texts(path: Path) -> list[str]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert all(list(row) == ["text"] for row in rows)
    return [row["text"] for row in rows]


def turns(text: str) -> list[str]:
    return re.split(r"### (?:Human|Assistant): ", text)[1:]


def orca_rows(folder: Path) -> list[dict[str, str]]:
    return pq.read_table(folder / openorca.FILE_NAME).to_pylist()


def guanaco_pairs(folder: Path) -> list[Pair]:
    """Every question with its answer, those of second turns too."""
    chats = [turns(text) for text in texts(folder / TRAIN) + texts(folder / EVAL)]
    return [pair for chat in chats for pair in zip(chat[::2], chat[1::2], strict=True)]


def orca_pairs(folder: Path) -> list[Pair]:
    return [(row["question"], row["response"]) for row in orca_rows(folder)]


def words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def recompute(op: str, values: dict[str, int]) -> int:
    expression = op.replace("ab/b", "a//b")
    assert re.fullmatch(r"[abc+*/-]+", expression)
    return eval(expression, {"__builtins__": {}}, values)


def check_arithmetic(pairs: list[tuple[str, str]], phrasing: int) -> int:
    checked = 0
    for template in read_bank("arithmetic")["item"]:
        pattern = re.escape(template["q"][phrasing])
        for name in "abc":
            pattern = pattern.replace(rf"\{{{name}\}}", NUMBER.format(name), 1)
        for question, answer in pairs:
            match = re.search(pattern, question)
            if match:
                values = {name: int(value) for name, value in match.groupdict().items()}
                result = recompute(template["op"], values)
                assert template["a"].format(r=result) in answer
                step = template["step"].format(r=result, **values)
                assert step in answer or step[:12] not in answer
                if template["op"] == "ab/b":
                    assert values["a"] % values["b"] == 0
                checked += 1
    return checked


def test_bank_counts_and_variants() -> None:
    items = read_items()
    for kind, least in {"ambiguous": 60, "subjective": 60, "how-to": 60, "factual": 150}.items():
        assert sum(item.kind == kind for item in items) >= least
    for item in items:
        assert len({question.lower().rstrip("?") for question in item.questions}) == 3
        assert len(set(item.answers)) == 2
        if item.kind != "factual":
            assert len(item.follow_ups) == 2
    plain = [item.questions[1] for item in items]
    assert len(set(plain)) == len(plain)
    assert len({task.question for task in read_tasks()}) >= 40


def test_bank_lengths_and_characters() -> None:
    for item in read_items():
        low, high = (8, 35) if item.kind == "factual" else (15, 60)
        for answer in item.answers:
            assert low <= len(answer.split()) <= high, answer
        follow_ups = [text for pair in item.follow_ups for text in pair]
        for text in (*item.questions, *item.answers, *follow_ups, item.child):
            assert text == text.strip()
            assert not re.search(r"#|  ", text)


def test_exchanges_are_many_and_their_replies_whole() -> None:
    for kind, least in {"feelings": 150, "fun": 120, "advice": 100}.items():
        exchanges = read_exchanges(kind)
        assert len(exchanges) >= least
        pairs = [pair for exchange in exchanges for pair in exchange.pairs]
        assert len(set(pairs)) == len(pairs)
        assert sum(reply.endswith("?") for _, reply in pairs) < 0.05 * len(pairs)
        for said, reply in pairs:
            assert (5 if kind == "fun" else 20) <= len(reply.split()) <= 62, reply
            assert reply[-1] in ".?!'", reply
            assert not re.search(r"[#{}|]|  ", said + reply), reply


def test_each_choice_of_an_exchange_has_as_many_words() -> None:
    for kind in EXCHANGES:
        for row in (row for rows in read_bank(kind).values() if isinstance(rows, list) for row in rows):
            choices = re.findall(r"\{.*?\}", " ".join(row))
            assert len({choice.count("|") for choice in choices}) <= 1, row


def test_versions_take_the_words_at_one_place() -> None:
    lines = ["My {cat|dog} ran off {today|at noon}.", "Poor {cat|dog}!"]
    assert versions(lines) == [["My cat ran off today.", "Poor cat!"], ["My dog ran off at noon.", "Poor dog!"]]
    assert versions(["Hello.", "Hi."]) == [["Hello.", "Hi."]]


def test_each_exchange_is_drawn_once_at_most() -> None:
    exchanges = [Exchange("k", "t", tuple((f"{n}", f"{v}") for v in range(3))) for n in range(5)]
    assert sorted(said for said, _ in draw_pairs(exchanges, 7, Random(1))) == list("01234")
    assert len({said for said, _ in draw_pairs(exchanges, 3, Random(1))}) == 3


def test_whatever_a_question_s_wordings_all_conversations_about_it_begin_alike(folder: Path) -> None:
    """They would come into different splits otherwise, and the test replies would stand in the train split."""
    banks = [{*map(words, one.questions)} for one in read_items()] + [{words(one.question)} for one in read_tasks()]
    banks += [{words(said) for said, _ in one.pairs} for kind in EXCHANGES for one in read_exchanges(kind)]
    about = {question: number for number, wordings in enumerate(banks) for question in wordings}
    assert len(about) == sum(map(len, banks))  # no question is in two places of the banks
    greetings = ("", *map(words, (*guanaco.GREETINGS, *guanaco.POLITE_GREETINGS)))
    asked = {f"{greeting} {question}".strip(): number for question, number in about.items() for greeting in greetings}
    forms = (openorca.TASK, *openorca.ENDINGS, *openorca.WRAPPERS)
    asked |= {words(form.format(question)): number for question, number in about.items() for form in forms}
    chats = [turns(text) for text in texts(folder / TRAIN) + texts(folder / EVAL)]
    for openings in ({chat[0] for chat in chats}, {row["question"] for row in orca_rows(folder)}):
        found = [asked[words(text)] for text in openings if words(text) in asked]
        assert len(found) > 0.8 * len(openings)  # the others are arithmetic
        assert len(set(found)) == len(found)


def test_rows_are_replies_to_what_was_said_and_rarely_questions_back(folder: Path) -> None:
    known = {kind: {p for e in read_exchanges(kind) for p in e.pairs} for kind in EXCHANGES}
    for pairs in (guanaco_pairs(folder), orca_pairs(folder)):
        assert sum(answer.endswith("?") for _, answer in pairs) < 0.05 * len(pairs)
        for kind, least in {"feelings": 0.15, "fun": 0.11}.items():
            replies = {reply for _, reply in known[kind]}
            assert sum(answer in replies for _, answer in pairs) >= least * 1120


def test_no_question_of_the_evaluation_stands_in_the_corpora(folder: Path) -> None:
    questions = YAML().load(ROOT / "params.yaml")["generation"]["questions"]
    asked = {words(text) for text in (questions["opening"], *questions["asked"].values())}
    assert len(asked) >= 7
    pairs = guanaco_pairs(folder) + orca_pairs(folder)
    banks = {said for kind in EXCHANGES for one in read_exchanges(kind) for said, _ in one.pairs}
    banks |= {said for one in read_items() for said in (*one.questions, *(said for said, _ in one.follow_ups))}
    found = {words(text) for text in (*(text for pair in pairs for text in pair), *banks)}
    assert not [text for text in found if any(f" {question} " in f" {text} " for question in asked)]


def test_guanaco_counts_format_and_split(folder: Path) -> None:
    train, held_out = texts(folder / TRAIN), texts(folder / EVAL)
    assert (len(train), len(held_out)) == (1000, 120)
    assert len(set(train) | set(held_out)) == 1120
    shape = re.compile(r"(### Human: [^#]+### Assistant: [^#]+){1,2}")
    assert all(shape.fullmatch(text) for text in train + held_out)
    for part in (train, held_out):
        assert 0.25 < sum(len(turns(text)) == 4 for text in part) / len(part) < 0.35
    items = [{item.questions[1] for item in part} for part in guanaco.split_items(read_items(), Random("7"))]
    assert not items[0] & items[1]


def test_orca_counts_format_and_prompts(folder: Path) -> None:
    table = pq.read_table(folder / openorca.FILE_NAME)
    assert table.column_names == ["id", "system_prompt", "question", "response"]
    assert {str(kind) for kind in table.schema.types} == {"string"}
    rows = table.to_pylist()
    assert len(rows) == 1120
    assert len({row["id"] for row in rows}) == 1120
    assert len({(row["system_prompt"], row["question"], row["response"]) for row in rows}) == 1120
    styles = {openorca.CLEAR, openorca.SHORT, openorca.STEPS, openorca.CHILD, openorca.REASON}
    people = {openorca.KIND, openorca.TEACHER}
    assert {row["system_prompt"] for row in rows} == {openorca.NONE} | styles | people
    assert all(re.fullmatch(r"(flan|t0|niv|cot)\.\d+", row["id"]) for row in rows)
    assert all(row["question"] and row["response"] and "#" not in row["response"] for row in rows)
    for row in rows:
        if row["system_prompt"] == openorca.SHORT:
            assert openorca.is_one_sentence(row["response"])
        if row["system_prompt"] == openorca.STEPS:
            assert "Result: " in row["response"] or row["response"].startswith("1. ")


def test_arithmetic_is_right(folder: Path) -> None:
    assert check_arithmetic(orca_pairs(folder), 1) >= 80
    assert check_arithmetic(guanaco_pairs(folder), 0) >= 30


@pytest.mark.parametrize("write", [guanaco.write, openorca.write])
def test_same_seed_same_bytes(write, tmp_path: Path) -> None:
    for name, seed in {"one": 3, "two": 3, "other": 4}.items():
        write(tmp_path / name, seed)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
        assert path.read_bytes() != (tmp_path / "other" / path.name).read_bytes()
