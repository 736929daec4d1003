"""The hand-written banks of questions and answers that the instruction samples share."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

BANKS = Path(__file__).parent / "banks"
KINDS = ("ambiguous", "subjective", "howto", "factual")
# Kinds of exchanges, with their shares of either corpus' rows.
EXCHANGES = {"feelings": 0.16, "fun": 0.12, "advice": 0.10}
# The answer to a question that leaves open what it asks for is a question: few rows, or a model asks back at anything.
AMBIGUOUS_SHARE = 0.04

Pair = tuple[str, str]


@dataclass(frozen=True)
class Item:
    """One question in three phrasings (chatty, plain, formal) with its two answers."""

    kind: str
    topic: str
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    follow_ups: tuple[tuple[str, str], ...]
    child: str
    warm: bool


@dataclass(frozen=True)
class Exchange:
    """What people say or ask for, in several wordings or versions, each with its reply."""

    kind: str
    topic: str
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Task:
    """A task with its answer and the reason for it."""

    name: str
    question: str
    answer: str
    reason: str


@dataclass(frozen=True)
class Problem:
    """An arithmetic word problem in two phrasings, its answer and its working."""

    questions: tuple[str, ...]
    answer: str
    step: str


def read_bank(name: str) -> dict[str, Any]:
    """The bank instructions_NAME.toml as a dictionary."""
    return tomllib.loads((BANKS / f"instructions_{name}.toml").read_text(encoding="utf-8"))


def as_lines(answer: str) -> str:
    """A numbered answer with each step on a line of its own; any other answer unchanged."""
    return re.sub(r" (\d\. )", r"\n\1", answer) if answer.startswith("1. ") else answer


def read_items() -> list[Item]:
    """Every question of the four kinds, in the order of the banks."""
    items = []
    for name in KINDS:
        bank = read_bank(name)
        kind = bank.pop("kind")
        for topic, rows in bank.items():
            for row in rows:
                follow_ups = tuple((question, answer) for question, answer in row.get("f", []))
                answers = tuple(as_lines(answer) for answer in row["a"])
                child, warm = row.get("child", ""), row.get("warm", False)
                items.append(Item(kind, topic, tuple(row["q"]), answers, follow_ups, child, warm))
    return items


def versions(lines: list[str]) -> list[list[str]]:
    """The lines with the first words of each {one|other}, then with the second ones, and so on."""
    choices = [part.split("|") for line in lines for part in re.findall(r"\{(.*?)\}", line)]
    return [
        [re.sub(r"\{(.*?)\}", lambda found: found[1].split("|")[number], line) for line in lines]  # noqa: B023
        for number in range(max(map(len, choices), default=1))
    ]


def read_exchanges(kind: str) -> list[Exchange]:
    """The exchanges of one kind, in the order of their bank."""
    bank = read_bank(kind)
    bank.pop("kind")
    exchanges = []
    for topic, rows in bank.items():
        for row in rows:
            pairs = [(said, as_lines(reply)) for *wordings, reply in versions(row) for said in wordings]
            exchanges.append(Exchange(kind, topic, tuple(pairs)))
    return exchanges


def draw_pairs(exchanges: list[Exchange], count: int, rng: Random) -> list[Pair]:
    """One pair of each exchange, in random order, at most `count`.

    Two wordings of one exchange could come into different splits.
    """
    return [rng.choice(exchange.pairs) for exchange in rng.sample(exchanges, min(count, len(exchanges)))]


def read_tasks() -> list[Task]:
    """The tasks of the OpenOrca sample, in the order of their bank."""
    return [Task(row["task"], row["q"], row["a"], row["why"]) for row in read_bank("tasks")["item"]]


def compute(op: str, a: int, b: int, c: int) -> int:
    """The result of one operation of the arithmetic bank."""
    results = {
        "a+b": a + b,
        "a-b": a - b,
        "a*b": a * b,
        "ab/b": a // b,
        "a+b+c": a + b + c,
        "a+b-c": a + b - c,
        "a*b+c": a * b + c,
        "a*b-c": a * b - c,
    }
    return results[op]


def draw_numbers(op: str, rng: Random) -> tuple[int, int, int]:
    """Numbers for which the operation has a whole, positive result."""
    if op == "ab/b":
        b = rng.randint(3, 9)
        return b * rng.randint(3, 12), b, 0
    if "*" in op:
        return rng.randint(6, 15), rng.randint(3, 9), rng.randint(5, 15)
    if op == "a-b":
        a = rng.randint(30, 90)
        return a, rng.randint(5, a - 5), 0
    return rng.randint(12, 40), rng.randint(3, 30), rng.randint(3, 11)


def draw_problems(rng: Random, count: int) -> list[Problem]:
    """Different word problems, taking the templates in turn."""
    templates = read_bank("arithmetic")["item"]
    problems: dict[str, Problem] = {}
    while len(problems) < count:
        template = templates[len(problems) % len(templates)]
        a, b, c = draw_numbers(template["op"], rng)
        numbers = {"a": a, "b": b, "c": c, "r": compute(template["op"], a, b, c)}
        questions = tuple(question.format(**numbers) for question in template["q"])
        problem = Problem(questions, template["a"].format(**numbers), template["step"].format(**numbers))
        problems.setdefault(questions[0], problem)
    return list(problems.values())
