"""PEC's place in the sample: people's conversations of BYU's Chit-Chat Challenge, in PEC's raw layout.

PEC itself is in no package. The package chitchat-dataset (MIT) carries 7,168 chats of 1,315 people, who met more than
once and rated their chats. PEC's two subreddits stand for two moods; here `happy` and `offmychest` are the chats that
their writers rated as more and as less upbeat. docs/data.md says what that stand-in can and cannot show.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from attune.corpora.blocks import END
from attune.corpora.pec import DOMAINS, MARKER
from attune.corpora.subsets import SPLITS, check_disjoint
from attune.corpora.wording import tokenised
from attune.sources.packages import chitchat_file
from attune.sources.sample.wording import masked

# Sentences that a person must have said in earlier chats before later ones give examples of their replies: as many as
# CoBERT reads (paper, section 5).
PERSONA_SIZE = 10
# The PEC paper's persona sentences, section 3: what people say about themselves in 4 to 20 words.
PERSONA_LENGTH = range(4, 21)
PERSONA_OPENINGS = ("i", "my")
# An exchange is cut off after a reply of five tokens or more that answers at least two turns.
SHORTEST_RESPONSE = 5
FEWEST_TURNS = 3
# Ratings go from 1 to 10, and half of them are the 5 at which the form starts.
NEUTRAL = 5
HELD_OUT_SHARE = 0.1  # of the chats, for validation and for testing each
ORIGINS = "origins.json"


@dataclass(frozen=True)
class Chat:
    """Two people's turns as (person, messages); upbeat: their rating from 1 to 10, None where they gave none."""

    id: str
    start: str
    upbeat: int | None
    turns: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def people(self) -> set[str]:
        return {person for person, _ in self.turns}


@dataclass
class Parts:
    """Chats by what they are used for: personas, or examples of one split; said: each person's persona sentences."""

    said: dict[str, dict[str, None]] = field(default_factory=dict)
    personas: list[Chat] = field(default_factory=list)
    examples: list[Chat] = field(default_factory=list)


def write(folder: Path, seed: int) -> None:
    """Write the stand-in to FOLDER/hf_pec: splits and personas of both domains, the same bytes for a seed.

    origins.json beside them has the package's ids of the chats of each split, and of those that gave personas.

    Raises
    ------
    AttuneError
        if the package is not installed or is not the one that is expected.
    """
    parts = divided(chats(json.loads(chitchat_file().read_text(encoding="utf-8"))))
    splits = split(parts.examples, seed)
    origins = {name: sorted(chat.id for chat in part) for name, part in splits.items()}
    origins["persona"] = sorted(chat.id for chat in parts.personas)
    check_disjoint(origins)
    for domain in DOMAINS:
        home = folder / "hf_pec" / domain
        home.mkdir(parents=True, exist_ok=True)
        responders: dict[str, None] = {}
        for name, part in splits.items():
            cut = [exchange for chat in part if domain_of(chat) == domain for exchange in exchanges(chat)]
            _write_blocks(home / f"{name}.txt", ([f"{who}{MARKER}{text}" for who, text in each] for each in cut))
            responders |= {each[-1][0]: None for each in cut}
        _write_blocks(home / "persona.txt", ([who, *parts.said[who]] for who in sorted(responders)))
    (folder / "hf_pec" / ORIGINS).write_text(json.dumps(origins, indent=0) + "\n", encoding="utf-8")


def chats(dataset: Mapping[str, Mapping[str, Any]]) -> list[Chat]:
    """The chats in which exactly two people wrote, oldest first; a person's successive messages are one turn."""
    found = [_chat(name, entry) for name, entry in dataset.items()]
    return sorted((chat for chat in found if len(chat.people) == 2), key=lambda chat: (chat.start, chat.id))


def _chat(name: str, entry: Mapping[str, Any]) -> Chat:
    turns: list[tuple[str, list[str]]] = []
    for message in (each for turn in entry["messages"] for each in turn):
        text = tokenised(masked(message["text"]))
        if not text:
            continue
        person = f"writer_{message['sender'][:8]}"
        if turns and turns[-1][0] == person:
            turns[-1][1].append(text)
        else:
            turns.append((person, [text]))
    upbeat = (entry.get("ratings") or {}).get("upbeat")
    return Chat(name, entry["start"], upbeat, tuple((who, tuple(texts)) for who, texts in turns))


def divided(ordered: Iterable[Chat]) -> Parts:
    """Which chats give personas, and which give examples; `ordered` by time.

    A chat gives personas as long as one of its two people has said too little about themselves. All later ones give
    examples. A persona is complete when its person's first example comes, so that it is from earlier chats alone, none
    of which gives an example itself.
    """
    parts = Parts()
    complete: set[str] = set()
    for chat in ordered:
        if all(len(parts.said.get(person, ())) >= PERSONA_SIZE for person in chat.people):
            if chat.upbeat is not None:
                parts.examples.append(chat)
                complete |= chat.people
            continue
        parts.personas.append(chat)
        for person, messages in chat.turns:
            if person not in complete:
                own = (sentence for message in messages for sentence in persona_sentences(message))
                parts.said.setdefault(person, {}).update(dict.fromkeys(own))
    return parts


def persona_sentences(message: str) -> Iterator[str]:
    """The sentences of a tokenised message that begin with I or my, of 4 to 20 tokens, and are no question."""
    for sentence in re.split(r"(?<=[.!?]) ", message):
        words = sentence.split()
        if words[0] in PERSONA_OPENINGS and len(words) in PERSONA_LENGTH and not sentence.endswith("?"):
            yield sentence


def domain_of(chat: Chat) -> str:
    """`happy` for a chat that its writers rated as more upbeat than neutral, `offmychest` for any other."""
    happy, offmychest = DOMAINS
    return happy if (chat.upbeat or 0) > NEUTRAL else offmychest


def split(examples: Sequence[Chat], seed: int) -> dict[str, list[Chat]]:
    """Whole chats by split, each domain divided alike, in the order of `examples`."""
    place: dict[str, str] = {}
    for domain in DOMAINS:
        names = sorted(chat.id for chat in examples if domain_of(chat) == domain)
        Random(f"{seed}/{domain}").shuffle(names)
        size = round(len(names) * HELD_OUT_SHARE)
        for at, name in enumerate(names):
            place[name] = "test" if at < size else "valid" if at < 2 * size else "train"
    return {name: [chat for chat in examples if place[chat.id] == name] for name in SPLITS}


def exchanges(chat: Chat) -> Iterator[list[tuple[str, str]]]:
    """Successive pieces of a chat, without overlap: each ends at the first turn that may be a response.

    What follows the last of them is left out.
    """
    piece: list[tuple[str, str]] = []
    for person, messages in chat.turns:
        piece.append((person, " ".join(messages)))
        if len(piece) >= FEWEST_TURNS and len(piece[-1][1].split()) >= SHORTEST_RESPONSE:
            yield piece
            piece = []


def _write_blocks(path: Path, blocks: Iterable[Sequence[str]]) -> None:
    """Write blocks of lines, each closed by a line of asterisks."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for block in blocks:
            file.writelines(f"{line}\n" for line in (*block, END))
