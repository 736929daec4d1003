from tools.api import PAGE, page


def test_the_api_page_is_what_the_docstrings_say() -> None:
    assert PAGE.read_text() == page(), "run `python -m tools.api`"


def test_every_public_class_and_method_has_a_docstring() -> None:
    parts = page().split("### ")
    for part in parts[1:]:
        assert part.strip("`\n ").count("\n") >= 2, part
