"""Let a causal language model judge exported pairs, each in both orders; no part of Attune does so by itself.

`python -m attune.judgement.judge_by_model --pairs CSV --model FOLDER --target FOLDER`
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from attune.core.environment import print_any_text
from attune.core.errors import AttuneError
from attune.core.files import atomic_folder, refuse_existing, sha256, write_csv, write_json

COLUMNS = ("pair", "context", "reply_a", "reply_b")  # of pairs.csv, in its order


def main(words: Sequence[str] | None = None) -> None:
    print_any_text()
    parser = argparse.ArgumentParser(prog="python -m attune.judgement.judge_by_model", description=__doc__)
    parser.add_argument("--pairs", type=Path, required=True, help="pairs.csv of a form")
    parser.add_argument("--model", type=Path, required=True, help="folder of any causal language model")
    parser.add_argument(
        "--target", type=Path, required=True, help="folder for answers.csv and position_bias.json, which must not exist"
    )
    options = parser.parse_args(words)
    try:
        judge(options.pairs, options.model, options.target)
    except AttuneError as error:
        raise SystemExit(f"error: {error}") from None
    except OSError as error:
        if error.errno is None:  # a library's, which says more in its traceback
            raise
        raise SystemExit(f"error: {error}") from None


def judge(pairs: Path, model: Path, target: Path) -> None:
    """Write answers.csv, as an annotator called model:FOLDER would save it, and position_bias.json.

    Raises
    ------
    AttuneError
        if `target` exists or `pairs` is missing or not of a form, and as `table_rows` and `LanguageModelJudge`.
    """
    from attune.judgement.answers import MODEL, table_rows
    from attune.judgement.language_model import LanguageModelJudge, position_bias

    refuse_existing(target)
    if not pairs.is_file():
        raise AttuneError(f"{pairs} is missing; `python -m attune.judgement.export_pairs` writes it into form/")
    rows = [row for _, row in table_rows(pairs, COLUMNS)]
    if not rows:
        raise AttuneError(f"{pairs} holds no pairs; name the pairs.csv of a form")
    if not model.is_dir():
        raise AttuneError(f"the folder {model} does not exist; name with --model one of a causal language model")
    opinions = LanguageModelJudge.from_folder(model).opinions(rows)
    about = {"form": _fingerprint(rows), "annotator": f"{MODEL}{model.resolve().name}"}
    bias = position_bias(opinions)
    with atomic_folder(target) as folder:
        write_csv(folder / "answers.csv", [{**about, "pair": each.pair, "verdict": each.verdict} for each in opinions])
        write_json(folder / "position_bias.json", bias)
    print(
        f"{bias['pairs']} pairs, each in both orders: the same reply is preferred in {100 * bias['consistent']:.0f} %, "
        f"the first shown in {100 * bias['always_first']:.0f} % and the second in {100 * bias['always_second']:.0f} %"
    )


def _fingerprint(rows: Sequence[Mapping[str, str]]) -> str:
    """The form's, as it was exported: a spreadsheet may have saved pairs.csv with other bytes around the same text."""
    with TemporaryDirectory() as folder:
        exported = Path(folder) / "pairs.csv"
        write_csv(exported, [{name: row[name] for name in COLUMNS} for row in rows])
        return sha256(exported)[:12]


if __name__ == "__main__":
    main()
