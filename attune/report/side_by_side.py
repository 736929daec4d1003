"""What several systems replied to the same prompts, side by side (second report)."""

import pandas as pd
import pyarrow as pa

from attune.evaluation.generation.summary import TARGETS

# Before the columns of the systems.
COLUMNS = ("id", "prompt", "target")


def side_by_side(replies: pd.DataFrame) -> pd.DataFrame:
    """One row per prompt, one column per system; None where a system did not reply to a prompt.

    replies: columns id, prompt, target, system and reply; rows without a reply are left out, and so are the true
    replies, which have a column already.
    """
    written = replies[replies["reply"].notna() & (replies["system"] != TARGETS)]
    texts = written.drop_duplicates("id")[list(COLUMNS)].set_index("id")
    answers = written.pivot(index="id", columns="system", values="reply")[written["system"].unique()]
    beside = texts.join(answers).reset_index().astype(object)
    return beside.where(beside.notna(), None)


def schema(beside: pd.DataFrame) -> pa.Schema:
    """All columns are texts."""
    return pa.schema([(name, pa.string()) for name in beside])
