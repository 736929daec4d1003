from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.corpora.reading import BadRows, csv_rows, ends_with_line_break, lines


def test_an_error_names_file_line_and_what_skips_it(tmp_path: Path) -> None:
    with pytest.raises(AttuneError) as raised:
        BadRows("error").add(tmp_path / "a.txt", 7, "no user")
    assert str(raised.value).startswith(f"{tmp_path}/a.txt, line 7: no user")
    assert "on_bad_row: skip" in str(raised.value)


def test_parquet_counts_rows_and_not_lines() -> None:
    with pytest.raises(AttuneError, match=r"a\.parquet, row 7: no user"):
        BadRows("error").add(Path("a.parquet"), 7, "no user")


def test_skip_counts() -> None:
    bad = BadRows("skip")
    bad.add(Path("a"), 1, "x")
    bad.add(Path("a"), 2, "x")
    assert bad.count == 2


def test_lines_accept_a_byte_order_mark_crlf_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\n\r\n  \ntwo\nthree")
    assert list(lines(path)) == [(1, "one"), (4, "two"), (5, "three")]


def test_only_line_feeds_break_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    text = "a\u2028b\x0bc\x85d\re"
    path.write_bytes(text.encode() + b"\n")
    assert list(lines(path)) == [(1, text)]


@pytest.mark.fault("bytes that are not UTF-8", "line and offset are named")
def test_bad_bytes_are_named_by_line_and_offset(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\nab\xffcd\n")
    with pytest.raises(AttuneError, match=r"a\.txt, line 2: byte 3 of the line, 0xff, is not UTF-8"):
        list(lines(path))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(AttuneError, match=r"absent\.txt cannot be read"):
        list(lines(tmp_path / "absent.txt"))


@pytest.mark.parametrize(("content", "complete"), [(b"", True), (b"a\n", True), (b"a\r\n", True), (b"a", False)])
def test_ends_with_line_break(tmp_path: Path, content: bytes, complete: bool) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    assert ends_with_line_break(path) is complete


@pytest.mark.parametrize(("start", "program"), [(b"\x1f\x8b\x08\x00", "gunzip"), (b"\x28\xb5\x2f\xfd$", "zstd -d")])
@pytest.mark.parametrize("read", [lines, csv_rows])
@pytest.mark.fault("a file that is compressed under its own name", "the program that unpacks it is named")
def test_what_is_compressed_is_called_so(
    tmp_path: Path, read: Callable[[Path], Iterable[object]], start: bytes, program: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(start)
    with pytest.raises(AttuneError, match=rf"a\.csv is compressed; write what `{program} < a\.csv` gives into a file$"):
        list(read(path))


@pytest.mark.parametrize("order", ["", "le", "be"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("read", [lines, csv_rows])
@pytest.mark.fault("a file in {encoding}", "the conversion is named")
def test_what_is_not_in_utf_8_is_called_by_its_name(
    tmp_path: Path, read: Callable[[Path], Iterable[object]], encoding: str, order: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("post,answer\nHällo.,Hi.\n".encode(f"{encoding}-{order}" if order else encoding))
    right = rf"convert it by `iconv -f {encoding}{order} -t utf-8`$"
    with pytest.raises(AttuneError, match=rf"a\.csv is in {encoding.upper()}; {right}"):
        list(read(path))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_byte_order_mark_tells_either_order(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffHi.".encode(f"{encoding}-be"))
    with pytest.raises(AttuneError, match=rf"a\.txt is in {encoding.upper()}; .* -f {encoding} "):
        list(lines(path))
