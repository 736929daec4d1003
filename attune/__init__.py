"""Persona-based empathetic conversation: rank replies (Ranker), retrieve them (Retriever), write them (Generator)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from attune.core.errors import AttuneError

if TYPE_CHECKING:
    from attune.inference.generator import Generator
    from attune.inference.ranker import Ranker
    from attune.inference.retriever import Retriever
    from attune.parameters.decoding import Decoding

__all__ = ["AttuneError", "Decoding", "Generator", "Ranker", "Retriever"]


def __getattr__(name: str) -> Any:
    """Imported when first asked for: torch takes seconds that a stage without models need not wait."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = "parameters" if name == "Decoding" else "inference"
    return getattr(import_module(f"{__name__}.{room}.{name.lower()}"), name)
