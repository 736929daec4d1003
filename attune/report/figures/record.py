"""What is known of a figure beside how its data are drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure

from attune.parameters import Parameters
from attune.report.results import Results

Page = Literal["report", "studies"]
# On the first screen, among the figures, folded below them, or beside the text about the test sets' sizes.
Place = Literal["first", "open", "folded", "power"]


@dataclass(frozen=True)
class FigureRecord:
    """`name` is the figure's file name without suffix; `caption` stands below it on its page.

    caption: with parameters in braces, such as {0.transfer.recipe}.
    shown: what is in it; without any, there is no figure.
    """

    name: str
    caption: str
    draw: Callable[[Results], Figure]
    page: Page = "report"
    place: Place = "open"
    shown: Callable[[Results], Sequence[str]] = lambda _: ["all"]

    def caption_of(self, settings: Parameters) -> str:
        """The caption with the values of these parameters."""
        return self.caption.format(settings)
