"""What people's answers say: `python -m attune.judgement.judge_pairs --key CSV --answers CSV ... --target JSON`.

`--thumbs` reads the chat page's file of verdicts, beside answers or alone.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from attune.core.environment import print_any_text
from attune.core.errors import AttuneError
from attune.core.files import write_json
from attune.judgement.agreement import agreement
from attune.judgement.answers import Judgement, Thumb, read_answers, read_thumbs
from attune.judgement.preferences import first_preferred, strengths, thumbs_up, win_rates
from attune.metrics.bootstrap import FEWEST

_OF_PAIRS = frozenset({"judgements", "agreement", "position", "win_rates", "strengths"})
# The keys of an analysis: of judgements, of thumbs, or of both.
_RESULTS = (_OF_PAIRS, frozenset({"thumbs"}), _OF_PAIRS | {"thumbs"})


def analysis(judgements: Sequence[Judgement], thumbs: Sequence[Thumb], seed: int) -> dict[str, Any]:
    """Win rates, strengths, agreement and position bias of the judgements, and each system's share of thumbs up.

    What there is nothing to say about is absent.
    """
    found: dict[str, Any] = {}
    if judgements:  # the keys are those of _RESULTS
        found = {
            "judgements": len(judgements),
            "agreement": agreement(judgements, seed),
            "position": first_preferred(judgements, seed),
            "win_rates": win_rates(judgements, seed),
            "strengths": strengths(judgements, seed),
        }
    return found | ({"thumbs": thumbs_up(thumbs, seed)} if thumbs else {})


def read(key: Path | None, answers: Sequence[Path], thumbs: Path | None) -> tuple[list[Judgement], list[Thumb]]:
    """All judgements of answers and thumbs together, and the thumbs on single replies.

    Raises
    ------
    AttuneError
        as `read_answers` and `read_thumbs`, for answers without a key, and if there is nothing to read.
    """
    if bool(key) != bool(answers) or not (answers or thumbs):
        raise AttuneError("give --key and --answers, --thumbs, or both: answers are read by the key of their form")
    judgements = read_answers(key, answers) if key else []
    compared, single = read_thumbs(thumbs) if thumbs else ([], [])
    return judgements + compared, single


_NO_INTERVAL = f"fewer than {FEWEST} units, or all say the same"


def sentences(found: dict[str, Any]) -> list[str]:
    """The analysis for the terminal."""
    lines = []
    if "judgements" in found:
        who, position = found["agreement"], found["position"]
        lines += [
            f"{found['judgements']} judgements by {who['annotators']} annotators; Krippendorff's alpha: {_alpha(who)}",
            *([f"the reply shown first was preferred in {_share(position, 'first_preferred')}"] if position else []),
            *_both_orders(who),
            *(
                f"{each['system']} is preferred to {each['other']} in {_share(each, 'win_rate')}, corrected p = "
                f"{each['p_holm']:.4f} (uncorrected {each['p']:.4f})"
                for each in found["win_rates"]
            ),
            *(f"strength of {each['system']}: {each['strength']:+.2f} ({_ends(each)})" for each in found["strengths"]),
        ]
    return lines + [f"{each['system']}: thumbs up in {_share(each, 'up')}" for each in found.get("thumbs", [])]


def _alpha(who: dict[str, Any]) -> str:
    if not who["pairs_judged_by_several"]:
        return "none, for no two annotators judged the same"
    if who["alpha"] is None:
        pairs = f"{who['pairs_judged_by_several']} pairs that several judged"
        return f"none, for all verdicts on the {pairs} are ties, and alpha needs another"
    if who["alpha_low"] is None:
        return f"{who['alpha']:.3f} (no interval: {_NO_INTERVAL})"
    return f"{who['alpha']:.3f} (95 % interval {who['alpha_low']:.3f} to {who['alpha_high']:.3f})"


def _both_orders(who: dict[str, Any]) -> list[str]:
    if "consistent" not in who:
        return []
    pairs = f"{who['judged_in_both_orders']} judgements in both orders"
    return [f"{pairs}, the same verdict in {_share(who, 'consistent')}"]


def _ends(record: dict[str, Any]) -> str:
    if record["strength_low"] is None:
        return f"no interval: {_NO_INTERVAL}"
    return f"{record['strength_low']:+.2f} to {record['strength_high']:+.2f}"


def _share(record: dict[str, Any], name: str) -> str:
    value = f"{100 * record[name]:.0f} %"
    if f"{name}_low" not in record:
        return f"{value} (no interval: fewer than {FEWEST} units)"
    return f"{value} (95 % interval {100 * record[f'{name}_low']:.0f} to {100 * record[f'{name}_high']:.0f} %)"


def _check_target(target: Path, inputs: Iterable[Path | None]) -> None:
    """Refuse to write the results over anything but earlier results."""
    if target.is_dir():
        raise AttuneError(f"{target} is a folder; name a JSON file")
    if not target.exists():
        return
    if any(each and each.exists() and each.samefile(target) for each in inputs):
        raise AttuneError(f"{target} is read by this command; name another file for the results")
    try:
        before = json.loads(target.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        before = None
    if not isinstance(before, dict) or set(before) not in _RESULTS:
        raise AttuneError(f"{target} exists and holds no earlier results; name another file for the results")


def main(words: Sequence[str] | None = None) -> None:
    print_any_text()
    parser = argparse.ArgumentParser(prog="python -m attune.judgement.judge_pairs", description=__doc__)
    parser.add_argument("--key", type=Path, help="key.csv, which was written beside the form")
    saved = "the files that annotators saved"
    parser.add_argument("--answers", type=Path, nargs="+", action="extend", default=[], help=saved)
    parser.add_argument("--thumbs", type=Path, help="JSON lines that the chat page wrote")
    parser.add_argument("--seed", type=int, default=13, help="of intervals and tests (default: %(default)s)")
    parser.add_argument("--target", type=Path, required=True, help="JSON file for the results")
    options = parser.parse_args(words)
    try:
        _check_target(options.target, [options.key, options.thumbs, *options.answers])
        found = analysis(*read(options.key, options.answers, options.thumbs), options.seed)
        write_json(options.target, found)
    except (AttuneError, OSError) as error:
        raise SystemExit(f"error: {error}") from None
    print("\n".join(sentences(found)))


if __name__ == "__main__":
    main()
