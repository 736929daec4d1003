"""Exchanges and answers as the page shows them."""

from html import escape
from typing import Any

import gradio as gr

from attune.chat.answers import Answer, Exchange
from attune.chat.crisis import crisis_message
from attune.chat.engine import Engine

# What the status says where the crisis message is the answer.
NO_REPLY = "No system replies to this message."
_ABOUT_SCORES = (
    "Higher scores are better. Where CoBERT orders the texts, the score says how well each suits the conversation, and "
    "compares the texts of one reply only; otherwise it is the similarity to the message (cosine, at most 1)."
)


def chat_messages(exchanges: list[Exchange]) -> list[dict[str, str]]:
    """The exchanges as a Chatbot takes them; it treats every text as HTML, so that the texts are escaped."""
    messages = []
    for exchange in exchanges:
        messages.append({"role": "user", "content": escape(exchange.message, quote=False)})
        if exchange.reply or exchange.byline:
            by = f'<div class="by">{escape(exchange.byline)}</div>' if exchange.byline else ""
            messages.append({"role": "assistant", "content": escape(exchange.reply, quote=False) + by})
    return messages


def byline(label: str, seconds: float | None, loaded: bool) -> str:
    """Which system replied and, once it has, in how many seconds; loaded: its models were loaded meanwhile."""
    if seconds is None:
        return label
    return f"{label} · {seconds:.1f} s{', with loading' if loaded else ''}"


def retrieved_table(answer: Answer) -> str:
    """HTML of the retrieved texts."""
    if not answer.retrieved:
        return "<p>This system retrieves nothing.</p>"
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Score", "Used", "Text"))
    rows = "".join(
        f'<tr><td class="number">{each.score:.2f}</td><td>{"yes" if each.used else "no"}</td>'
        f"<td>{escape(each.text).replace(chr(10), '<br>')}</td></tr>"
        for each in answer.retrieved
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><p>{_ABOUT_SCORES}</p>"


def system_note(engine: Engine, name: str) -> str:
    """HTML about a system: a sentence, its test score, its model card, and by which scores it is weak."""
    system = engine.system(name)
    card = f'<a href="cards/{escape(name)}" target="_blank">model card</a>' if system.model.path.is_dir() else ""
    score = engine.measured.score(system)
    facts = " · ".join(filter(None, (score[0].upper() + score[1:], card)))
    weak = "; ".join(engine.measured.weaknesses(system))
    mark = f"<p>Weak in tests: {escape(weak)}.</p>" if weak else ""
    return f"<p>{escape(system.sentence)}</p><p>{facts}</p>{mark}"


def system_choices(engine: Engine) -> list[tuple[str, str]]:
    """Labels and names of the systems, those that are weak by their scores with a mark."""
    return [
        (f"{each.label}{' (weak in tests)' if engine.measured.weaknesses(each) else ''}", name)
        for name, each in engine.systems.items()
    ]


def status_line(label: str, answer: Answer) -> str:
    """What the system is doing; once it has answered, the answer's notes."""
    if answer.loading:
        return f"{label}: {answer.loading_note} ..."
    line = "; ".join([*([] if answer.done else [f"{label} is writing ..."]), *answer.notes()])
    return line[:1].upper() + line[1:]


def crisis_update(message: str) -> Any:
    """The update of the page's crisis element for a new message."""
    text = crisis_message(message)
    return gr.update(value=text or "", visible=text is not None)
