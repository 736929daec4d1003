"""The tab in which every system answers one message."""

from functools import partial
from typing import Any

import gradio as gr

from attune.chat.comparison import BUTTONS, Compared, Comparisons
from attune.chat.conversations import BUSY, IDLE
from attune.chat.events import AT_ONCE, PRIVATE, QUEUED, into_view
from attune.chat.rendering import crisis_update

COMPARE = "Compare"


def compare_tab(comparisons: Comparisons, settings: list[Any]) -> None:
    """settings: the fields of Settings, which are those of the chat."""
    count, kept = len(comparisons.engine.systems), comparisons.engine.artifacts.judgements
    gr.Markdown(
        f"## One message to all {count} systems\nThey reply one after the other, with the persona and the decoding set "
        "in the Chat tab. You can judge the replies once the last one is there."
    )
    message = gr.Textbox(
        label="Message to all systems", show_label=False, placeholder="Write a message", lines=1, max_lines=8,
        submit_btn=COMPARE, elem_id="compare-message",
    )  # fmt: skip
    blind = gr.Checkbox(label="Blind: random order, and each name hidden until you judge the reply", elem_id="blind")
    keep = gr.Checkbox(
        label=f"Save my verdicts, with the message and the persona, to {kept.name} on the server", elem_id="keep"
    )
    status, crisis = gr.Markdown(elem_id="compare-status"), gr.Markdown(visible=False, elem_id="compare-crisis")
    asked, link = gr.HTML(elem_id="compare-asked"), gr.HTML(elem_id="compare-download")
    compared = gr.State(Compared())
    outputs: list[Any] = [compared, status, crisis, asked, link]
    thumbs = []
    with gr.Row(elem_id="compare-replies"):
        for _ in range(count):
            with gr.Column(min_width=300, visible=False, elem_classes="card") as card:
                text = gr.HTML()
                with gr.Row():
                    buttons = [gr.Button(label, size="sm", min_width=80) for label in BUTTONS.values()]
            outputs += [card, text, *buttons]
            thumbs.append(buttons)
    warned = message.submit(crisis_update, message, crisis, **AT_ONCE)
    warned.then(None, js=into_view("#compare-crisis"), **PRIVATE)
    # The button stops the comparison until it is over: Gradio takes no second one meanwhile.
    message.submit(lambda: (gr.update(**BUSY), "Waiting for its turn ..."), None, [message, status], **AT_ONCE)
    comparing = message.submit(comparisons.compare, [message, blind, *settings], outputs, **QUEUED)
    comparing.then(lambda: gr.update(**IDLE | {"submit_btn": COMPARE}), None, message, **AT_ONCE)
    message.stop(None, cancels=[comparing])
    message.stop(lambda: "Stopped.", None, status, **AT_ONCE)
    for at, buttons in enumerate(thumbs):
        for verdict, button in zip(BUTTONS, buttons, strict=True):
            judge = partial(comparisons.judge, at, verdict)
            button.click(judge, [keep, compared], outputs, queue=False, **PRIVATE)
