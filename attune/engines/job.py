"""What is done to each batch, as both engines are told it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa

Work = Callable[["pa.Table"], "pa.Table"]


class Job(NamedTuple):
    """A function from batch to batch, made once per process.

    Attributes
    ----------
    start: makes the function, out of `settings`; a module's own function, which any process of the project can import.
    settings: the keyword arguments of `start`.
    folder: files that `start` reads, given to it as `folder`; None for none. A cluster's machines get a copy.
    threads: on which the function runs, in each process.
    """

    start: Callable[..., Work]
    settings: Mapping[str, Any]
    folder: Path | None = None
    threads: int = 1

    def work(self, folder: Path | None) -> Work:
        """The function, reading the files from `folder`."""
        return self.start(**self.settings, **({"folder": folder} if folder else {}))
