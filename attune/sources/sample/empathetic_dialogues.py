"""The sample corpus in EmpatheticDialogues' raw format: hand-written banks, combined by a seed.

In a bank, `after` lists, for each line of the group before, the lines (counted from 1) of the named group that may come
next. Where replies have no such list, each opening can get each reply that takes up nothing said in another opening. A
reply names the feeling and what happened, then asks about it or wishes something: what EPITOME calls emotional
reactions, interpretations and explorations (Sharma et al. 2020, section 3).
"""

import random
import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BANKS = Path(__file__).parent / "banks"
HEADER = "conv_id,utterance_idx,context,prompt,speaker_idx,utterance,selfeval,tags"
# Four conversations about each situation: enough for the trainings, which read some 500 replies.
SPLITS = {"train": 944, "valid": 118, "test": 118}
TURNS = ("openings", "replies", "follow", "closings", "ends")
LENGTHS = {2: 15, 3: 15, 4: 45, 5: 25}
STEM = 5
COMMON = 0.10
TRIES = 200


@dataclass(frozen=True)
class Situation:
    """One situation told by a speaker: its prompt and, for each turn, the possible lines.

    All conversations about it have the same prompt, by which the pipeline keeps them on one side of its split.
    `after[turn][line]`: the lines of `turn` that may follow that line of the previous turn.
    """

    emotion: str
    prompt: str
    turns: tuple[tuple[str, ...], ...]
    after: dict[int, dict[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Conversation:
    """One conversation: its emotion, the situation text and the utterances in order."""

    emotion: str
    prompt: str
    utterances: tuple[str, ...]


def load(folder: Path = BANKS) -> list[Situation]:
    """All situations of the banks, in file order."""
    situations = []
    for path in sorted(folder.glob("empathetic_dialogues*.toml")):
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["situation"]:
            turns = tuple(tuple(entry[name]) for name in TURNS)
            after = {}
            for name, lists in entry["after"].items():
                turn = TURNS.index(name)
                lines = [tuple(turns[turn][number - 1] for number in numbers) for numbers in lists]
                after[turn] = dict(zip(turns[turn - 1], lines, strict=True))
            situations.append(Situation(entry["emotion"], entry["prompt"], turns, after))
    return situations


@cache
def stems(text: str) -> frozenset[str]:
    """The beginnings of the words (3 letters or more) of a text."""
    return frozenset(word[:STEM] for word in re.findall(r"[a-z]{3,}", text.lower()))


def all_stems(texts: Iterable[str]) -> frozenset[str]:
    """The stems of several texts together."""
    return frozenset().union(*map(stems, texts))


def common_stems(situations: list[Situation]) -> set[str]:
    """Stems that too many situations use to refer to anything in particular."""
    counts = Counter(s for one in situations for s in all_stems(t for turn in one.turns for t in turn))
    return {stem for stem, count in counts.items() if count > COMMON * len(situations)}


def fitting(situation: Situation, said: list[str], common: set[str]) -> list[str]:
    """The lines that may come next and refer least to what this conversation has left out.

    A line often repeats a word of the speaker's story. If that word is only in variants that were not chosen, the line
    would answer something that nobody said; lines with fewest such words are kept.
    """
    turn = len(said)
    allowed = situation.after[turn][said[-1]] if turn in situation.after else situation.turns[turn]
    earlier = all_stems(text for group in situation.turns[:turn:2] for text in group)
    unsaid = earlier - all_stems(said) - common
    dangling = {line: len(stems(line) & unsaid) for line in allowed}
    least = min(dangling.values(), default=0)
    return [line for line, count in dangling.items() if count == least]


def converse(situation: Situation, length: int, common: set[str], rng: random.Random) -> Conversation:
    """One random conversation of `length` turns, or fewer where nothing can follow."""
    said: list[str] = []
    while len(said) < length:
        lines = fitting(situation, said, common)
        if not lines:
            break
        onward = situation.after.get(len(said) + 1) if len(said) + 1 < length else None
        said.append(rng.choice([line for line in lines if onward is None or onward[line]] or lines))
    return Conversation(situation.emotion, situation.prompt, tuple(said))


def conversations(situations: list[Situation], count: int, rng: random.Random) -> list[Conversation]:
    """`count` different conversations, spread evenly over the situations, in random order."""
    common = common_stems(situations)
    lengths = list(LENGTHS)
    made: dict[tuple[str, ...], Conversation] = {}
    order: list[Situation] = []
    while len(made) < count:
        order = order or rng.sample(situations, len(situations))
        situation = order.pop()
        length = rng.choices(lengths, [LENGTHS[n] for n in lengths])[0]
        for _ in range(TRIES):
            new = converse(situation, length, common, rng)
            if made.setdefault(new.utterances, new) is new:
                break
    drawn = list(made.values())
    rng.shuffle(drawn)
    return drawn


def rows(number: int, conversation: Conversation) -> list[str]:
    """The raw lines of one conversation; commas inside its texts become `_comma_`."""
    conv_id = f"hit:{number // 2}_conv:{number}"
    prompt = conversation.prompt.replace(",", "_comma_")
    lines = []
    for index, text in enumerate(conversation.utterances, start=1):
        utterance = text.replace(",", "_comma_")
        lines.append(f"{conv_id},{index},{conversation.emotion},{prompt},{(index + 1) % 2},{utterance},,")
    return lines


def write(folder: Path, seed: int) -> None:
    """Write train.csv, valid.csv and test.csv into `folder`; the same seed gives the same bytes."""
    rng = random.Random(seed)
    drawn = conversations(load(), sum(SPLITS.values()), rng)
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for split, size in SPLITS.items():
        lines = [HEADER]
        for conversation in drawn[number : number + size]:
            lines += rows(number, conversation)
            number += 1
        (folder / f"{split}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
