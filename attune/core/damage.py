"""Files of the pipeline's that are not what they should be."""

from pathlib import Path
from typing import Any

from attune.core.errors import AttuneError

_EITHER = "`git checkout` or `dvc checkout`"


class DamagedFile(AttuneError):
    """A file of the pipeline's that is torn or of another shape.

    path: the file. wrong: what is wrong with it, after its name. back: the command that brings it back.
    """

    def __init__(self, path: Path, wrong: str, back: str = _EITHER) -> None:
        self.path, self._begun = path, f"{path} {wrong}; {back} brings it back"
        super().__init__(self.said("dvc repro"))

    def said(self, command: str) -> str:
        """The message, with the command that writes the file again."""
        return f"{self._begun}, `{command}` writes it again"


def check_shape(path: Path, text: str, shape: Any) -> None:
    """Raise a DamagedFile where `text`, the JSON in the file `path`, is not of the type `shape`, as pydantic has it."""
    from pydantic import TypeAdapter, ValidationError

    try:
        TypeAdapter(shape).validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = f"{'.'.join(map(str, first['loc']))}: " if first["loc"] else ""
        raise DamagedFile(path, f"has another shape ({place}{first['msg'].lower()})") from None
