"""How much of each test set also stands in what models learned from or retrieve from, and scores split by it.

The unit is the n-gram of N words, lower-cased and without punctuation, within one turn. As GPT-3's authors do (Brown et
al. 2020, appendix C), a test example overlaps where any of its n-grams is found; as PaLM's do (Chowdhery et al. 2022,
section 8), it is mostly contained where at least MOSTLY of them are. Turns of fewer than N words have no n-gram: in
conversation, texts that short repeat by chance.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from attune.core.errors import AttuneError
from attune.core.files import stream_parquet
from attune.corpora import ranking_corpus
from attune.evaluation.generation.summary import TARGETS, Rows, nats_per_token, system_of
from attune.evaluation.units import by_unit, enough_clusters
from attune.generators.prompts import Example, example
from attune.metrics.bootstrap import rounded, with_intervals
from attune.metrics.ratio import Ratio
from attune.metrics.words import WORD

# The shortest n-gram of GPT-3's analysis, and the one of PaLM's.
N = 8
# PaLM's share of n-grams.
MOSTLY = 0.7
PLACES = 4
_WORD = re.compile(WORD)
# By which n-grams scores are split: those of the reply alone, or those of the context too.
SPLITS = ("reply", "example")


def ngrams(text: str) -> set[str]:
    """All runs of N words of a text; empty for a shorter one."""
    words = _WORD.findall(text.lower())
    return {" ".join(words[at : at + N]) for at in range(len(words) - N + 1)}


@dataclass(frozen=True)
class Measured:
    """A test example's n-grams: of the turns before the reply, and of the reply."""

    id: str
    conversation: str
    context: frozenset[str]
    reply: frozenset[str]

    @classmethod
    def of(cls, each: Example) -> "Measured":
        turns = (*each.history, each.question)
        return cls(each.id, each.conversation, frozenset().union(*map(ngrams, turns)), frozenset(ngrams(each.reply)))

    def overlaps(self, found: set[str], split: str) -> bool:
        """Whether any n-gram of the reply, or of the context and the reply (`example`), is among `found`."""
        return not found.isdisjoint(self.reply if split == "reply" else self.reply | self.context)

    def mostly_contained(self, found: set[str]) -> bool:
        own = self.context | self.reply
        return bool(own) and len(own & found) / len(own) >= MOSTLY


@dataclass(frozen=True)
class Contamination:
    """The test sets by name, and for each train set or retrieval bank the tests' n-grams that it holds.

    A set is named by its folder below data/processed, a bank by `index/` and its folder.
    """

    tests: Mapping[str, Sequence[Measured]]
    found: Mapping[str, set[str]]

    @classmethod
    def measure(cls, processed: Path, index: Path, corpora: Iterable[str]) -> "Contamination":
        """Of every test set with every train.parquet below `processed`, and with every rows.parquet below `index`.

        Only of `corpora`, by name: the folders may still have one that has been taken out of params.yaml.

        A test set is a test.parquet or, for a subset whose models are ranked on other contexts than its own
        test.parquet, the file below CORPUS/evaluate/ in its place. Only the n-grams of test sets are held in memory;
        train sets are streamed.
        """
        names = sorted(corpora)
        files = {_name(path, processed): path for path in _files(processed, names, "test.parquet")}
        for ranked in (processed / name / "evaluate" for name in names):
            for path in sorted(ranked.rglob("*.parquet")):
                files[f"{ranked.parent.name}/{path.relative_to(ranked).with_suffix('').as_posix()}"] = path
        tests = {name: [Measured.of(example(row)) for row in stream_parquet(path)] for name, path in files.items()}
        wanted = {each for rows in tests.values() for row in rows for each in row.context | row.reply}
        found = {
            _name(path, processed): wanted & set(_all_ngrams(path))
            for path in _files(processed, names, "train.parquet")
        }
        for path in _files(index, names, "rows.parquet"):
            texts = (text for row in stream_parquet(path) for text in (row["text"], row["reply"]))
            found[f"index/{_name(path, index)}"] = wanted & {each for text in texts for each in ngrams(text)}
        return cls(tests, found)

    def overlaps(self) -> list[dict[str, Any]]:
        """One record per test set and source: shares of the test rows, and the rows that have an n-gram at all."""
        return [
            {"test": test, "source": source, "rows": len(rows), **_shares(rows, found)}
            for test, rows in self.tests.items()
            for source, found in self.found.items()
        ]

    def overlapping(self, test: str, split: str) -> dict[str, bool]:
        """Whether each example of a test set overlaps with the train set of the same folder, by the example's id.

        Raises
        ------
        AttuneError
            if there is no such test set.
        """
        if test not in self.tests or test not in self.found:
            raise AttuneError(f"there is no test and train set called {test!r}; there are {', '.join(self.tests)}")
        return {each.id: each.overlaps(self.found[test], split) for each in self.tests[test]}


