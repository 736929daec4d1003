import subprocess
import sys

import attune
from tests.project import ROOT
from tools.api import PAGE, page


def test_the_api_page_is_what_the_docstrings_say() -> None:
    assert PAGE.read_text() == page(), "run `python -m tools.api`"


def test_every_public_class_and_method_has_a_docstring() -> None:
    parts = page().split("### ")
    for part in parts[1:]:
        assert part.strip("`\n ").count("\n") >= 2, part


def test_records_are_listed_with_their_fields_and_with_what_follows_from_them() -> None:
    for name, fields in (
        ("Ranked", "reply: str\nscore: float\n"),
        ("Retrieved", "row: dict[str, Any]\nscore: float\ncosine: float\nreply: str\n"),
        ("Decoding", "method: Literal['greedy', 'sampling', 'beam']\n"),
        ("Prompt", "ids: list[int]\npassages: list[str]\nturns: int\nshortened: bool = False\n"),
    ):
        assert f"### `{name}`\n\n```text\n{fields}" in page()


def test_a_decoding_is_public_and_costs_no_import_of_torch() -> None:
    assert {name: getattr(attune, name).__name__ for name in attune.__all__} == {name: name for name in attune.__all__}
    code = "import sys; from attune import Decoding; Decoding(method='greedy'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
