"""The page: talk to a system, compare all of them, see the results. Gradio; nothing is fetched from elsewhere."""

import os
import time
from collections.abc import Iterator
from html import escape
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported
import gradio as gr

from attune.errors import AttuneError
from attune.report import table
from attune.talk.care import care
from attune.talk.places import Need, lacking
from attune.talk.talker import Answer, Talker, checked, decoding_of, sentences, short_enough

ABOUT = (
    "**Attune** answers with small research models. They understand nothing, and say wrong and unkind things. This is "
    "research and no help line; for help, talk to people: https://findahelpline.com"
)
# Third report: temperature, top_k, top_p.
START = (0.9, 30, 0.95)
# People whose replies may grow at the same time; the others wait in the queue.
AT_ONCE = 16
# Seconds between two sights of a growing reply; a small model writes faster than a page can be drawn.
SIGHT = 0.05
# Seconds that an idle conversation is remembered.
REMEMBERED = 3600
CSS = """
.message, .message *, textarea { unicode-bidi: plaintext; }
#care { border-left: 4px solid #b35900; padding: 0.4rem 0.8rem; background: #fff7ec; color: #1a1a1a; }
iframe { width: 100%; height: 80vh; border: 1px solid #ccc; background: white; }
"""

Turn = dict[str, str]


def found_table(answer: Answer) -> str:
    """What was retrieved, as HTML."""
    rows = [{"score": each.score, "read": "yes" if each.read else "no", "text": each.text} for each in answer.found]
    return table(rows) if rows else "<p>This system retrieves nothing.</p>"


def status_of(name: str, answer: Answer) -> str:
    """What there is to know about an answer beside its text."""
    if answer.loading:
        return f"{name}: the models are being loaded, once ..."
    notes = [f"{name} is writing ..." if not answer.done else name]
    if answer.forgotten:
        notes.append(f"the oldest {answer.forgotten} turns no longer fit into what it reads, and were left out")
    if answer.done and answer.cut:
        notes.append("the reply was cut at the length limit")
    if answer.done and not answer.text:
        notes.append("it had nothing to say")
    return "; ".join(notes)


def shown(turns: list[Turn]) -> list[dict[str, str]]:
    """Turns as a Chatbot has them, which takes every text for HTML, whatever it is told."""
    return [
        {"role": role, "content": escape(turn[key], quote=False)}
        for turn in turns
        for role, key in (("user", "message"), ("assistant", "reply"))
        if turn[key]
    ]


def said(turns: list[Turn]) -> list[str]:
    return [text for turn in turns for text in (turn["message"], turn["reply"])]


def seldom(answers: Iterator[Answer]) -> Iterator[Answer]:
    """The answers that come SIGHT after the one before, and the last."""
    seen = 0.0
    for answer in answers:
        if answer.done or time.monotonic() - seen >= SIGHT:
            yield answer
            seen = time.monotonic()


class Conversation:
    """What the chat tab's events do; a conversation is the list of turns that Gradio keeps for one browser's page."""

    def __init__(self, talker: Talker) -> None:
        self.talker = talker

    def send(self, message: str, turns: list[Turn], *settings: Any) -> Iterator[tuple[Any, ...]]:
        """(textbox, chat, turns, what was retrieved, status, care) after each token."""
        try:
            asked = checked(message)
        except AttuneError as error:
            yield message, shown(turns), turns, gr.skip(), str(error), gr.skip()
            return
        yield from self._answer(asked, turns, 0, *settings)

    def retry(self, turns: list[Turn], *settings: Any) -> Iterator[tuple[Any, ...]]:
        """As `send`, with another answer in the place of the last."""
        if not turns:
            yield gr.skip(), [], turns, gr.skip(), "There is no reply yet that could be tried again.", gr.skip()
            return
        *before, last = turns
        yield from self._answer(last["message"], before, int(last["attempt"]) + 1, *settings)

    def _answer(
        self, asked: str, before: list[Turn], attempt: int, name: str, persona: str, *decoding: float
    ) -> Iterator[tuple[Any, ...]]:
        turn = {"message": asked, "reply": "", "attempt": str(attempt)}
        turns = [*before, turn]
        concern = gr.update(value=care(asked) or "", visible=care(asked) is not None)
        yield "", shown(turns), turns, "", f"{name}: waiting for its turn ...", concern
        try:
            known = [*said(before), asked]
            for answer in seldom(self.talker.reply(name, known, sentences(persona), decoding_of(*decoding), attempt)):
                turns = [*before, turn | {"reply": answer.text}]
                yield "", shown(turns), turns, found_table(answer), status_of(name, answer), concern
        except AttuneError as error:
            # What was asked goes back to where it can be sent again.
            yield asked, shown(before), before, "", str(error), concern

    def compare(self, message: str, persona: str, *decoding: float) -> Iterator[tuple[str, str, Any]]:
        """(table of all systems' replies, status, care), after each system."""
        rows: list[dict[str, Any]] = []
        try:
            asked, who, choice = checked(message), sentences(persona), decoding_of(*decoding)
        except AttuneError as error:
            yield "", str(error), gr.update(visible=False)
            return
        concern = gr.update(value=care(asked) or "", visible=care(asked) is not None)
        for name in self.talker.systems:
            yield table(rows) if rows else "", f"{name} is writing ...", concern
            reply = ""
            try:
                for answer in self.talker.reply(name, [asked], who, choice):
                    reply = answer.text
            except AttuneError as error:
                reply = f"({error})"
            rows.append({"system": name, "reply": reply})
        yield table(rows), f"{len(rows)} systems", concern


