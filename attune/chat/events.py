"""How the page's events are queued."""

from typing import Any

# Replies that may grow at the same time; further ones wait in the queue.
MAX_CONCURRENT_REPLIES = 16
PRIVATE: dict[str, Any] = {"api_visibility": "private"}
CONCURRENCY: dict[str, Any] = {"concurrency_id": "reply", "concurrency_limit": MAX_CONCURRENT_REPLIES}
QUEUED: dict[str, Any] = PRIVATE | CONCURRENCY | {"show_progress": "hidden"}
