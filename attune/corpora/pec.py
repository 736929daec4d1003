"""PEC (Zhong et al. 2020): conversations of two subreddits, with sentences about the responder.

Its text files mark turns with ` ---+--- ` and close conversations and persona blocks with twenty asterisks.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from attune.core.errors import AttuneError
from attune.core.text import repeated
from attune.corpora.base import Corpus, Own, Row, Rows, Sampling, Schemas, Subset
from attune.corpora.blocks import Block, blocks, check_closed
from attune.corpora.cross_posts import Pools, apart, post, text_key
from attune.corpora.own_ranked import read as read_own
from attune.corpora.own_ranked import subset as own_subset
from attune.corpora.personas import Personas
from attune.corpora.reading import BadRow, BadRows
from attune.corpora.sizing import sized
from attune.corpora.spool import Spool
from attune.corpora.subsets import SPLITS, digest, draw, key, rank

if TYPE_CHECKING:
    import numpy as np

MARKER = " ---+--- "
DOMAINS = ("happy", "offmychest")
# What is held of each conversation while a subset is drawn: its number in reading order, its id and rank, whose
# reply it ends with, its words whoever wrote them, and the post that it begins with.
_COLUMNS = ("id", "rank", "responder", "text", "post")


@dataclass(frozen=True)
class Conversation:
    """Two turns or more; the last one is the response."""

    speakers: tuple[str, ...]
    utterances: tuple[str, ...]


def read_conversations(path: Path, bad: BadRows) -> Iterator[Conversation]:
    """A line without the marker continues the turn before. A malformed conversation is left out as a whole."""
    for block in blocks(path):
        with bad.leaving_out(path):
            yield _conversation(block)


def _conversation(block: Block) -> Conversation:
    check_closed(block)
    speakers: list[str] = []
    utterances: list[str] = []
    for number, line in block.lines:
        # Padded, so that a marker at either end of the line is seen: it leaves an empty user or utterance.
        user, marker, utterance = f" {line} ".partition(MARKER)
        if marker:
            speakers.append(_filled(user, number, "user before"))
            utterances.append(_filled(utterance, number, "utterance after"))
        elif utterances:
            utterances[-1] += " " + line.strip()
        else:
            raise BadRow(number, f"continues a turn before any turn; expected `<user>{MARKER}<utterance>`")
    if len(utterances) < 2:
        raise BadRow(
            block.end,
            f"the conversation that ends here has {len(utterances)} turn(s); expected two or more",
        )
    return Conversation(tuple(speakers), tuple(utterances))


def _filled(text: str, number: int, what: str) -> str:
    if not text.strip():
        raise BadRow(number, f"no {what} the marker; expected `<user>{MARKER}<utterance>`")
    return text.strip()


def read(path: Path, bad: BadRows) -> Iterable[object]:
    """The conversations of a split's file, or the users of a persona file."""
    return Personas(path, bad) if path.name == "persona.txt" else read_conversations(path, bad)


def subset(corpus: Corpus, raw: Path, sampling: Sampling, bad: BadRows, scratch: Path) -> Subset:
    """Conversations by "size/domain/split" and "evaluate/size/domain"; the ranking candidates by domain.

    Candidates are the replies of the whole test splits.

    Streams: 48 bytes are held per conversation, and 40 per block of personas.

    Raises
    ------
    AttuneError
        for a cap, for a split with fewer conversations than `sampling.sizes` asks for, and as reading does.
    """
    if sampling.cap is not None:
        raise AttuneError(f"corpora.{corpus.name}.cap does nothing: `subsets` says how many conversations are kept")
    files, counts = corpus.files(raw), {"bad_rows": 0}
    personas = {domain: Personas(files[f"{domain}/persona"], bad) for domain in DOMAINS}
    pools = apart(_pools(files, sampling.seed, bad, counts), counts)
    counts |= {f"{domain}_responses_without_persona": _unknown(pools[domain], personas[domain]) for domain in DOMAINS}
    counts["bad_rows"] = bad.count
    sets = {"/".join(names): part["number"] for names, part in sized(corpus.name, pools, sampling.sizes).items()}
    tests = {domain: splits["test"]["number"] for domain, splits in pools.items()}
    spool = Spool(scratch, sets | {f"candidates/{domain}": part for domain, part in tests.items()})
    again = BadRows("skip")  # they are counted already
    spool.fill(_row(domain, each) for domain, _, read in _conversations(files, again) for each in read)

    def conversations(name: str) -> Iterator[Row]:
        for row in spool.rows(name):
            yield row | {"personas": list(personas[row["domain"]].get(row["speakers"][-1], ()))}

    return Subset(
        {name: conversations(name) for name in sets}, counts, {domain: spool.candidates(domain) for domain in tests}
    )


