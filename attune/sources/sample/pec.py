"""The project's own PEC sample: hand-written banks joined by a seeded generator into PEC's raw format."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

BANKS = Path(__file__).parent / "banks"
DOMAINS = {"happy": "cheer", "offmychest": "comfort"}
CONVERSATIONS = {"train": 1400, "valid": 250, "test": 350}
RESPONDERS = {"train": 220, "valid": 42, "test": 58}
SHARED = {"train": 12, "valid": 3, "test": 5}
HAND = 60
RULE = "*" * 20
# A reply that begins with one of these reads badly after a sentence about oneself.
OPENERS = {"and", "congratulations", "welcome", "happy", "of", "no", "so"}

Turn = tuple[str, str]


@dataclass(frozen=True)
class Fact:
    """One persona fact: its wordings, what such a person says to someone sad or happy, and what it excludes."""

    facet: str
    says: tuple[str, ...]
    comfort: tuple[str, ...]
    cheer: tuple[str, ...]
    excludes: frozenset[str]


@dataclass(frozen=True)
class Situation:
    """One thing that happened, told in several ways, with reactions, questions and answers that fit each."""

    topic: str
    emotion: str
    posts: tuple[str, ...]
    reactions: tuple[str, ...]
    asks: tuple[str, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True)
class User:
    """A responder: a name and the facts of the persona."""

    name: str
    facts: tuple[Fact, ...]


def tokenise(text: str) -> str:
    """Lower-case a bank's sentence and split off punctuation and contractions, as PEC's text has them."""
    text = re.sub(r"(?<!\d)([.,:;!?])|([.,:;!?])(?!\d)", r" \1\2 ", text.lower())
    text = re.sub(r"(?<=\w)n't\b", " n't", text)
    text = re.sub(r"(?<=\w)'(m|s|re|ve|ll|d)\b", r" '\1", text)
    return " ".join(text.split())


def _entries(bank: str, key: str) -> list[dict[str, Any]]:
    """Read one bank; its lists become tuples of tokenised sentences."""
    with (BANKS / bank).open("rb") as file:
        entries: list[dict[str, Any]] = tomllib.load(file)[key]
    for entry in entries:
        for field, value in entry.items():
            if isinstance(value, list) and field != "excludes":
                entry[field] = tuple(tokenise(text) for text in value)
    return entries


def facts() -> list[Fact]:
    """All persona facts of the bank."""
    return [
        Fact(**{**entry, "excludes": frozenset(entry.get("excludes", ()))})
        for entry in _entries("pec_personas.toml", "fact")
    ]


def situations(domain: str) -> list[Situation]:
    """All situations of one domain's bank."""
    return [Situation(**entry) for entry in _entries(f"pec_{domain}.toml", "situation")]


def _names(rng: Random) -> Iterator[str]:
    """An endless stream of different invented user names."""
    with (BANKS / "pec_personas.toml").open("rb") as file:
        halves: dict[str, list[str]] = tomllib.load(file)["names"]
    seen: set[str] = set()
    while True:
        first, last = rng.choice(halves["first"]), rng.choice(halves["last"])
        styles = (f"{first}_{last}", f"{first.title()}{last.title()}", f"{last}-{first}", f"{first}{last}")
        tail = rng.choice(("", "", str(rng.randrange(2, 100)), f"_{rng.randrange(1000)}"))
        name = rng.choice(styles) + tail
        if name.lower() not in seen:
            seen.add(name.lower())
            yield name


def _persona(rng: Random, bank: list[Fact], used: Counter[Fact]) -> tuple[Fact, ...]:
    """Three to six compatible facts, drawn at random with a preference for those that were used least."""
    size = rng.randint(3, 6)
    chosen: list[Fact] = []
    ruled_out: set[str] = set()
    for fact in sorted(rng.sample(bank, HAND), key=used.__getitem__):
        if len(chosen) < size and not fact.excludes & ruled_out:
            chosen.append(fact)
            ruled_out |= fact.excludes
    used.update(chosen)
    return tuple(rng.sample(chosen, len(chosen)))


def _reply(rng: Random, kind: str, situation: Situation, fact: Fact) -> str:
    """A reaction followed by a sentence of the fact; sometimes the fact alone, or the fact first."""
    reaction = rng.choice(situation.reactions)
    own: str = rng.choice(getattr(fact, kind))
    shape = rng.random()
    if shape < 0.07:
        return own
    if shape < 0.16 and reaction.split()[0] not in OPENERS:
        return f"{own} {reaction}"
    return f"{reaction} {own}"


def _conversations(
    rng: Random,
    kind: str,
    bank: list[Situation],
    users: list[User],
    names: Iterator[str],
    size: int,
    seen: set[Turn],
) -> list[list[Turn]]:
    """One split: threads of one poster and one post, each with one to three replies by different users.

    No two conversations have the same post and the same reply; `seen` holds the pairs of all splits.
    """
    made: list[list[Turn]] = []
    round_: list[Situation] = []
    while len(made) < size:
        round_ = round_ or rng.sample(bank, len(bank))
        situation, poster = round_.pop(), next(names)
        post = rng.choice(situation.posts)
        for responder in rng.sample(users, rng.choice((1, 1, 2, 3))):
            turns = [(poster, post)]
            if rng.random() < 0.5:
                asker = rng.choice([user.name for user in users if user is not responder])
                turns += [(asker, rng.choice(situation.asks)), (poster, rng.choice(situation.answers))]
            reply = _reply(rng, kind, situation, rng.choice(responder.facts))
            if (post, reply) not in seen and len(made) < size:
                seen.add((post, reply))
                made.append([*turns, (responder.name, reply)])
    return made


def _write_lines(path: Path, blocks: list[list[str]]) -> None:
    """Write blocks of lines, each closed by a line of asterisks."""
    lines = [line for block in blocks for line in (*block, RULE)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def write(folder: Path, seed: int) -> None:
    """Write the sample to FOLDER/hf_pec: splits and personas of both domains, the same bytes for a seed."""
    rng = Random(seed)
    bank, names = facts(), _names(rng)
    shared = {split: [next(names) for _ in range(count)] for split, count in SHARED.items()}
    for domain, kind in DOMAINS.items():
        home = folder / "hf_pec" / domain
        home.mkdir(parents=True, exist_ok=True)
        scenes = situations(domain)
        everyone: list[User] = []
        seen: set[Turn] = set()
        for split, size in CONVERSATIONS.items():
            own = [next(names) for _ in range(RESPONDERS[split] - SHARED[split])]
            used: Counter[Fact] = Counter()
            users = [User(name, _persona(rng, bank, used)) for name in (*shared[split], *own)]
            everyone += users
            made = _conversations(rng, kind, scenes, users, names, size, seen)
            blocks = [[f"{speaker} ---+--- {text}" for speaker, text in turns] for turns in made]
            _write_lines(home / f"{split}.txt", blocks)
        rng.shuffle(everyone)
        personas = [[user.name, *(rng.choice(fact.says) for fact in user.facts)] for user in everyone]
        _write_lines(home / "persona.txt", personas)
