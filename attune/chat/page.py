"""The page: chat with a system, compare all systems, read the results. Built with Gradio; it loads nothing else.

`attune.chat.gradio_settings.prepare` comes before importing this.
"""

import signal
import sys
import time
from inspect import signature
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from attune.chat.about import DISCLAIMER, HEADLINE, PROTOTYPE, data
from attune.chat.chat_tab import chat_tab
from attune.chat.compare_tab import compare_tab
from attune.chat.comparison import Comparisons
from attune.chat.conversations import MAX_CONVERSATIONS, Conversations
from attune.chat.documents import routes
from attune.chat.endpoint import refusal, reply_endpoint
from attune.chat.engine import Engine
from attune.chat.events import MAX_CONCURRENT_REPLIES, MAX_EVENTS, PRIVATE
from attune.chat.openai_api import api_key, key_notice, mounted

CSS = Path(__file__).parent / "page.css"
RESULTS = {"report": "Report", "studies": "Studies"}
# The keyboard reaches the conversation, which scrolls.
_REACHABLE = "() => document.querySelectorAll('#chat [role=log]').forEach(log => { log.tabIndex = 0; })"


class _Page(gr.Blocks):
    def validate_inputs(self, block_fn: Any, inputs: list[Any]) -> None:
        """A gr.Error for too few values; Gradio's own error would write the values to the log."""
        if len(inputs) < len(block_fn.inputs):
            needed = [*signature(block_fn.fn).parameters][: len(block_fn.inputs)]
            reason = f"{len(needed)} values are needed ({', '.join(needed)}); these are {len(inputs)}."
            raise refusal(reason, next(iter(inputs), None))


def build(engine: Engine) -> gr.Blocks:
    """The page for the engine's systems."""
    conversations = Conversations(engine)
    with _Page(title="Attune", analytics_enabled=False) as page:
        gr.Markdown(f"# Attune\n{HEADLINE}\n\n{DISCLAIMER} {PROTOTYPE}", elem_id="head")
        with gr.Tab("Chat"):
            settings = chat_tab(conversations)
        with gr.Tab("Compare"):
            compare_tab(Comparisons(engine), settings.inputs)
        with gr.Tab("Results") as results:
            _results(results)
        # At the end, so that a phone's first screen has room for the chat.
        gr.Markdown(data(engine.parameters, engine.artifacts), elem_id="data", elem_classes="small")
        gr.api(reply_endpoint(engine), api_name="reply", concurrency_limit=None)

        def close(request: gr.Request) -> None:
            """Drop what was typed on a closed page; Gradio would keep the contents of its fields."""
            conversations.close(request)
            page.state_holder.session_data.pop(str(request.session_hash), None)

        page.unload(close)
        page.load(None, None, None, js=_REACHABLE, **PRIVATE)
    return page


def _results(tab: gr.Tab) -> None:
    """The report and the studies' page in a frame each, loaded anew whenever the tab is opened."""
    frames = []
    for name, title in RESULTS.items():
        with gr.Tab(title):
            frames.append(gr.HTML(elem_id=name))

    def shown() -> list[str]:
        now = time.time_ns()  # another address, so that the browser does not keep the old page
        return [
            f'<p><a href="results/{name}" target="_blank">Open in a tab of its own</a></p>'
            f'<iframe title="{title}" src="results/{name}?{now}"></iframe>'
            for name, title in RESULTS.items()
        ]

    tab.select(shown, None, frames, **PRIVATE)


def _unserved() -> list[Route]:
    """Gradio's routes by which a client can write to the disk, of which the page uses none."""

    def refused(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("This page takes no files and keeps no conversations.\n", 404)

    return [Route(f"/gradio_api/{name}", refused, methods=["GET", "POST"]) for name in ("upload", "deep_link")]


def _theme() -> gr.themes.Base:
    """Gradio's own with fonts of the system; a contrast of at least 4.5 for its paler text, and of 3 for checkboxes."""
    grey, pale = "*neutral_600", "*neutral_300"
    return gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]).set(
        body_text_color_subdued=grey, body_text_color_subdued_dark=pale,
        block_info_text_color=grey, block_info_text_color_dark=pale,
        block_title_text_color=grey, block_title_text_color_dark=pale,
        input_placeholder_color=grey, input_placeholder_color_dark=pale,
        checkbox_border_color="*neutral_500", checkbox_border_color_dark="*neutral_400",
    )  # fmt: skip


def serve(engine: Engine, host: str, port: int, wait: bool = True) -> tuple[gr.Blocks, str]:
    """Serve the page on `host` and `port`, until it is stopped if `wait`; returns the page and its address.

    Raises
    ------
    OSError, OverflowError
        if the port cannot be opened.
    """
    if wait:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that the folder for Gradio's files is deleted
    key = api_key(host)
    # An IPv6 address stands in brackets in the page's own address.
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    page = build(engine).queue(default_concurrency_limit=MAX_CONCURRENT_REPLIES)
    _, address, _ = page.launch(
        server_name=host, server_port=port, prevent_thread_lock=True, quiet=True, ssr_mode=False, theme=_theme(),
        css_paths=CSS, footer_links=["api"], run_history=False, state_session_capacity=MAX_CONVERSATIONS,
        max_threads=MAX_EVENTS, max_file_size=0,  # its other routes that take files
        share=False, mcp_server=False, ssl_verify=False,
        _frontend=False,  # otherwise Gradio first asks for its own page, and gives up where that takes 3 seconds
        app_kwargs={"routes": [*_unserved(), mounted(engine, key), *routes(engine)]},
    )  # fmt: skip
    print(f"Attune's page is at {address} (Ctrl+C stops it)", flush=True)
    print(f"OpenAI's API is at {address}v1{key_notice(key)}", flush=True)
    engine.preload()
    if wait:
        page.block_thread()
    return page, address
