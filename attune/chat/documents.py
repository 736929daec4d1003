"""The pages beside the chat, over HTTP: the report, the studies' page and the systems' model cards."""

import base64
import hashlib
from collections.abc import Callable
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path

from fastapi.responses import HTMLResponse
from markdown_it import MarkdownIt
from starlette.requests import Request
from starlette.routing import Route

from attune.chat.artifacts import Artifact, Artifacts, missing
from attune.chat.engine import Engine
from attune.core.errors import AttuneError
from attune.export.models import card as model_card

_STYLE = """<style>:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 1rem auto; padding: 0 1rem; }
pre, table { display: block; overflow-x: auto; } pre { padding: 0.8rem; } table { border-collapse: collapse; }
th, td { padding: 0.2rem 0.6rem; border-bottom: 1px solid #8888; text-align: left; }</style>"""


def routes(engine: Engine) -> list[Route]:
    """results/report, results/studies, and cards/NAME for every system."""
    pages = {"report": engine.artifacts.report, "studies": engine.artifacts.studies}

    def result(request: Request) -> HTMLResponse:
        document = pages.get(request.path_params["name"])
        return _answered(engine.artifacts, document, lambda path: path.read_text(encoding="utf-8"))

    def rendered_card(model: Path) -> str:
        return _page(model.name, _rendered(model_card(model, engine.artifacts.root)))

    def card(request: Request) -> HTMLResponse:
        system = engine.systems.get(request.path_params["name"])
        return _answered(engine.artifacts, system.model if system else None, rendered_card)

    return [Route("/results/{name}", result), Route("/cards/{name}", card)]


@cache
def _headers() -> dict[str, str]:
    """No document loads anything from elsewhere, or runs a script but the report's own, which is known by its hash."""
    script = files("attune.report").joinpath("page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(f"\n{script}".encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "frame-ancestors 'self'; sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox"
    )
    return {"Content-Security-Policy": policy, "Cache-Control": "no-store"}


def _answered(artifacts: Artifacts, document: Artifact | None, shown: Callable[[Path], str]) -> HTMLResponse:
    """What `shown` makes of the document, or a sentence where there is none."""
    if document is None:
        return HTMLResponse(_page("Attune", "<p>There is no such page.</p>"), 404, _headers())
    if reason := missing([document]):
        return HTMLResponse(_page("Attune", f"<p>{escape(artifacts.relative(reason))}</p>"), 404, _headers())
    try:
        return HTMLResponse(shown(document.path), 200, _headers())
    except AttuneError as error:  # half a model, such as an interrupted training leaves
        return HTMLResponse(_page("Attune", f"<p>{escape(artifacts.relative(str(error)))}</p>"), 404, _headers())


def _rendered(markdown: str) -> str:
    """HTML of a model card, without the block of keys before its text."""
    if markdown.startswith("---\n"):
        markdown = markdown.split("\n---\n", 1)[-1]
    return str(MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown))


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width, initial-scale=1"><title>{escape(title)}</title>{_STYLE}</head>'
        f"<body>{body}</body></html>\n"
    )
