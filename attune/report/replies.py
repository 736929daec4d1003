"""HTML of replies to the same prompts, beside what was retrieved for them."""

from collections.abc import Iterable, Mapping
from html import escape

import pandas as pd

from attune.corpora.wording import as_written
from attune.evaluation.generation.summary import TARGETS
from attune.evaluation.schemas import PERSONA_RAG, PLAIN, RAG
from attune.report import html
from attune.report.names import counted

# Prompts of each kind that the page holds; replies.csv has every one.
EXAMPLES = 10
_VARIANTS = {PLAIN: "Without passages", RAG: "With passages", PERSONA_RAG: "With reranked passages"}
_LAST_ALONE = "Only the last message is shown; the systems read earlier ones too."
ABOUT = (
    "Not chosen for quality: small models often miss the message, console happy people or are glad about grief. "
    "“[…]”: cut off at the length limit."
)
_CUT = " […]"
_ABOUT_PASSAGES = (
    "The passages stand here as in the prompt, in the form of rag.template: by default a message from another "
    "conversation and the reply to it. A generator may copy from both."
)
Names = Mapping[str, str]


def answer_blocks(answers: pd.DataFrame, names: Names) -> str:
    """Each question above the generators' answers, folded.

    answers: columns question, generator, answer and truncated.
    """
    questions = list(answers.groupby("question", sort=False))
    blocks = (
        _block(
            question, _two("Generator", rows["generator"].map(lambda key: names.get(key, key)), _marked(rows, "answer"))
        )
        for question, rows in questions
    )
    title = f"{counted(len(questions), 'question')}, each to the generators that it is meant for"
    return html.folded(title, "\n".join(blocks)) if questions else ""


def dialogue_blocks(replies: pd.DataFrame, names: Names) -> str:
    """Each prompt above what was retrieved and what each generator wrote with it, one column per variant; folded.

    replies: columns id, prompt, target, generator, variant, passage_texts, reply and truncated, as
    `Results.dialogue_replies`.
    """
    written = replies[replies["reply"].notna() & replies["variant"].isin(list(_VARIANTS))]
    prompts = list(written.groupby("id", sort=False))[:EXAMPLES]
    blocks = (_block(rows["prompt"].iloc[0], _dialogue(rows, names)) for _, rows in prompts)
    if not prompts:
        return ""
    return html.folded(
        f"{counted(len(prompts), 'prompt')}: replies beside the passages that were retrieved for them",
        html.about(f"{_LAST_ALONE} {_ABOUT_PASSAGES}") + "\n".join(blocks),
    )


def _dialogue(rows: pd.DataFrame, names: Names) -> pd.DataFrame:
    variants = [variant for variant in _VARIANTS if (rows["variant"] == variant).any()]
    passages = {each: rows[rows["variant"] == each]["passage_texts"].iloc[0] for each in variants}
    table: list[dict[str, object]] = [
        {"": "True reply", _VARIANTS[variants[0]]: rows["target"].iloc[0]},
        {"": "Passages"} | {_VARIANTS[each]: _listed(texts) for each, texts in passages.items()},
    ]
    for generator, own in rows.groupby("generator", sort=False):
        replies = pd.Series(_marked(own, "reply"), own["variant"])
        row: dict[str, object] = {"": names.get(str(generator), generator)}
        table.append(row | {_VARIANTS[str(each)]: text for each, text in replies.items()})
    return pd.DataFrame(table)


def _listed(texts: Iterable[str]) -> html.Cell:
    """The passages, numbered, their lines below each other."""
    lines = (f"{at}. {escape(text.strip())}" for at, text in enumerate(texts, 1))
    return html.Cell("<br>".join(lines).replace("\n", "<br>"))


def answered_blocks(replies: pd.DataFrame, names: Names) -> str:
    """Each context above the true, the retrieved and the written replies, tokenised text as people write it.

    A context of middling length is open; the others are folded.
    replies: columns id, system, prompt, target, reply and truncated, as `Results.answered_replies`.
    """
    contexts = list(replies[replies["system"] != TARGETS].groupby("id", sort=False))[:EXAMPLES]
    by_length = sorted(contexts, key=lambda each: len(each[1]["prompt"].iloc[0]))
    contexts.sort(key=lambda each: each is not by_length[len(by_length) // 2])
    first, *rest = [_block(as_written(rows["prompt"].iloc[0]), _answered(rows, names)) for _, rows in contexts] or [""]
    about = html.about(_LAST_ALONE) if contexts else ""
    return about + first + (html.folded(counted(len(rest), "more context"), "\n".join(rest)) if rest else "")


def everyday_blocks(replies: pd.DataFrame, names: Names) -> str:
    """As many messages of either feeling above every system's reply, folded; replies: columns of `schemas.EVERYDAY`."""
    messages = [(str(name), rows) for name, rows in replies.groupby("id", sort=False)]
    feelings = [[each for each in messages if each[0].startswith(feeling)] for feeling in ("troubled", "glad")]
    chosen = [each for few in feelings for each in few[: EXAMPLES // 2]]
    blocks = [
        _block(
            rows["prompt"].iloc[0],
            _two("System", [names.get(each, each) for each in rows["system"]], _marked(rows, "reply")),
        )
        for _, rows in chosen
    ]
    return html.folded(f"{len(blocks)} of the messages, with the reply of each system", "\n".join(blocks))


def _answered(rows: pd.DataFrame, names: Names) -> pd.DataFrame:
    systems = [names[TARGETS], *(names.get(system, system) for system in rows["system"])]
    replies = _marked(rows.assign(reply=rows["reply"].map(as_written)), "reply")
    return _two("System", systems, [as_written(rows["target"].iloc[0]), *replies])


def _marked(rows: pd.DataFrame, column: str) -> list[str]:
    """The replies in a column, those that were cut off at the length limit with a mark; a CSV has the words for it."""
    cut = rows["truncated"].astype(str) == "True"
    return [reply + _CUT * bool(was_cut) for reply, was_cut in zip(rows[column], cut, strict=True)]


def _two(header: str, systems: object, replies: object) -> pd.DataFrame:
    return pd.DataFrame({header: list(systems), "Reply": list(replies)})  # type: ignore[call-overload]


def _block(prompt: object, table: pd.DataFrame) -> str:
    return f"<article><blockquote>{escape(str(prompt))}</blockquote>\n{html.table(table)}</article>"
