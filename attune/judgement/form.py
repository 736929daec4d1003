"""The form on which pairs are judged: one HTML file, which loads nothing and keeps its answers in the browser."""

import json
from collections.abc import Sequence
from pathlib import Path

from attune.judgement.pairs import Pair

_TEMPLATE = Path(__file__).with_name("form.html")
_MARK = "@pairs@"


def form(pairs: Sequence[Pair], fingerprint: str) -> str:
    """The page; `fingerprint` goes into its answers, so that they are not read with another form's key."""
    shown = [
        {"pair": each.pair, "context": each.context, "replies": {"a": each.reply_a, "b": each.reply_b}}
        for each in pairs
    ]
    data = json.dumps({"form": fingerprint, "pairs": shown}, ensure_ascii=False)
    # Inside a script element only "</script" and "<!--" mean something to the browser.
    return _TEMPLATE.read_text(encoding="utf-8").replace(_MARK, data.replace("<", "\\u003c"))
