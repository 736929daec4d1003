"""PEC (Zhong et al. 2020): conversations of two subreddits, with sentences about whoever replies.

Its text files mark turns with ` ---+--- ` and close conversations and persona blocks with twenty asterisks.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from attune.core.errors import AttuneError
from attune.core.text import repeated
from attune.corpora.base import Corpus, Row, Rows, Sampling, Schemas, Subset
from attune.corpora.reading import BadRow, BadRows, ends_with_line_break, lines
from attune.corpora.subsets import SPLITS, digest, distinct, sized, without_leaks

MARKER = " ---+--- "
END = "*" * 20
DOMAINS = ("happy", "offmychest")


@dataclass(frozen=True)
class Conversation:
    """Two turns or more; the last one is the response."""

    speakers: tuple[str, ...]
    utterances: tuple[str, ...]


class Block(NamedTuple):
    """The numbered lines before an end mark or the file's end, and the number of the line that closes them."""

    lines: list[tuple[int, str]]
    end: int
    complete: bool


def read_conversations(path: Path, bad: BadRows) -> Iterator[Conversation]:
    """A line without the marker continues the turn before. A malformed conversation is left out as a whole."""
    for block in _blocks(path):
        try:
            conversation = _conversation(block)
        except BadRow as error:
            bad.add(path, error.number, str(error))
        else:
            yield conversation


def read_personas(path: Path, bad: BadRows) -> dict[str, tuple[str, ...]]:
    """Each user's sentences in file order without repeats; a user's later block adds to the earlier one."""
    personas: dict[str, dict[str, None]] = {}
    for block in _blocks(path):
        try:
            user, sentences = _persona(block)
        except BadRow as error:
            bad.add(path, error.number, str(error))
        else:
            personas.setdefault(user, {}).update(dict.fromkeys(sentences))
    return {user: tuple(sentences) for user, sentences in personas.items()}


def _blocks(path: Path) -> Iterator[Block]:
    block: list[tuple[int, str]] = []
    for number, line in lines(path):
        if line.strip() == END:
            yield Block(block, number, complete=True)
            block = []
        else:
            block.append((number, line))
    if block:
        yield Block(block, block[-1][0], complete=ends_with_line_break(path))


def _conversation(block: Block) -> Conversation:
    _check_complete(block)
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


def _persona(block: Block) -> tuple[str, list[str]]:
    _check_complete(block)
    if not block.lines:
        raise BadRow(block.end, "a persona block without a user; expected the user's name on its first line")
    user, *sentences = (line.strip() for _, line in block.lines)
    return user, sentences


def _check_complete(block: Block) -> None:
    if not block.complete:
        raise BadRow(block.end, "the file ends in the middle of this line; expected a line break; fetch it again")


def _filled(text: str, number: int, what: str) -> str:
    if not text.strip():
        raise BadRow(number, f"no {what} the marker; expected `<user>{MARKER}<utterance>`")
    return text.strip()


def read(path: Path, bad: BadRows) -> Iterable[object]:
    """The conversations of a split's file, or the users of a persona file."""
    return read_personas(path, bad) if path.name == "persona.txt" else read_conversations(path, bad)


def subset(corpus: Corpus, raw: Path, sampling: Sampling, bad: BadRows) -> Subset:
    """Conversations by "size/domain/split"; the replies of the whole test splits by domain, as ranking candidates.

    Raises
    ------
    AttuneError
        for a cap, for a split with fewer conversations than `sampling.sizes` asks for, and as reading does.
    """
    if sampling.cap is not None:
        raise AttuneError(f"corpora.{corpus.name}.cap does nothing: `subsets` says how many conversations are kept")
    counts: dict[str, int] = {}
    rows = conversations(corpus.files(raw), bad, counts)
    sets = {"/".join(names): part for names, part in sized(corpus.name, rows, sampling.sizes, sampling.seed).items()}
    tests = {domain: splits["test"] for domain, splits in rows.items()}
    tests["all"] = [row for part in tests.values() for row in part]
    candidates = {
        domain: [{"id": row["id"], "response": row["utterances"][-1]} for row in part] for domain, part in tests.items()
    }
    return Subset(sets, counts | {"bad_rows": bad.count}, candidates)


def conversations(files: Mapping[str, Path], bad: BadRows, counts: dict[str, int]) -> dict[str, dict[str, Rows]]:
    """Conversations by domain and split; each domain has its own persona table, for some users are in both."""
    rows = {}
    for domain in DOMAINS:
        personas = read_personas(files[f"{domain}/persona"], bad)
        splits = {
            split: list(
                distinct(
                    (
                        _conversation_row(domain, conversation, personas)
                        for conversation in read_conversations(files[f"{domain}/{split}"], bad)
                    ),
                    lambda row: row["id"],
                    counts,
                )
            )
            for split in SPLITS
        }
        leaks: dict[str, int] = {}
        rows[domain] = without_leaks(splits, leaks)
        counts |= {f"{domain}_{name}": count for name, count in leaks.items()}
        counts[f"{domain}_responses_without_persona"] = sum(
            not row["personas"] for part in rows[domain].values() for row in part
        )
    return rows


def _conversation_row(domain: str, conversation: Conversation, personas: Mapping[str, tuple[str, ...]]) -> Row:
    return {
        "id": digest(domain, *conversation.speakers, *conversation.utterances),
        "domain": domain,
        "speakers": list(conversation.speakers),
        "utterances": list(conversation.utterances),
        "personas": list(personas.get(conversation.speakers[-1], ())),
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
    subset=subset,
    train_rows="large/all/train.parquet",
    indexed=True,
)
