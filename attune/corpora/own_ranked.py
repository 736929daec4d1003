"""One's own conversations in the place of the corpus whose replies are ranked: one file, without splits."""

from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from attune.core.errors import AttuneError
from attune.corpora.base import Corpus, Row, Sampling, Subset
from attune.corpora.copies import together
from attune.corpora.own import ALL, opening, said
from attune.corpora.own import read as read_own
from attune.corpora.reading import BadRows
from attune.corpora.sizing import sized
from attune.corpora.spool import Spool
from attune.corpora.subsets import draw, key, opening_key, rank, split_by_opening
from attune.corpora.wording import tokenised

if TYPE_CHECKING:
    import numpy as np

Splits = dict[str, "np.ndarray"]


def read(path: Path, bad: BadRows) -> Iterator[Row]:
    """The conversations in the wording that rankers read; the last turn is the response that is ranked."""
    for each in read_own(path, bad):
        yield {
            "id": each["id"],
            "domain": each.get("domain", ALL),
            "speakers": each["speakers"],
            "utterances": [tokenised(text) for text in each["utterances"]],
            "personas": list(dict.fromkeys(map(tokenised, each["personas"]))),
            "conversation": each.get("conversation", ""),
        }


def subset(corpus: Corpus, raw: Path, sampling: Sampling, bad: BadRows, scratch: Path) -> Subset:
    """Conversations and candidates as the built-in corpus has them, out of one file.

    `sampling.test_share` of the conversations are for testing, and half that share of the rest for validation; those
    with the same opening, and rows of the same `conversation`, stay together. If one opening is all that is left beside
    the test part, a third of that part is for validation. Domains that have too few conversations for `sampling.sizes`
    are part of `all` alone.

    Streams: some 60 bytes are held per conversation.

    Raises
    ------
    AttuneError
        for a cap, for fewer conversations than `sampling.sizes` asks for, and as reading does.
    """
    import numpy as np

    if sampling.cap is not None:
        raise AttuneError(f"corpora.{corpus.name}.cap does nothing: `subsets` says how many conversations are kept")
    path, counts = corpus.files(raw)["train"], {"bad_rows": 0}
    names, splits = _splits(corpus, corpus.read(path, bad), sampling, counts)
    counts["bad_rows"] = bad.count
    pools = {ALL: splits}
    divided = {split: _by_domain(part, len(names)) for split, part in splits.items()}
    for number, name in enumerate(names):
        own = {split: parts[number] for split, parts in divided.items()}
        if name != ALL and _enough(own, sampling):
            pools[name] = own
    sets = {"/".join(place): part["number"] for place, part in sized(corpus.name, pools, sampling.sizes).items()}
    tests = {f"candidates/{domain}": np.sort(parts["test"]["number"]) for domain, parts in pools.items()}
    spool = Spool(scratch, sets | tests)
    spool.fill(corpus.read(path, BadRows("skip")))  # bad rows are counted already

    candidates = {domain: spool.candidates(domain) for domain in pools}
    return Subset({name: spool.rows(name) for name in sets}, counts, candidates)


def _splits(
    corpus: Corpus, rows: Iterable[Row], sampling: Sampling, counts: dict[str, int]
) -> tuple[list[str], Splits]:
    """The domains, and the distinct conversations of each split, as numbers alone."""
    import numpy as np

    columns = {name: array("Q") for name in ("id", "rank", "domain")}
    texts = {name: array("Q") for name in ("opening", "said", "conversation")}
    names: dict[str, int] = {}
    unknown = array("b")  # whether a conversation has no persona
    for row in rows:
        columns["id"].append(int(row["id"], 16))
        columns["rank"].append(rank(sampling.seed, row["id"]))
        texts["opening"].append(opening_key(opening(row)))
        texts["said"].append(opening_key(said(row)))
        texts["conversation"].append(key(row["conversation"]) if row["conversation"] else 0)
        columns["domain"].append(names.setdefault(row["domain"], len(names)))
        unknown.append(not row["personas"])
    pool = np.empty(len(columns["id"]), [(name, "u8") for name in ("number", "opening", *columns)])
    pool["number"] = np.arange(len(pool))
    for name, values in columns.items():
        pool[name] = values
    distinct = draw(pool["rank"], None)
    drawn = pool[distinct]
    openings, said_texts, conversations = map(np.asarray, texts.values())
    drawn["opening"] = together(openings, said_texts, conversations, distinct)
    counts["repeated"] = len(pool) - len(drawn)
    counts["conversations_without_persona"] = int(np.asarray(unknown)[distinct].sum())
    whose = f"corpora.{corpus.name}"
    parts = split_by_opening(drawn["opening"], sampling.test_share, f"{whose} has")
    test, rest = drawn[parts["test"]], drawn[parts["train"]]
    if len(np.unique(rest["opening"])) == 1 < len(np.unique(test["opening"])):
        # Most of the conversations begin alike, and all of these are for training.
        parts = split_by_opening(test["opening"], 1 / 3, whose)
        return list(names), {"train": rest, "valid": test[parts["test"]], "test": test[parts["train"]]}
    parts = split_by_opening(rest["opening"], sampling.test_share / 2, f"{whose} without its test split has")
    return list(names), {"train": rest[parts["train"]], "valid": rest[parts["test"]], "test": test}


def _by_domain(records: "np.ndarray", domains: int) -> "list[np.ndarray]":
    """The records of each domain, in their order; sorted once, since there may be as many domains as records."""
    import numpy as np

    order = np.argsort(records["domain"], kind="stable")
    return np.split(records[order], np.searchsorted(records["domain"][order], np.arange(1, domains)))


def _enough(splits: Splits, sampling: Sampling) -> bool:
    """Whether a domain has as many conversations as every size asks for, and one at least."""
    return all(
        len(splits["test" if split == "evaluate" else split]) >= (count or 1)
        for size in sampling.sizes.values()
        for split, count in size.items()
    )
