"""How the page's events are queued."""

from typing import Any

# Replies that may grow at the same time, on the page and over /reply each; further ones wait.
MAX_CONCURRENT_REPLIES = 16
# Events that Gradio's queue has begun, replies of /reply that wait among them: its own 40 would let one crowd stop all.
MAX_EVENTS = 1000
PRIVATE: dict[str, Any] = {"api_visibility": "private"}
AT_ONCE: dict[str, Any] = PRIVATE | {"queue": False, "show_progress": "hidden"}
QUEUED: dict[str, Any] = PRIVATE | {
    "concurrency_id": "page",
    "concurrency_limit": MAX_CONCURRENT_REPLIES,
    "show_progress": "hidden",
}


def into_view(selector: str) -> str:
    """JavaScript that scrolls an element into view, if it is there: a phone would show its first lines only."""
    return f"() => setTimeout(() => document.querySelector('{selector}')?.scrollIntoView({{block: 'nearest'}}), 100)"
