"""Which two replies are shown side by side, and under which letter: blind, and in balanced order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from attune.core.determinism import seeded
from attune.core.errors import AttuneError
from attune.core.files import read_parquet
from attune.evaluation.generation.summary import TARGETS, system_of

# Replies of each system by the test example's id.
Replies = Mapping[str, Mapping[str, str]]
# The turns before the reply by the test example's id, oldest first.
Contexts = Mapping[str, tuple[str, ...]]
# What else a test example belongs with, its `conversation` and `cluster` (`attune.evaluation.schemas`), by its id.
Origins = Mapping[str, Mapping[str, str]]
# What a row of each kind of corpus has that an example is made of (`attune.generators.prompts.example`).
_COLUMNS = (
    "id, context, context_speakers, personas, response and response_speaker, or conv_id, turn, history, input, "
    "target and situation, or id, turn, system, history, prompt and completion"
)


@dataclass(frozen=True)
class Pair:
    """Two replies to one context: a number that says nothing, and under A and B a system and its reply each."""

    pair: str
    id: str
    context: tuple[str, ...]
    system_a: str
    system_b: str
    reply_a: str
    reply_b: str


def read_replies(path: Path) -> tuple[Replies, Contexts, Origins]:
    """The systems' replies, and for each example its prompt and its origin, of a file in data/evaluation.

    A row has `system`, or `generator` and `variant`; rows without a reply were only scored, and are left out. A
    file without conversations and clusters, such as that of everyday messages, has contexts that belong with no other.

    Raises
    ------
    AttuneError
        for a file that is missing or has other columns, and for two different replies of one system to one example.
    """
    if not path.is_file():
        raise AttuneError(
            f"{path} is missing; `make repro` writes data/evaluation/answers.parquet, or name another file"
        )
    replies: dict[str, dict[str, str]] = {}
    prompts: dict[str, tuple[str, ...]] = {}
    origins: dict[str, dict[str, str]] = {}
    for row in read_parquet(path):
        if not {"id", "prompt", "reply"} <= row.keys() or not (
            "system" in row or {"generator", "variant"} <= row.keys()
        ):
            raise AttuneError(
                f"{path} has the columns {', '.join(row)}; it needs id, prompt and reply, and system or generator and "
                "variant"
            )
        if row["reply"] is None:
            continue
        system = row["system"] if "system" in row else system_of(row["generator"], row["variant"])
        if replies.setdefault(system, {}).setdefault(row["id"], row["reply"]) != row["reply"]:
            raise AttuneError(f"{path}: {system} has two different replies to {row['id']!r}; it may have one")
        prompts[row["id"]] = (row["prompt"],)
        origins[row["id"]] = {"conversation": row.get("conversation", row["id"]), "cluster": row.get("cluster", "")}
    return replies, prompts, origins


def read_contexts(path: Path) -> dict[str, tuple[str, ...]]:
    """The whole conversation before each reply of a test.parquet in data/processed, by the example's id.

    Raises
    ------
    AttuneError
        for a file that is missing or of which no examples can be made.
    """
    from attune.generators.prompts import examples

    if not path.is_file():
        raise AttuneError(f"{path} is missing; `make repro` writes each corpus' test.parquet below data/processed")
    try:
        return {each.id: (*each.history, each.question) for each in examples(read_parquet(path))}
    except (KeyError, TypeError):
        raise AttuneError(f"{path} is no test.parquet of a corpus in data/processed, which has {_COLUMNS}") from None


def chosen_systems(replies: Replies, names: Sequence[str]) -> list[str]:
    """The systems called `names`; all but the true replies where none is named.

    Raises
    ------
    AttuneError
        for an unknown name, and for fewer than two systems.
    """
    for name in names:
        if name not in replies:
            raise AttuneError(f"there are no replies of a system called {name!r}; there are {', '.join(replies)}")
    systems = list(dict.fromkeys(names)) or [name for name in replies if name != TARGETS]
    if len(systems) < 2:
        raise AttuneError(f"a pair needs two systems; there is {', '.join(systems) or 'none'}")
    return systems


def pairs(
    replies: Replies, contexts: Contexts, systems: Sequence[str], most: int | None, seed: int, both_orders: bool
) -> tuple[list[Pair], int]:
    """Every two of `systems` on the same contexts, at most `most` of them, in an order drawn from `seed`; and a count.

    Each two systems' replies stand first equally often (one more or less where the number is odd); both_orders: each
    pair is shown twice, once in either order. The count is of pairs that are left out because both replies are the
    same text.

    Raises
    ------
    AttuneError
        if the systems have no context in common, or one that has no turns in `contexts`.
    """
    shared = sorted(set.intersection(*(set(replies[system]) for system in systems)))
    missing = [each for each in shared if each not in contexts]
    if not shared or missing:
        none = "they have none in common; name systems of one corpus with --systems"
        about = f"the context {missing[0]!r} is not among the given ones" if missing else none
        raise AttuneError(f"{', '.join(systems)} must have replied to the same contexts; {about}")
    seeded(seed, "judged contexts").shuffle(shared)
    drawn: list[tuple[str, str, str]] = []
    same = 0
    for number, two in enumerate(combinations(systems, 2)):
        different = [each for each in shared[:most] if not _alike(replies[two[0]][each], replies[two[1]][each])]
        same += len(shared[:most]) - len(different)
        # Where the number is odd, the system named first and the one named second have the extra place in turn.
        drawn += [(each, *(two if (at + number) % 2 else two[::-1])) for at, each in enumerate(different)]
    if both_orders:
        drawn += [(each, second, first) for each, first, second in drawn]
    seeded(seed, "order of the pairs").shuffle(drawn)
    width = len(str(len(drawn)))
    return [
        Pair(f"p{at:0{width}}", each, contexts[each], first, second, replies[first][each], replies[second][each])
        for at, (each, first, second) in enumerate(drawn, 1)
    ], same


def _alike(first: str, second: str) -> bool:
    return first.split() == second.split()


def shown(pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    """What annotators are given: one row per pair, without the systems; a context's turns are lines."""
    return [
        {"pair": each.pair, "context": "\n".join(each.context), "reply_a": each.reply_a, "reply_b": each.reply_b}
        for each in pairs
    ]


def key(pairs: Iterable[Pair], form: str, origins: Origins) -> list[dict[str, Any]]:
    """What annotators are not given: the form's fingerprint, and which systems and context each pair is of.

    The context's conversation and cluster say what its judgements belong with when the answers are analysed.
    """
    return [
        {"form": form, "pair": each.pair, "id": each.id, "system_a": each.system_a, "system_b": each.system_b}
        | dict(origins[each.id])
        for each in pairs
    ]
