"""Garbage collection: rare while a process imports, as usual while it works, none when it ends.

torch and transformers make a million objects that all stay. Collecting among them again and again while they are
imported, and once more when the process ends, takes a third of the time of a stage that does little.
"""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

_IMPORTING = 100_000  # new objects between two collections
_USUAL = gc.get_threshold()


def defer() -> None:
    """Collect rarely until `resume`, and not at all when the process ends; for a process that has just started."""
    gc.set_threshold(_IMPORTING)
    atexit.register(gc.freeze)


def resume() -> None:
    """After the imports, collect as often as usual again, among new objects; does nothing unless `defer` came before.

    Work needs it: a model refers to itself, so that its memory is free again only after a collection.
    """
    if gc.get_threshold()[0] == _IMPORTING:
        gc.freeze()
        gc.set_threshold(*_USUAL)


@contextmanager
def deferred() -> Iterator[None]:
    """Collect rarely inside, where something large is imported late."""
    before = gc.get_threshold()
    gc.set_threshold(_IMPORTING)
    try:
        yield
    finally:
        gc.set_threshold(*before)