def _files(folder: Path, corpora: Iterable[str], name: str) -> list[Path]:
    """Those called `name` in the folders of `corpora`, in their order."""
    return [path for corpus in corpora for path in sorted((folder / corpus).rglob(name))]


def _name(path: Path, folder: Path) -> str:
    return path.parent.relative_to(folder).as_posix()


def _all_ngrams(path: Path) -> Iterator[str]:
    for row in stream_parquet(path):
        measured = Measured.of(example(row))
        yield from measured.context | measured.reply


def _shares(rows: Sequence[Measured], found: set[str]) -> dict[str, Any]:
    shares = {split: fmean(row.overlaps(found, split) for row in rows) for split in SPLITS}
    shares["mostly_contained"] = fmean(row.mostly_contained(found) for row in rows)
    return {"rows_with_ngrams": sum(bool(row.context | row.reply) for row in rows), **rounded(shares, PLACES)}


def split_ranking(contamination: Contamination, ranked: Rows, seed: int) -> list[dict[str, Any]]:
    """MRR of each model on the test contexts that overlap with its train set, and on the others.

    ranked: rows as `evaluation.schemas.RANKED` has them.
    """
    records = []
    for (subset, domain), rows in _grouped(ranked, "subset", "domain").items():
        test = f"{ranking_corpus().name}/{subset}/{domain}"
        for split in SPLITS:
            places = contamination.overlapping(test, split)
            by_row = {each.conversation: places[each.id] for each in contamination.tests[test]}
            for (model,), own in _grouped(rows, "model").items():
                groups = [[row for row in own if by_row[row["id"]] is kind] for kind in (True, False)]
                two = _two([_mrr(group, enough_clusters(own)) for group in groups], seed)
                records.append({"test": test, "system": model, "score": "mrr", "split": split, **two})
    return records


def split_losses(
    contamination: Contamination, scored: Rows, tests: Mapping[str, str], seed: int
) -> list[dict[str, Any]]:
    """Nats per token of each system, and its gain over its untrained base, on the replies that overlap and the others.

    The gain tells memory from ease: replies that overlap may be easier or harder for any model. scored: rows as
    `evaluation.schemas.SCORED` has them. tests: each generator's test set.
    """
    records = []
    written = [{**row, "gain": row["base_nats"] - row["nats"]} for row in scored if row["generator"] != TARGETS]
    for (generator, variant), rows in _grouped(written, "generator", "variant").items():
        about = {"test": tests[generator], "system": system_of(generator, variant)}
        for split in SPLITS:
            places = contamination.overlapping(about["test"], split)
            groups = [[row for row in rows if places[row["id"]] is kind] for kind in (True, False)]
            for score, column in (("loss", "nats"), ("gain", "gain")):
                two = _two([nats_per_token(group, column, enough_clusters(rows)) for group in groups], seed)
                records.append({**about, "score": score, "split": split, **two})
    return records


def _mrr(rows: Rows, clustered: bool) -> Ratio:
    return by_unit(rows, "id", [1 / row["rank"] for row in rows], clustered=clustered)


def _two(ratios: Sequence[Ratio], seed: int) -> dict[str, Any]:
    """What overlaps, then the rest: its number of units and, where there are some, the score with its interval.

    Units are as `evaluation.units` has them, of both together.
    """
    record: dict[str, Any] = {}
    for name, ratio in zip(("overlapping", "other"), ratios, strict=True):
        record[f"{name}_units"] = len(ratio.numerator)
        if ratio.numerator:
            record |= with_intervals({name: [ratio]}, seed, PLACES)
    return record


def _grouped(rows: Iterable[Mapping[str, Any]], *columns: str) -> dict[tuple[Any, ...], list[Mapping[str, Any]]]:
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in columns), []).append(row)
    return groups
