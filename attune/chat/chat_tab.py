"""The tab in which people talk to one system, and the settings that count for every tab."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from attune.chat.choices import decoding_note, persona_note, starting_system
from attune.chat.conversations import OPENINGS, QUESTIONS, Conversations
from attune.chat.engine import Engine
from attune.chat.events import AT_ONCE, PRIVATE, QUEUED, into_view
from attune.chat.rendering import system_choices, system_note
from attune.core.errors import AttuneError
from attune.corpora.wording import as_written
from attune.parameters.generation import Generation

# Personas to click, beside that of params.yaml.
PERSONAS = {
    "Dog owner": ("I have two dogs, and I walk them every morning.", "I work as a gardener.", "I love the sea."),
    "Young parent": ("I have a little daughter.", "I hardly sleep at night.", "I used to play the guitar in a band."),
}
# Copies the conversation as plain text, each turn after who said it; returns what the status says.
_COPY = """async () => {
  const turns = [...document.querySelectorAll('#chat [data-testid=user], #chat [data-testid=bot]')];
  if (!turns.length) return 'There is nothing to copy yet.';
  const lines = turns.map(turn => {
    const text = turn.cloneNode(true), by = text.querySelector('.by');
    by?.remove();
    const who = turn.dataset.testid === 'user' ? 'You' : by?.textContent.split(' · ')[0] ?? 'Reply';
    return `${who}: ${text.textContent.trim()}`;
  });
  try {
    await navigator.clipboard.writeText(lines.join('\\n'));
    return 'Copied.';
  } catch {
    return 'The browser does not let this page copy; select the text instead.';
  }
}"""

# Where the button that was pressed goes away, so that the keyboard is not led back to the top of the page. On a touch
# screen a focused message box would open the keyboard over the conversation.
_TO_THE_MESSAGE_BOX = """() => {
  if (matchMedia('(pointer: fine)').matches) document.querySelector('#message textarea').focus();
}"""


@dataclass(frozen=True)
class SettingsFields:
    """The fields of `conversations.Settings`, in its order, and the note on how the chosen system decodes."""

    persona: gr.Textbox
    own: gr.Checkbox
    sliders: list[gr.Slider]
    note: gr.Markdown

    @property
    def inputs(self) -> list[Any]:
        return [self.persona, self.own, *self.sliders]


def chat_tab(conversations: Conversations) -> SettingsFields:
    """The chat beside its settings; on a phone, above them."""
    engine = conversations.engine
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            start = starting_system(engine)
            system = gr.Dropdown(system_choices(engine), value=start, label="Who replies", elem_id="system")
            openings, message, outputs, buttons = _conversation()
        with gr.Column(scale=2, min_width=320):
            about = gr.HTML(system_note(engine, start), elem_id="system-note")
            settings = _settings(engine, start)
    _show_system(engine, system, about, settings)
    _answer(conversations, system, settings, openings, message, outputs, buttons)
    return settings


def _conversation() -> tuple[list[gr.Button], gr.Textbox, list[Any], list[gr.Button]]:
    """The messages to click, the message box, what `Conversations.send` updates, and the buttons Retry, Copy and Clear.

    The style sheet shows the messages to click, or the conversation with its buttons once there is one.
    """
    with gr.Column(elem_id="openings"):
        gr.Markdown("Say something, or click one of these:")
        with gr.Row():
            openings = [
                gr.Button(text, size="sm", min_width=280, elem_classes="opening") for text in OPENINGS + QUESTIONS
            ]
    chat = gr.Chatbot(
        label="Conversation", show_label=False, render_markdown=False, latex_delimiters=[], feedback_options=None,
        buttons=[], elem_id="chat",
    )  # fmt: skip
    crisis = gr.Markdown(visible=False, elem_id="crisis")
    status = gr.Markdown(elem_id="status", elem_classes="small")
    # With one line to begin with, Enter sends and Shift+Enter breaks the line.
    message = gr.Textbox(
        label="Message", show_label=False, placeholder="Write a message", lines=1, max_lines=8, submit_btn="Send",
        elem_id="message", html_attributes=gr.InputHTMLAttributes(enterkeyhint="send"),
    )  # fmt: skip
    with gr.Row(elem_id="actions"):
        buttons = [
            gr.Button(text, size="sm", min_width=60, elem_id=text.lower()) for text in ("Retry", "Copy", "Clear")
        ]
    with gr.Accordion("What was retrieved", open=False, elem_id="retrieval"):
        retrieved = gr.HTML(elem_id="retrieved")
    return openings, message, [message, chat, retrieved, status, crisis], buttons


def _settings(engine: Engine, start: str) -> SettingsFields:
    parameters = engine.parameters
    personas = {"Listener": tuple(as_written(each) for each in parameters.rag.persona)} | PERSONAS
    gr.Markdown("## Persona\nPick who replies, or describe them yourself.", elem_id="persona-head")
    with gr.Row():
        clicks = [gr.Button(name, size="sm", min_width=90, elem_classes="persona") for name in personas]
    persona = gr.Textbox(
        "\n".join(personas["Listener"]), lines=4, label="One sentence per line", elem_id="persona",
        info=persona_note(engine, start),
    )  # fmt: skip
    for click, sentences in zip(clicks, personas.values(), strict=True):
        click.click(partial("\n".join, sentences), None, persona, queue=False, **PRIVATE)
    with gr.Accordion("Decoding", open=False):
        note = gr.Markdown(decoding_note(engine, start), elem_id="decoding-note")
        own = gr.Checkbox(label="Choose other settings", elem_id="own")
        sliders = _sliders(parameters.generation)
    return SettingsFields(persona, own, sliders, note)


def _sliders(generation: Generation) -> list[gr.Slider]:
    """temperature, top_k and top_p, wide enough for every decoding of params.yaml."""
    sliders = []
    for key, low, high, step, label in (
        ("temperature", 0.05, 2.0, 0.05, "temperature"),
        ("top_k", 0, 100, 1, "top_k: likeliest tokens kept (0: all)"),
        ("top_p", 0.05, 1.0, 0.01, "top_p: probability kept"),
    ):
        values = [getattr(each, key) for each in generation.decoding.values()]
        bounds = min(low, *values), max(high, *values)
        start = getattr(generation.decoding["default"], key)
        sliders.append(gr.Slider(*bounds, start, step=step, label=label, visible=False, elem_id=key))
    return sliders


def _show_system(engine: Engine, system: gr.Dropdown, about: gr.HTML, settings: SettingsFields) -> None:
    """Say what is known about the chosen system; the sliders show when `own`, and start at its values."""

    def described(name: str) -> tuple[str, Any]:
        return system_note(engine, name), gr.update(info=persona_note(engine, name))

    def shown(own: bool, name: str) -> list[Any]:
        decoding = engine.decoding(name)
        return [gr.update(visible=own, value=getattr(decoding, slider.elem_id)) for slider in settings.sliders]

    def noted(name: str, own: bool, *values: float | None) -> str:
        try:
            return decoding_note(engine, name, values if own else ())
        except AttuneError as error:
            return str(error)

    system.change(described, system, [about, settings.persona], queue=False, **PRIVATE)
    started = settings.own.change(shown, [settings.own, system], settings.sliders, queue=False, **PRIVATE)
    fields = [system, settings.own, *settings.sliders]
    # Gradio's own check would be an error in the log for a number that is still being typed.
    unchecked: dict[str, Any] = {"preprocess": False, "queue": False} | PRIVATE
    started.then(noted, fields, settings.note, **unchecked)
    for field in (system, *settings.sliders):
        field.change(noted, fields, settings.note, **unchecked)
    temperature, top_k, top_p = settings.sliders
    for moved in (temperature, top_p):
        moved.input(_more_than_the_likeliest, top_k, top_k, queue=False, **PRIVATE)


def _more_than_the_likeliest(top_k: float) -> float:
    """All tokens in place of the likeliest alone, with which the temperature and top_p would change nothing."""
    return 0 if top_k == 1 else top_k


def _answer(
    conversations: Conversations, system: gr.Dropdown, settings: SettingsFields, openings: list[gr.Button],
    message: gr.Textbox, outputs: list[Any], buttons: list[gr.Button],
) -> None:  # fmt: skip
    """What happens when a message is sent, one of the openings is clicked, or one of the buttons is pressed."""
    retry, copy, clear = buttons
    fields = [system, *settings.inputs]
    # By itself Gradio drops, without a word, what is sent before an earlier reply has ended, even an interrupted one.
    always: dict[str, Any] = {"trigger_mode": "multiple"}
    # Before the reply's turn comes.
    answered = message.submit(conversations.at_once, [message, system], outputs, **always, **AT_ONCE)
    answered.then(None, js=into_view("#crisis"), **always, **PRIVATE)
    retry.click(conversations.waiting, system, outputs[3], **always, **AT_ONCE)
    writing = [
        message.submit(conversations.send, [message, *fields], outputs, **always, **QUEUED),
        retry.click(conversations.retry, fields, outputs, **always, **QUEUED),
    ]
    for opening, text in zip(openings, OPENINGS + QUESTIONS, strict=True):
        pick = partial(conversations.example, text)
        picked = opening.click(pick, system, [message, system, outputs[3]], queue=False, **PRIVATE)
        opening.click(None, js=_TO_THE_MESSAGE_BOX, **PRIVATE)
        writing.append(picked.then(conversations.send, [message, *fields], outputs, **QUEUED))
    copy.click(None, None, outputs[3], js=_COPY, **PRIVATE)
    message.stop(None, cancels=writing)
    message.stop(conversations.stop, None, [message, outputs[3]], queue=False, **PRIVATE)
    message.stop(None, js=_TO_THE_MESSAGE_BOX, **PRIVATE)
    clear.click(None, cancels=writing)
    clear.click(conversations.clear, None, outputs, queue=False, **PRIVATE)
    clear.click(None, js=_TO_THE_MESSAGE_BOX, **PRIVATE)
