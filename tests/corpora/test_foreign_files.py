"""What may stand in a raw file's place: each format's reader says what it is and what to do."""

from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.corpora import CORPORA, record_of
from attune.corpora.reading import BadRows
from tests.git_lfs import POINTER

PAGE = "\ufeff\n<!DOCTYPE html>\n<html><body>Sign in</body></html>\n"
FILES = [(name, file) for name in CORPORA for layout in record_of(name).layouts for file in layout.values()]


@pytest.mark.parametrize("policy", ["error", "skip"])
@pytest.mark.parametrize(("name", "file"), FILES)
@pytest.mark.fault("a Git LFS pointer or HTML in a raw file's place", "the file and what it is are named")
def test_a_pointer_or_a_web_page_is_named(tmp_path: Path, name: str, file: str, policy: str) -> None:
    path = tmp_path / Path(file).name
    bad = BadRows("error" if policy == "error" else "skip")
    for content, message in ((POINTER, "is a Git LFS pointer, not the file"), (PAGE, r"is a web page \(HTML\)")):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(AttuneError, match=f"{path.name} {message}"):
            list(record_of(name).read(path, bad))
    assert bad.count == 0
