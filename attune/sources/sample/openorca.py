"""The sample in the raw format of OpenOrca: task-like questions under different system prompts.

All rows about one question of the banks ask it in the same words, which keeps them in one split.
"""

import re
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from attune.sources.sample.instructions import (
    AMBIGUOUS_SHARE,
    EXCHANGES,
    Item,
    Pair,
    Problem,
    Task,
    draw_pairs,
    draw_problems,
    read_exchanges,
    read_items,
    read_tasks,
)

ROWS = 1120
PROBLEMS = 140
FILE_NAME = "1M-GPT4-Augmented.parquet"
WRAPPED_SHARE = 0.3
PREFIXES = ("flan", "t0")

NONE = ""
CLEAR = "You help people with everyday questions. Answer clearly and completely."
SHORT = "Answer in one sentence."
STEPS = "Work step by step and then state the result."
CHILD = "Explain it so that a five-year-old child understands."
REASON = "Give the answer first and then a short reason."
KIND = "You are a kind listener. Take the person's feelings seriously."
TEACHER = "You are a patient teacher. Answer correctly and in plain words."

WRAPPERS = (
    "Q: {}\nA:",
    "Question: {}\nAnswer:",
    "Please answer the following question: {}",
    "Answer the question below.\n\n{}",
    "{}\nThe answer to this question is:",
)
TASK = "Task: {}"
ENDINGS = ("{}", "{}\nA:", "{}\nAnswer:")

Row = tuple[str, str, str, str]


def is_one_sentence(text: str) -> bool:
    """Whether the text has a single sentence end."""
    return len(re.findall(r"[.?!]['\"]?(?=\s|$)", text)) == 1


def wrap(question: str, rng: Random) -> str:
    """The question as a task, in some of the cases."""
    if rng.random() >= WRAPPED_SHARE:
        return question
    return (rng.choice(WRAPPERS) if question.endswith("?") else TASK).format(question)


def choose_system(item: Item, answer: str, rng: Random) -> str:
    """A system prompt whose style the answer already has."""
    if answer.startswith("1. "):
        return rng.choice((NONE, CLEAR, STEPS))
    fitting = [NONE, SHORT] if is_one_sentence(answer) else [NONE, CLEAR]
    if item.warm:
        fitting.append(KIND)
    if item.kind == "factual" and not is_one_sentence(answer):
        fitting.append(TEACHER)
    return rng.choice(fitting)


def item_rows(item: Item, rng: Random) -> list[Row]:
    """The rows of one question, plain or formal: with each answer, and with the one for a child, if it has one."""
    prefix, question = rng.choice(PREFIXES), wrap(rng.choice(item.questions[1:]), rng)
    rows = [(prefix, choose_system(item, answer, rng), question, answer) for answer in item.answers]
    return rows + ([(prefix, CHILD, question, item.child)] if item.child else [])


def exchange_row(kind: str, pair: Pair, rng: Random) -> Row:
    """The row of one message and its reply; only a request for advice is ever worded as a task."""
    said, reply = pair
    said = said[0].upper() + said[1:]
    if kind == "feelings":
        return rng.choice(PREFIXES), rng.choice((NONE, NONE, KIND)), said, reply
    if kind == "fun":
        return rng.choice(PREFIXES), rng.choice((NONE, NONE, CLEAR)), said, reply
    system = rng.choice((NONE, CLEAR, STEPS if reply.startswith("1. ") else TEACHER))
    return rng.choice(PREFIXES), system, wrap(said, rng), reply


def exchange_rows(rng: Random) -> list[Row]:
    """The rows of each kind of exchange, as many as its share of all rows."""
    return [
        exchange_row(kind, pair, rng)
        for kind, share in EXCHANGES.items()
        for pair in draw_pairs(read_exchanges(kind), round(ROWS * share), rng)
    ]


def task_rows(task: Task, rng: Random) -> list[Row]:
    """The rows of one task: the bare answer, the answer with its reason, the reason first."""
    bare = task.name in ("choice", "fix") or not is_one_sentence(task.answer)
    question = rng.choice(ENDINGS).format(task.question)
    end = "" if task.answer[-1] in ".?!" else "."
    return [
        ("niv", NONE if bare else rng.choice((NONE, SHORT)), question, task.answer),
        ("niv", rng.choice((REASON, CLEAR)), question, f"{task.answer}{end} {task.reason}"),
        ("cot", STEPS, question, f"{task.reason}\nResult: {task.answer}"),
    ]


def problem_row(problem: Problem, rng: Random) -> Row:
    """The row of one word problem under a system prompt drawn at random."""
    system = rng.choice((NONE, SHORT, STEPS, STEPS, REASON, TEACHER))
    responses = {
        STEPS: f"{problem.step}\nResult: {problem.answer}",
        REASON: f"{problem.answer} {problem.step}",
        TEACHER: f"{problem.step} {problem.answer}",
    }
    return "cot", system, wrap(problem.questions[1], rng), responses.get(system, problem.answer)


def build(seed: int) -> list[dict[str, str]]:
    """The rows of the sample in their fixed order."""
    rng = Random(f"openorca-{seed}")
    tasks = [row for task in read_tasks() for row in task_rows(task, rng)]
    items = read_items()
    vague = [row for item in items if item.kind == "ambiguous" for row in item_rows(item, rng)]
    others = [row for item in items if item.kind != "ambiguous" for row in item_rows(item, rng)]
    others += [problem_row(problem, rng) for problem in draw_problems(rng, PROBLEMS)]
    rng.shuffle(others)
    rows = tasks + rng.sample(vague, round(ROWS * AMBIGUOUS_SHARE)) + exchange_rows(rng)
    rows += others[: ROWS - len(rows)]
    rng.shuffle(rows)
    numbers = rng.sample(range(1_000_000), ROWS)
    return [
        {"id": f"{prefix}.{number}", "system_prompt": system, "question": question, "response": response}
        for number, (prefix, system, question, response) in zip(numbers, rows, strict=True)
    ]


def write(folder: Path, seed: int) -> None:
    """Write the parquet file of the sample into the folder; the same seed gives the same bytes."""
    names = ("id", "system_prompt", "question", "response")
    schema = pa.schema([(name, pa.string()) for name in names])
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(build(seed), schema=schema), folder / FILE_NAME, compression="zstd")
