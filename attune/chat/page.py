"""The page: talk to a system, compare all of them, see the results. Gradio; nothing is fetched from elsewhere."""

import os
from collections.abc import Callable
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported
import gradio as gr
from pydantic import BaseModel, ValidationError

from attune.chat.artifacts import Need, lacking
from attune.chat.conversations import KEPT, Conversations
from attune.chat.crisis import care
from attune.chat.engine import Talker
from attune.chat.validation import START, checked, decoding_of, sentences, short_enough
from attune.core.errors import AttuneError

ABOUT = (
    "**Attune** answers with small research models. They understand nothing, and say wrong and unkind things. This is "
    "research and no help line; for help, talk to people: https://findahelpline.com"
)
# Replies that may grow at the same time; the others wait in the queue.
AT_ONCE = 16
CSS = """
.message, .message *, textarea, td { unicode-bidi: plaintext; }
#care, #compare-care { border-left: 4px solid #b35900; padding: 0.4rem 0.8rem; background: #fff7ec; color: #1a1a1a; }
iframe { width: 100%; height: 80vh; border: 1px solid #ccc; background: white; }
"""
PRIVATE: dict[str, Any] = {"api_visibility": "private"}
QUEUED: dict[str, Any] = PRIVATE | {"concurrency_id": "reply", "concurrency_limit": AT_ONCE, "show_progress": "hidden"}


class Asked(BaseModel):
    """What the HTTP endpoint is given."""

    message: str
    system: str
    history: list[str]
    persona: list[str]
    temperature: float
    top_k: int
    top_p: float
    attempt: int


def endpoint(talker: Talker) -> Callable[..., Any]:
    """What `gradio_client` calls as /reply."""

    async def reply(
        message: str,
        system: str,
        history: list[str],
        persona: list[str],
        temperature: float = START[0],
        top_k: int = START[1],
        top_p: float = START[2],
        attempt: int = 0,
    ) -> dict[str, Any]:
        """One reply; the next call knows nothing of it.

        `history`: the turns before `message`, oldest first, beginning with what was asked.
        """
        try:
            given = Asked(
                message=message, system=system, history=history, persona=persona, temperature=temperature,
                top_k=top_k, top_p=top_p, attempt=attempt,
            )  # fmt: skip
            asked, who = checked(given.message), sentences("\n".join(given.persona))
            turns = [*(short_enough(turn) for turn in given.history), asked]
            decoding = decoding_of(given.temperature, given.top_k, given.top_p)
            async for each in talker.reply_async(given.system, turns, who, decoding, given.attempt):
                answer = each
        except AttuneError as error:
            said = "\n\n".join(filter(None, (str(error), care(message))))
            raise gr.Error(said, print_exception=False) from None
        except ValidationError as error:
            first = error.errors()[0]
            said = f"{first['loc'][0]}: {first['msg'].lower()}."
            raise gr.Error(said, print_exception=False) from None
        found = [{"text": each.text, "score": each.score, "read": each.read} for each in answer.found]
        about = {"reply": answer.text, "cut": answer.cut, "forgotten": answer.forgotten, "shortened": answer.shortened}
        return about | {"retrieved": found, "care": care(asked)}

    return reply


def framed(need: Need) -> str:
    """A page of the pipeline's, whole, inside this one."""
    if missing := lacking((need,)):
        return f"<p>{escape(missing)}</p>"
    return _framed(need[0], need[0].stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _framed(path: Path, _changed: int) -> str:
    return f'<iframe sandbox="" title="{path.stem}" srcdoc="{escape(path.read_text(encoding="utf-8"))}"></iframe>'


def build(talker: Talker) -> gr.Blocks:
    """The page over `talker`."""
    own = Conversations(talker)
    options = talker.settings.rag
    with gr.Blocks(title="Attune", analytics_enabled=False) as page:
        gr.Markdown(ABOUT)
        with gr.Accordion("Persona and decoding", open=False):
            most = talker.settings.recipes[options.recipe].num_personas
            persona = gr.Textbox(
                "\n".join(options.persona),
                lines=4,
                label="Persona of who replies: a sentence a line",
                info=f"CoBERT alone reads it, the first {most}: it orders persona_rag's passages, finds own replies.",
                elem_id="persona",
            )
            temperature = gr.Slider(0.05, 2.0, START[0], step=0.05, label="temperature")
            top_k = gr.Slider(0, 100, START[1], step=1, label="top_k: likeliest tokens kept; 0 keeps all")
            top_p = gr.Slider(0.05, 1.0, START[2], step=0.01, label="top_p: share of probability kept")
        settings = [persona, temperature, top_k, top_p]
        with gr.Tab("Chat"):
            _chat(own, settings)
        with gr.Tab("Compare"):
            _comparison(own, settings)
        with gr.Tab("Results") as results:
            pages = [gr.HTML(elem_id="results"), gr.HTML(elem_id="studies")]
            needs = [talker.places.report, talker.places.studies]
            results.select(lambda: [framed(need) for need in needs], None, pages, **PRIVATE)
        gr.api(endpoint(talker), api_name="reply", concurrency_id="reply", concurrency_limit=AT_ONCE)

        def left(request: gr.Request) -> None:
            """The page was closed; Gradio too would keep what stood in its fields."""
            own.forget(request)
            page.state_holder.session_data.pop(str(request.session_hash), None)

        page.unload(left)
    return page


def _chat(own: Conversations, settings: list[Any]) -> None:
    names = [(system.title, name) for name, system in own.talker.systems.items()]
    system = gr.Dropdown(names, value=names[0][1], label="System", elem_id="system")
    chat = gr.Chatbot(
        label="Conversation", height=420, render_markdown=False, latex_delimiters=[], feedback_options=None, buttons=[],
        elem_id="chat",
    )  # fmt: skip
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
    outputs = [message, chat, found, status, concern]
    sent = gr.on([send.click, message.submit], own.send, [message, system, *settings], outputs, **QUEUED)
    again = retry.click(own.retry, [system, *settings], outputs, **QUEUED)
    stop.click(None, cancels=[sent, again])
    stop.click(own.stop, None, status, queue=False, **PRIVATE)
    for cleared in (clear.click, chat.clear):
        cleared(None, cancels=[sent, again])
        cleared(own.clear, None, outputs[1:], queue=False, **PRIVATE)


def _comparison(own: Conversations, settings: list[Any]) -> None:
    message = gr.Textbox(label="One message to all systems", elem_id="compare-message")
    ask = gr.Button("Compare", variant="primary", elem_id="compare-send")
    status, concern = gr.Markdown(elem_id="compare-status"), gr.Markdown(visible=False, elem_id="compare-care")
    replies = gr.HTML(elem_id="compare-replies")
    gr.on([ask.click, message.submit], own.compare, [message, *settings], [replies, status, concern], **QUEUED)


def serve(talker: Talker, host: str, port: int, wait: bool = True) -> tuple[gr.Blocks, str]:
    """Open the page on `host` and `port`, and say where; returns the page and its address."""
    page = build(talker).queue(default_concurrency_limit=AT_ONCE)
    theme = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    _, address, _ = page.launch(
        server_name=host, server_port=port, prevent_thread_lock=True, quiet=True, ssr_mode=False, theme=theme, css=CSS,
        footer_links=["api"], run_history=False, state_session_capacity=KEPT,
    )  # fmt: skip
    print(f"Attune's page is at {address} (Ctrl+C ends it)", flush=True)
    talker.prepare()
    if wait:
        page.block_thread()
    return page, address