def _conversations(files: Mapping[str, Path], bad: BadRows) -> Iterator[tuple[str, str, Iterator[Conversation]]]:
    """Domain, split and conversations of each file, in the order in which they are numbered."""
    for domain in DOMAINS:
        for split in SPLITS:
            yield domain, split, read_conversations(files[f"{domain}/{split}"], bad)


def _pools(files: Mapping[str, Path], seed: int, bad: BadRows, counts: dict[str, int]) -> Pools:
    """What is usable, as records of numbers and _COLUMNS in file order, by domain and split; what is not is counted."""
    import numpy as np

    pools: Pools = {domain: {} for domain in DOMAINS}
    number = 0
    for domain, split, conversations in _conversations(files, bad):
        columns = {name: array("Q") for name in _COLUMNS}
        for each in conversations:
            name, text = _row(domain, each)["id"], text_key(" ".join(each.utterances))
            numbers = (int(name, 16), rank(seed, name), key(each.speakers[-1]), text, post(each.utterances[0]))
            for column, value in zip(columns.values(), numbers, strict=True):
                column.append(value)
        pool = np.empty(len(columns["id"]), [(name, "u8") for name in ("number", *_COLUMNS)])
        pool["number"] = np.arange(number, number + len(pool))
        for name, values in columns.items():
            pool[name] = values
        number += len(pool)
        pools[domain][split] = pool[np.sort(draw(pool["rank"], None))]
        if again := len(pool) - len(pools[domain][split]):
            counts["repeated"] = counts.get("repeated", 0) + again
    return pools


def _unknown(splits: Mapping[str, "np.ndarray"], personas: Personas) -> int:
    """How many conversations of the splits end with a reply of somebody without a persona."""
    import numpy as np

    known = personas.with_sentences
    return sum(int(np.isin(pool["responder"], known, invert=True).sum()) for pool in splits.values())


def _row(domain: str, conversation: Conversation) -> Row:
    """A row of the conversation schema, without its personas."""
    return {
        "id": digest(domain, *conversation.speakers, *conversation.utterances),
        "domain": domain,
        "speakers": list(conversation.speakers),
        "utterances": list(conversation.utterances),
    }


def response_rows(conversation: Row, drop_repeated_personas: bool) -> Rows:
    """Context, response and the responder's persona; the last turn is the response (PEC's own rule)."""
    *context, response = conversation["utterances"]
    personas = [
        sentence
        for sentence in conversation["personas"]
        if not (drop_repeated_personas and repeated(sentence, response))
    ]
    row = {
        "id": conversation["id"],
        "domain": conversation["domain"],
        "context": context,
        "context_speakers": conversation["speakers"][:-1],
        "response": response,
        "response_speaker": conversation["speakers"][-1],
        "personas": personas,
        "dropped_personas": len(conversation["personas"]) - len(personas),
    }
    return [row]


PEC = Corpus(
    name="pec",
    title="PEC",
    # The dataset card's tag; the card adds that the text is Pushshift.io's, whose legal status is unclear.
    licence="gpl-3.0+",
    place="https://dl.dropboxusercontent.com/s/u04fzuhsnxd0uvw/hf_pec.zip",
    # Personas belong to a domain, not to a split.
    layouts=(
        {f"{domain}/{part}": f"hf_pec/{domain}/{part}.txt" for domain in DOMAINS for part in (*SPLITS, "persona")},
    ),
    read=read,
    key="id",
    rows=response_rows,
    schemas=Schemas(
        {
            "id": "string",
            "domain": "string",
            "speakers": "list<string>",
            "utterances": "list<string>",  # the last one is the response
            "personas": "list<string>",  # of the last speaker, in file order
        },
        {
            "id": "string",
            "domain": "string",
            "context": "list<string>",  # oldest turn first
            "context_speakers": "list<string>",
            "response": "string",
            "response_speaker": "string",
            "personas": "list<string>",
            "dropped_personas": "int32",  # persona sentences that the response repeats
        },
        {"id": "string", "response": "string"},
    ),
    lengths={"context": "context", "response": "response", "persona": "personas"},
    ranked=True,
    subset=subset,
    train_rows="large/all/train.parquet",
    indexed=True,
    own=Own(read_own, own_subset, columns=("persona", "domain")),
)
