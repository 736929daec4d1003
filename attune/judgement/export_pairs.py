"""Blind pairs of replies for people to judge: `python -m attune.judgement.export_pairs --replies PARQUET ...`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from attune.core.environment import print_any_text
from attune.core.errors import AttuneError
from attune.core.files import atomic_file, atomic_folder, refuse_existing, sha256, write_csv
from attune.judgement.form import form
from attune.judgement.pairs import chosen_systems, key, pairs, read_contexts, read_replies, shown


def export(
    replies: Path,
    contexts: Path | None,
    systems: Sequence[str],
    most: int | None,
    both_orders: bool,
    seed: int,
    target: Path,
) -> tuple[int, int]:
    """Write `target`/form/ (form.html and pairs.csv, for the annotators) and `target`/key.csv (not for them).

    both_orders: whether each pair is shown twice, once in either order. Returns how many pairs were written, and how
    many left out because both replies are the same.

    Raises
    ------
    AttuneError
        if `target` exists, as `read_replies`, `chosen_systems` and `pairs`, and if every two replies are the same.
    """
    refuse_existing(target)
    written, prompts, origins = read_replies(replies)
    turns = read_contexts(contexts) if contexts else prompts
    chosen, same = pairs(written, turns, chosen_systems(written, systems), most, seed, both_orders)
    if not chosen:
        raise AttuneError(
            f"{replies}: the systems' replies are the same in all {same} pairs; there is nothing to judge"
        )
    with atomic_folder(target) as folder:
        given = folder / "form"
        write_csv(given / "pairs.csv", shown(chosen))
        fingerprint = sha256(given / "pairs.csv")[:12]
        with atomic_file(given / "form.html") as page:
            page.write_text(form(chosen, fingerprint), encoding="utf-8")
        write_csv(folder / "key.csv", key(chosen, fingerprint, origins))
    return len(chosen), same


def main(words: Sequence[str] | None = None) -> None:
    print_any_text()
    parser = argparse.ArgumentParser(prog="python -m attune.judgement.export_pairs", description=__doc__)
    parser.add_argument("--replies", type=Path, required=True, help="answers.parquet or replies.parquet of a run")
    parser.add_argument("--contexts", type=Path, help="their test.parquet in data/processed: shows whole conversations")
    whose = "whose replies; all but the true ones by default"
    parser.add_argument("--systems", nargs="+", action="extend", default=[], help=whose)
    parser.add_argument("--most", type=_count, help="contexts, the same for every two systems; all by default")
    parser.add_argument("--both-orders", action="store_true", help="show each pair twice, once in either order")
    parser.add_argument("--seed", type=int, default=13, help="of the order of the pairs (default: %(default)s)")
    parser.add_argument("--target", type=Path, required=True, help="folder for form/ and key.csv, which must not exist")
    options = parser.parse_args(words)
    try:
        count, same = export(**vars(options))
    except (AttuneError, OSError) as error:
        raise SystemExit(f"error: {error}") from None
    print(
        f"{count} pairs; give {options.target / 'form'} to the annotators, and keep {options.target / 'key.csv'}"
        + (f"; {same} pairs with equal replies are left out" if same else "")
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


if __name__ == "__main__":
    main()
