"""The four raw corpora: which files each one's folder holds, and how many rows they have."""

from collections.abc import Iterator
from pathlib import Path

from attune.core.errors import AttuneError
from attune.corpora.reading import BadRows

# Each corpus' layouts, the mirror's first: split -> file. PEC's personas belong to a domain, not a split.
FILES: dict[str, tuple[dict[str, str], ...]] = {
    "pec": (
        {
            f"{domain}/{part}": f"hf_pec/{domain}/{part}.txt"
            for domain in ("happy", "offmychest")
            for part in ("train", "valid", "test", "persona")
        },
    ),
    "empathetic_dialogues": (
        {"train": "train.csv", "valid": "valid.csv", "test": "test.csv"},
        {
            "train": "default/train/0000.parquet",
            "valid": "default/validation/0000.parquet",
            "test": "default/test/0000.parquet",
        },
    ),
    "openassistant_guanaco": (
        {
            "train": "openassistant_best_replies_train.jsonl",
            "eval": "openassistant_best_replies_eval.jsonl",
        },
    ),
    "openorca": ({"train": "1M-GPT4-Augmented.parquet"},),
}


def files(corpus: str, folder: Path) -> dict[str, list[Path]]:
    """Split -> files, in whichever layout `folder` has; PEC's splits are `happy/train` and so on."""
    return {split: [folder / name] for split, name in layout(corpus, folder).items() if not split.endswith("/persona")}


def persona_files(folder: Path) -> dict[str, Path]:
    """PEC's domain -> persona file. The tables differ by domain, so they are never merged."""
    return {
        split.removesuffix("/persona"): folder / name
        for split, name in layout("pec", folder).items()
        if split.endswith("/persona")
    }


def layout(corpus: str, folder: Path) -> dict[str, str]:
    """The layout that `folder` has, all of whose files are there; the mirror's if it has both."""
    missing = [[name for name in candidate.values() if not (folder / name).is_file()] for candidate in layouts(corpus)]
    closest = min(range(len(missing)), key=lambda number: len(missing[number]))
    if missing[closest]:
        raise AttuneError(
            f"{folder / missing[closest][0]} is missing; {corpus} consists of "
            + ", or of ".join(", ".join(candidate.values()) for candidate in layouts(corpus))
        )
    return layouts(corpus)[closest]


def layouts(corpus: str) -> tuple[dict[str, str], ...]:
    if corpus not in FILES:
        raise AttuneError(f"no corpus named {corpus!r}; there are {', '.join(FILES)}")
    return FILES[corpus]


def count_rows(corpus: str, folder: Path, bad: BadRows) -> dict[str, int]:
    """File -> conversations, dialogues, rows or (persona files) users, counted by parsing every one."""
    counts = {}
    for name in layout(corpus, folder).values():
        counts[name] = sum(1 for _ in _rows(corpus, folder / name, bad))
        if not counts[name]:
            raise AttuneError(f"{folder / name} holds no row of {corpus}")
    return counts


def _rows(corpus: str, path: Path, bad: BadRows) -> Iterator[object]:
    from attune.corpora import empathetic_dialogues, openorca, pec
    from attune.corpora import openassistant_guanaco as guanaco

    if path.name == "persona.txt":
        return iter(pec.read_personas(path, bad))
    readers = {
        "pec": pec.read_conversations,
        "empathetic_dialogues": empathetic_dialogues.read,
        "openassistant_guanaco": guanaco.read,
        "openorca": openorca.read,
    }
    return iter(readers[corpus](path, bad))
