"""Waiting for what other processes do."""

import time
from collections.abc import Callable


def until(true: Callable[[], bool]) -> None:
    """Return as soon as `true` says so, which a test asks for up to 250 seconds: less than what ends the test."""
    end = time.monotonic() + 250
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
