"""The sample in the raw format of openassistant-guanaco: chatty conversations of one or two turns.

All conversations about one question of the banks begin with the same words, which keeps them in one split.
"""

import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TypeVar

from attune.sources.sample.instructions import (
    AMBIGUOUS_SHARE,
    EXCHANGES,
    Exchange,
    Item,
    Problem,
    draw_pairs,
    draw_problems,
    read_exchanges,
    read_items,
)

TRAIN_ROWS = 1000
EVAL_ROWS = 120
TWO_TURN_SHARE = 0.3
HELD_OUT_SHARE = 0.1
ROWS_PER_PROBLEM = 12

GREETINGS = ("hey, ", "hi! ", "hello, ", "hi there, ", "quick one: ")
POLITE_GREETINGS = ("Hi! ", "Hello! ", "Hi there! ")
OPENERS = {
    "ambiguous": ("Happy to help! ", "Thanks for asking. "),
    "subjective": (
        "Good question! ",
        "Oh, people love to discuss this one. ",
        "That's a nice one to think about. ",
    ),
    "how-to": ("Sure! ", "Of course! ", "Gladly! "),
    "factual": ("Sure! ", "Good question! ", "Happy to help! "),
}
CLOSERS = {
    "ambiguous": ("",),
    "subjective": (" In the end it's for you to decide.", " Others may well see it differently."),
    "how-to": (" Let me know how it goes!", " I hope that helps!", " Good luck!"),
    "factual": (" Hope that helps!",),
}
OPENER_SHARE = 0.2
CLOSER_SHARE = 0.1
GREETING_SHARE = 0.3

Turn = tuple[str, str]
Entry = TypeVar("Entry", Item, Exchange)


def greet(question: str, rng: Random) -> str:
    """The question, sometimes after a greeting."""
    if rng.random() >= GREETING_SHARE or question.startswith("hey"):
        return question
    first_words_low = question[0].islower() or question.startswith("I ")
    return rng.choice(GREETINGS if first_words_low else POLITE_GREETINGS) + question


def asked_once(item: Item, rng: Random) -> Item:
    """The item with one question, as all of its conversations ask it: the chatty or the plain one."""
    return replace(item, questions=(greet(rng.choice(item.questions[:2]), rng),))


def chatty(kind: str, warm: bool, answer: str, rng: Random) -> str:
    """The answer with the small talk that fits its kind; a warm one begins with what it has to say."""
    listed = answer.startswith("1. ")
    if not warm and rng.random() < OPENER_SHARE:
        opener = rng.choice(OPENERS[kind])
        answer = opener.rstrip() + "\n" + answer if listed else opener + answer
    if rng.random() < CLOSER_SHARE and not answer.endswith("?"):
        closer = rng.choice(CLOSERS[kind])
        answer += "\n" + closer.lstrip() if listed and closer else closer
    return answer


def render(turns: list[Turn]) -> str:
    """The turns with the corpus's own markers."""
    return "".join(f"### Human: {question}### Assistant: {answer}" for question, answer in turns)


def single_turns(items: list[Item], problems: list[Problem], rng: Random) -> list[str]:
    """Every item with each of its answers, and every problem, shuffled."""
    texts = [
        render([(item.questions[0], chatty(item.kind, item.warm, answer, rng))])
        for item in items
        for answer in item.answers
    ]
    for problem in problems:
        texts.append(render([(greet(problem.questions[0], rng), chatty("factual", False, problem.answer, rng))]))
    rng.shuffle(texts)
    return texts


def exchanged(exchanges: list[Exchange], rows: int, rng: Random) -> list[str]:
    """Conversations of one message and its reply, as many of each kind as its share of `rows`."""
    texts = []
    for kind, share in EXCHANGES.items():
        members = [exchange for exchange in exchanges if exchange.kind == kind]
        for said, reply in draw_pairs(members, round(rows * share), rng):
            reply = chatty("how-to", False, reply, rng) if kind == "advice" else reply
            texts.append(render([(greet(said, rng), reply)]))
    return texts


def followed_turns(items: list[Item], rng: Random) -> list[str]:
    """Every opening turn of a non-factual item with each of its follow-ups, shuffled."""
    texts = [
        render([(item.questions[0], answer), follow_up])
        for item in items
        for answer in item.answers
        for follow_up in item.follow_ups
    ]
    rng.shuffle(texts)
    return texts


def build(items: list[Item], exchanges: list[Exchange], problems: list[Problem], rows: int, rng: Random) -> list[str]:
    """The conversations of one split; half of those about an ambiguous question go on to a second turn."""
    items = [asked_once(item, rng) for item in items]
    vague = [item for item in items if item.kind == "ambiguous"]
    clear = [item for item in items if item.kind != "ambiguous"]
    texts = followed_turns(vague, rng)[: round(rows * AMBIGUOUS_SHARE / 2)]
    texts += followed_turns(clear, rng)[: round(rows * TWO_TURN_SHARE) - len(texts)]
    texts += single_turns(vague, [], rng)[: round(rows * AMBIGUOUS_SHARE / 2)] + exchanged(exchanges, rows, rng)
    texts += single_turns(clear, problems, rng)[: rows - len(texts)]
    rng.shuffle(texts)
    return texts


def split_items(items: list[Entry], rng: Random) -> tuple[list[Entry], list[Entry]]:
    """The items for training and those held out for evaluation, a tenth of each topic at least."""
    train: list[Entry] = []
    held_out: list[Entry] = []
    for group in sorted({(item.kind, item.topic) for item in items}):
        members = [item for item in items if (item.kind, item.topic) == group]
        rng.shuffle(members)
        size = max(2, round(len(members) * HELD_OUT_SHARE))
        held_out += members[:size]
        train += members[size:]
    return train, held_out


def write(folder: Path, seed: int) -> None:
    """Write the two files of the sample into the folder; the same seed gives the same bytes."""
    rng = Random(f"guanaco-{seed}")
    train, held_out = split_items(read_items(), rng)
    told, told_held_out = split_items([one for kind in EXCHANGES for one in read_exchanges(kind)], rng)
    problems = draw_problems(rng, (TRAIN_ROWS + EVAL_ROWS) // ROWS_PER_PROBLEM)
    cut = EVAL_ROWS // ROWS_PER_PROBLEM
    parts = {
        "train": build(train, told, problems[cut:], TRAIN_ROWS, rng),
        "eval": build(held_out, told_held_out, problems[:cut], EVAL_ROWS, rng),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, texts in parts.items():
        lines = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
        (folder / f"openassistant_best_replies_{name}.jsonl").write_text(lines, encoding="utf-8", newline="\n")
