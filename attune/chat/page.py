"""The page: chat with a system, compare all systems, read the results. Built with Gradio; it loads nothing else."""

import os
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"  # the page fetches nothing, and Gradio asks itself for a start
import gradio as gr

from attune.chat.about import about
from attune.chat.artifacts import Artifact, missing
from attune.chat.choices import decoding_note, starting_system
from attune.chat.conversations import MAX_CONVERSATIONS, OPENINGS, QUESTIONS, Conversations
from attune.chat.endpoint import reply_endpoint
from attune.chat.engine import Engine
from attune.chat.openai_api import api_key, mounted
from attune.parameters.generators import Generation

# Replies that may grow at the same time; further ones wait in the queue.
MAX_CONCURRENT_REPLIES = 16
CSS = """
.message, .message *, textarea, td { unicode-bidi: plaintext; }
#crisis, #compare-crisis {
  border-left: 4px solid #b35900; padding: 0.4rem 0.8rem; background: #fff7ec; color: #1a1a1a;
}
iframe { width: 100%; height: 80vh; border: 1px solid #ccc; background: white; }
"""
PRIVATE: dict[str, Any] = {"api_visibility": "private"}
CONCURRENCY: dict[str, Any] = {"concurrency_id": "reply", "concurrency_limit": MAX_CONCURRENT_REPLIES}
QUEUED: dict[str, Any] = PRIVATE | CONCURRENCY | {"show_progress": "hidden"}


