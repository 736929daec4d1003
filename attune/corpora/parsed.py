"""A corpus' raw files as the rows of data/subset: parsed, named by content, counted where something is left out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attune import corpora
from attune.corpora import empathetic_dialogues, openorca, pec
from attune.corpora import openassistant_guanaco as guanaco
from attune.corpora.reading import BadRows
from attune.corpora.subsets import assert_disjoint, cut, digest, distinct, draw, pec_sets, without_leaks
from attune.parameters import Corpora, Subsets

Rows = list[dict[str, Any]]
SPLITS = ("train", "valid", "test")


def pec_rows(folder: Path, bad: BadRows, counts: dict[str, int]) -> dict[str, dict[str, Rows]]:
    """Conversations by domain and split; each domain's persona table is its own, for some users are in both."""
    files = corpora.files("pec", folder)
    rows = {}
    for domain, persona_file in corpora.persona_files(folder).items():
        personas = pec.read_personas(persona_file, bad)
        splits = {
            split: list(
                distinct(
                    (
                        _pec_row(domain, conversation, personas)
                        for conversation in pec.read_conversations(files[f"{domain}/{split}"][0], bad)
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


def _pec_row(domain: str, conversation: pec.Conversation, personas: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    return {
        "id": digest(domain, *conversation.speakers, *conversation.utterances),
        "domain": domain,
        "speakers": list(conversation.speakers),
        "utterances": list(conversation.utterances),
        "personas": list(personas.get(conversation.speakers[-1], ())),
    }


def pec_subsets(
    folder: Path, subsets: Subsets, seed: int, bad: BadRows
) -> tuple[dict[str, Rows], dict[str, Rows], dict[str, int]]:
    """(conversations by "size/domain/split", whole test splits by domain as candidates, counts)."""
    counts: dict[str, int] = {}
    rows = pec_rows(folder, bad, counts)
    sets = {"/".join(place): part for place, part in pec_sets(rows, subsets.model_dump(), seed).items()}
    tests = {domain: splits["test"] for domain, splits in rows.items()}
    tests["all"] = [row for part in tests.values() for row in part]
    candidates = {
        domain: [{"id": row["id"], "response": row["utterances"][-1]} for row in part] for domain, part in tests.items()
    }
    return sets, candidates, counts | {"bad_rows": bad.count}


def _dialogues(corpus: str, folder: Path, bad: BadRows) -> Iterator[dict[str, Any]]:
    for paths in corpora.files(corpus, folder).values():
        for path in paths:
            if corpus == "empathetic_dialogues":
                for dialogue in empathetic_dialogues.read(path, bad):
                    yield {
                        "conv_id": dialogue.conv_id,
                        "emotion": dialogue.emotion,
                        "situation": dialogue.situation,
                        "speakers": list(dialogue.speakers),
                        "utterances": list(dialogue.utterances),
                    }
            elif corpus == "openassistant_guanaco":
                for talk in guanaco.read(path, bad):
                    yield {"id": digest(*talk.turns), "system": talk.system, "turns": list(talk.turns)}
            else:
                for row in openorca.read(path, bad):
                    turns = [row.question, row.response]
                    yield {"id": digest(row.system, *turns), "system": row.system, "turns": turns}


def _opening(row: dict[str, Any]) -> str:
    """What a conversation is about: the situation, or the first question."""
    return " ".join((row["situation"] if "situation" in row else row["turns"][0]).lower().split())


def cut_dialogues(
    corpus: str, folder: Path, parameters: Corpora, test_share: float, seed: int, bad: BadRows
) -> tuple[dict[str, Rows], dict[str, int]]:
    """(train and test by opening, at most `cap` together; counts). Streams, so a cap bounds the memory."""
    counts: dict[str, int] = {}
    key = "conv_id" if corpus == "empathetic_dialogues" else "id"
    cap = getattr(parameters, corpus).cap
    rows = distinct(_dialogues(corpus, folder, bad), lambda row: row[key], counts)
    splits = cut(draw(rows, cap, seed, lambda row: row[key]), test_share, _opening)
    assert_disjoint({split: [row[key] for row in part] for split, part in splits.items()})
    return splits, counts | {"bad_rows": bad.count}