def endpoint(talker: Talker) -> Any:
    """What `gradio_client` calls as /reply."""

    def reply(
        message: str,
        system: str,
        history: list[str],
        persona: list[str],
        temperature: float = START[0],
        top_k: int = START[1],
        top_p: float = START[2],
        attempt: int = 0,
    ) -> dict[str, Any]:
        """One reply; nothing is kept.

        `history`: the turns before `message`, oldest first, beginning with what was asked.
        """
        try:
            asked, who = checked(message), sentences("\n".join(persona))
            known = [short_enough(turn) for turn in history]
            decoding = decoding_of(temperature, top_k, top_p)
            *_, answer = talker.reply(system, [*known, asked], who, decoding, attempt)
        except AttuneError as error:
            raise gr.Error(str(error), print_exception=False) from None
        found = [{"text": each.text, "score": each.score, "read": each.read} for each in answer.found]
        about = {"reply": answer.text, "cut": answer.cut, "forgotten": answer.forgotten}
        return about | {"retrieved": found, "care": care(asked)}

    return reply


def framed(need: Need) -> str:
    """A page of the pipeline's, whole, inside this one."""
    if missing := lacking((need,)):
        return f"<p>{escape(missing)}</p>"
    return f'<iframe sandbox="" title="{need[0].stem}" srcdoc="{escape(need[0].read_text(encoding="utf-8"))}"></iframe>'


def build(talker: Talker) -> gr.Blocks:
    """The page over `talker`."""
    own = Conversation(talker)
    with gr.Blocks(title="Attune", analytics_enabled=False) as page:
        gr.Markdown(ABOUT)
        with gr.Accordion("Persona and decoding", open=False):
            persona = gr.Textbox(
                "\n".join(talker.settings.rag.persona),
                lines=4,
                label="Persona of who replies: a sentence a line",
                info="Read by CoBERT alone: it orders the passages of persona_rag, and finds its own replies.",
                elem_id="persona",
            )
            temperature = gr.Slider(0.05, 2.0, START[0], step=0.05, label="temperature")
            top_k = gr.Slider(0, 100, START[1], step=1, label="top_k: likeliest tokens kept; 0 keeps all")
            top_p = gr.Slider(0.05, 1.0, START[2], step=0.01, label="top_p: share of probability kept")
        sliders = [temperature, top_k, top_p]
        with gr.Tab("Chat"):
            _chat(own, [persona, *sliders])
        with gr.Tab("Compare"):
            message = gr.Textbox(label="One message to all systems", elem_id="compare-message")
            ask = gr.Button("Compare", variant="primary", elem_id="compare-send")
            status, concern = gr.Markdown(elem_id="compare-status"), gr.Markdown(visible=False, elem_id="compare-care")
            replies = gr.HTML(elem_id="compare-replies")
            inputs, outputs = [message, persona, *sliders], [replies, status, concern]
            gr.on(
                [ask.click, message.submit], own.compare, inputs, outputs, api_visibility="private",
                concurrency_id="reply",
            )  # fmt: skip
        with gr.Tab("Results") as results:
            pages = [gr.HTML(elem_id="results"), gr.HTML(elem_id="studies")]
            needs = [talker.places.report, talker.places.studies]
            results.select(lambda: [framed(need) for need in needs], None, pages, api_visibility="private")
        gr.api(endpoint(talker), api_name="reply", concurrency_id="reply", concurrency_limit=AT_ONCE)
    return page


def _chat(own: Conversation, settings: list[Any]) -> None:
    names = [(system.title, name) for name, system in own.talker.systems.items()]
    system = gr.Dropdown(names, value=names[0][1], label="System", elem_id="system")
    chat = gr.Chatbot(
        label="Conversation", height=420, render_markdown=False, feedback_options=None, buttons=[], elem_id="chat"
    )
    concern = gr.Markdown(visible=False, elem_id="care")
    status = gr.Markdown(elem_id="status")
    message = gr.Textbox(label="Message", placeholder="Say something", lines=2, autofocus=True, elem_id="message")
    with gr.Row():
        send, stop, retry, clear = (
            gr.Button(text, elem_id=text.lower(), variant="primary" if text == "Send" else "secondary")
            for text in ("Send", "Stop", "Retry", "Clear")
        )
    with gr.Accordion("What was retrieved", open=False):
        found = gr.HTML(elem_id="retrieved")
    turns = gr.State([], time_to_live=REMEMBERED)
    outputs = [message, chat, turns, found, status, concern]
    options: dict[str, Any] = {
        "api_visibility": "private", "concurrency_id": "reply", "concurrency_limit": AT_ONCE, "show_progress": "hidden",
    }  # fmt: skip
    sent = gr.on([send.click, message.submit], own.send, [message, turns, system, *settings], outputs, **options)
    again = retry.click(own.retry, [turns, system, *settings], outputs, **options)
    stop.click(None, cancels=[sent, again])
    stop.click(lambda: "stopped", None, status, queue=False, api_visibility="private")
    for cleared in (clear.click, chat.clear):
        cleared(None, cancels=[sent, again])
        # What is being written in the box stays there.
        cleared(
            lambda: ([], [], "", "", gr.update(visible=False)), None, outputs[1:], queue=False, api_visibility="private"
        )


def serve(talker: Talker, host: str, port: int, wait: bool = True) -> tuple[gr.Blocks, str]:
    """Open the page on `host` and `port`, and say where; returns the page and its address."""
    page = build(talker).queue(default_concurrency_limit=AT_ONCE)
    theme = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    _, address, _ = page.launch(
        server_name=host, server_port=port, prevent_thread_lock=True, quiet=True, ssr_mode=False, theme=theme, css=CSS,
        footer_links=["api"], run_history=False,
    )  # fmt: skip
    print(f"Attune's page is at {address} (Ctrl+C ends it)", flush=True)
    talker.prepare()
    if wait:
        page.block_thread()
    return page, address