def embedded(artifact: Artifact) -> str:
    """HTML that shows a page of the pipeline in a frame without scripts, or says how to write the page."""
    if reason := missing([artifact]):
        return f"<p>{escape(reason)}</p>"
    return _frame(artifact.path, artifact.path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _frame(path: Path, _modified: int) -> str:
    return f'<iframe sandbox="" title="{path.stem}" srcdoc="{escape(path.read_text(encoding="utf-8"))}"></iframe>'


def build(engine: Engine) -> gr.Blocks:
    """The page for the engine's systems."""
    conversations = Conversations(engine)
    with gr.Blocks(title="Attune", analytics_enabled=False) as page:
        gr.Markdown(about(engine.parameters))
        settings = _settings(engine)
        with gr.Tab("Chat"):
            _chat(conversations, settings)
        with gr.Tab("Compare"):
            _comparison(conversations, settings)
        with gr.Tab("Results") as results:
            frames = [gr.HTML(elem_id="results"), gr.HTML(elem_id="studies")]
            pages = [engine.artifacts.report, engine.artifacts.studies]
            results.select(lambda: [embedded(each) for each in pages], None, frames, **PRIVATE)
        gr.api(reply_endpoint(engine), api_name="reply", **CONCURRENCY)

        def close(request: gr.Request) -> None:
            """Drop what was typed on a closed page; Gradio would keep the contents of its fields."""
            conversations.close(request)
            page.state_holder.session_data.pop(str(request.session_hash), None)

        page.unload(close)
    return page


def _settings(engine: Engine) -> list[Any]:
    """The fields of `conversations.Settings`, in its order."""
    parameters = engine.parameters
    limit = parameters.recipes[parameters.rag.recipe].num_personas
    readers = [name for name, each in parameters.generators.items() if each.persona_tokens]
    with gr.Accordion("Persona and decoding", open=False):
        persona = gr.Textbox(
            "\n".join(parameters.rag.persona),
            lines=4,
            label="Persona of the one who replies: one sentence per line",
            info=f"CoBERT reads at most {limit} sentences, to order the passages of persona_rag and to choose its own "
            f"replies. Generators that were trained with personas read it too: {', '.join(readers) or 'none'}.",
            elem_id="persona",
        )
        own = gr.Checkbox(label="Other decoding settings than those of params.yaml", elem_id="own")
        sliders = _sliders(parameters.generation)
    return [persona, own, *sliders]


def _sliders(generation: Generation) -> list[gr.Slider]:
    """temperature, top_k and top_p, wide enough for every decoding of params.yaml."""
    sliders = []
    for key, low, high, step, label in (
        ("temperature", 0.05, 2.0, 0.05, "temperature"),
        ("top_k", 0, 100, 1, "top_k: most probable tokens kept; 0 keeps all"),
        ("top_p", 0.05, 1.0, 0.01, "top_p: share of the probability kept"),
    ):
        values = [getattr(each, key) for each in generation.decoding.values()]
        bounds = min(low, *values), max(high, *values)
        start = getattr(generation.decoding["default"], key)
        sliders.append(gr.Slider(*bounds, start, step=step, label=label, visible=False, elem_id=key))
    return sliders


def _system(engine: Engine, own: gr.Checkbox, sliders: list[gr.Slider]) -> gr.Dropdown:
    """The choice of the system, which says how it decodes; `sliders` show when `own`, and start at its values."""

    def shown(own: bool, name: str) -> list[Any]:
        decoding = engine.decoding(name)
        return [gr.update(visible=own, value=getattr(decoding, slider.elem_id)) for slider in sliders]

    choices = [(system.title, name) for name, system in engine.systems.items()]
    start = starting_system(engine)
    system = gr.Dropdown(choices, value=start, label="System", info=decoding_note(engine, start), elem_id="system")
    system.change(lambda name: gr.update(info=decoding_note(engine, name)), system, system, queue=False, **PRIVATE)
    own.change(shown, [own, system], sliders, queue=False, **PRIVATE)
    return system


def _chat(conversations: Conversations, settings: list[Any]) -> None:
    system = _system(conversations.engine, settings[1], settings[2:])
    chat = gr.Chatbot(
        label="Conversation", height=420, render_markdown=False, latex_delimiters=[], feedback_options=None, buttons=[],
        placeholder="Say something, or click one of these:", examples=[{"text": each} for each in OPENINGS + QUESTIONS],
        elem_id="chat",
    )  # fmt: skip
    crisis = gr.Markdown(visible=False, elem_id="crisis")
    status = gr.Markdown(elem_id="status")
    message = gr.Textbox(label="Message", placeholder="Say something", lines=2, autofocus=True, elem_id="message")
    with gr.Row():
        send, stop, retry, clear = (
            gr.Button(text, elem_id=text.lower(), variant="primary" if text == "Send" else "secondary")
            for text in ("Send", "Stop", "Retry", "Clear")
        )
    with gr.Accordion("What was retrieved", open=False):
        retrieved = gr.HTML(elem_id="retrieved")
    outputs = [message, chat, retrieved, status, crisis]
    sent = gr.on([send.click, message.submit], conversations.send, [message, system, *settings], outputs, **QUEUED)
    retried = retry.click(conversations.retry, [system, *settings], outputs, **QUEUED)
    picked = chat.example_select(conversations.example, system, [message, system], queue=False, **PRIVATE)
    tried = picked.then(conversations.send, [message, system, *settings], outputs, **QUEUED)
    writing = [sent, retried, tried]
    stop.click(None, cancels=writing)
    stop.click(conversations.stop, None, status, queue=False, **PRIVATE)
    for cleared in (clear.click, chat.clear):
        cleared(None, cancels=writing)
        cleared(conversations.clear, None, outputs[1:], queue=False, **PRIVATE)


def _comparison(conversations: Conversations, settings: list[Any]) -> None:
    message = gr.Textbox(label="One message to all systems", elem_id="compare-message")
    ask = gr.Button("Compare", variant="primary", elem_id="compare-send")
    status, crisis = gr.Markdown(elem_id="compare-status"), gr.Markdown(visible=False, elem_id="compare-crisis")
    replies = gr.HTML(elem_id="compare-replies")
    outputs = [replies, status, crisis]
    gr.on([ask.click, message.submit], conversations.compare, [message, *settings], outputs, **QUEUED)


def serve(engine: Engine, host: str, port: int, wait: bool = True) -> tuple[gr.Blocks, str]:
    """Serve the page on `host` and `port`, until it is interrupted if `wait`; returns the page and its address.

    Raises
    ------
    OSError, OverflowError
        if the port cannot be opened.
    """
    key = api_key(host)
    # An IPv6 address stands in brackets in the page's own address.
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    page = build(engine).queue(default_concurrency_limit=MAX_CONCURRENT_REPLIES)
    theme = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
    _, address, _ = page.launch(
        server_name=host, server_port=port, prevent_thread_lock=True, quiet=True, ssr_mode=False, theme=theme, css=CSS,
        footer_links=["api"], run_history=False, state_session_capacity=MAX_CONVERSATIONS,
        share=False, mcp_server=False, ssl_verify=False,
        app_kwargs={"routes": [mounted(engine, key)]},
    )  # fmt: skip
    print(f"Attune's page is at {address} (Ctrl+C stops it)", flush=True)
    print(f"OpenAI's API is at {address}v1{f', with the key {key}' if key else ''}", flush=True)
    engine.preload()
    if wait:
        page.block_thread()
    return page, address
