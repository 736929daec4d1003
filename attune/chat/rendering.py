"""Exchanges and answers as the page shows them."""

from html import escape
from typing import Any

import gradio as gr
import pandas as pd

from attune.chat.answers import Answer, Exchange
from attune.chat.crisis import crisis_message
from attune.report.html import table


def chat_messages(exchanges: list[Exchange]) -> list[dict[str, str]]:
    """The exchanges as a Chatbot takes them; it treats every text as HTML, so that the texts are escaped."""
    return [
        {"role": role, "content": escape(text, quote=False)}
        for exchange in exchanges
        for role, text in (("user", exchange.message), ("assistant", exchange.reply))
        if text
    ]


def retrieved_table(answer: Answer) -> str:
    """HTML of the retrieved texts."""
    if not answer.retrieved:
        return "<p>This system retrieves nothing.</p>"
    rows = [(each.score, "yes" if each.used else "no", each.text) for each in answer.retrieved]
    return table(pd.DataFrame(rows, columns=["score", "used", "text"]))


def replies_table(replies: dict[str, str]) -> str:
    """HTML of each system's reply."""
    return table(pd.DataFrame(list(replies.items()), columns=["system", "reply"])) if replies else ""


def status_line(system: str, answer: Answer) -> str:
    """Which system is writing or has answered, with the answer's notes."""
    if answer.loading:
        return f"{system}: {answer.loading_note} ..."
    return "; ".join([system if answer.done else f"{system} is writing ...", *answer.notes()])


def crisis_update(message: str) -> Any:
    """The update of the page's crisis element for a new message."""
    text = crisis_message(message)
    return gr.update(value=text or "", visible=text is not None)
