import stat
import struct
import zipfile
from pathlib import Path

import pytest

from attune.core.errors import AttuneError
from attune.sources.archive import unpack_zip

MIB = 1 << 20


def zipped(folder: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content, compress_type=zipfile.ZIP_DEFLATED)
    return path


def unpack(path: Path, limit_bytes: int = 100, limit_files: int = 10) -> Path:
    target = path.parent / "out"
    unpack_zip(path, target, limit_bytes, limit_files)
    return target


def test_files_and_folders(tmp_path: Path) -> None:
    target = unpack(zipped(tmp_path, ("a/", b""), ("a/b.txt", b"hello"), ("c..d.txt", b"")))
    assert (target / "a/b.txt").read_bytes() == b"hello"
    assert (target / "c..d.txt").read_bytes() == b""


@pytest.mark.parametrize(
    "name",
    [
        "/etc/x",
        "../x",
        "a/../../x",
        "a/..",
        "..\\x",
        "a\\b",
        "C:/x",
        "C:x",
        "\\\\host\\share\\x",
        "//host/x",
        ".",
    ],
)
@pytest.mark.fault("a zip with a name that leads out of its folder", "refused before a file is written")
def test_names_that_lead_out(tmp_path: Path, name: str) -> None:
    # The good member comes first, and is not written either.
    path = zipped(tmp_path, ("good.txt", b"1"), (zipfile.ZipInfo(name), b"2"))
    with pytest.raises(AttuneError, match=r"a\.zip: the member .* a name that could lead out of the folder") as raised:
        unpack(path)
    assert repr(name) in str(raised.value)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "x").exists()


@pytest.mark.fault("a zip with a symbolic link", "refused")
def test_symbolic_link(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(AttuneError, match="the member 'link' is a link or a special file"):
        unpack(zipped(tmp_path, (link, b"/etc/passwd")))


@pytest.mark.fault("an encrypted zip", "refused")
def test_encrypted(tmp_path: Path) -> None:
    path = zipped(tmp_path, ("secret", b"12345"))
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(AttuneError, match="the member 'secret' is encrypted"):
        unpack(path)


@pytest.mark.fault("a zip of too many files", "refused")
def test_too_many_files(tmp_path: Path) -> None:
    path = zipped(tmp_path, *[(f"{n}", b"") for n in range(4)])
    assert len(list(unpack(path, limit_files=4).iterdir())) == 4
    with pytest.raises(AttuneError, match=r"a\.zip has 4 members; at most 3"):
        unpack(path, limit_files=3)


def test_bytes_are_limited_over_all_members(tmp_path: Path) -> None:
    path = zipped(tmp_path, ("a", b"x" * 60), ("b", b"y" * 41))
    with pytest.raises(AttuneError, match=r"a\.zip unpacks to over 100 bytes \(up to 'b'\)"):
        unpack(path, limit_bytes=100)


@pytest.mark.fault("a zip whose header understates a size", "refused")
def test_a_header_that_understates_its_size_does_not_pass(tmp_path: Path) -> None:
    path = zipped(tmp_path, ("a", bytes(range(256)) * 4))
    content = path.read_bytes()
    assert content.count(struct.pack("<I", 1024)) == 2
    path.write_bytes(content.replace(struct.pack("<I", 1024), struct.pack("<I", 10)))
    with pytest.raises(AttuneError, match=r"a\.zip: 'a'"):
        unpack(path, limit_bytes=100)


@pytest.mark.fault("a zip bomb", "refused before it fills the disk")
def test_bomb(tmp_path: Path) -> None:
    path = zipped(tmp_path, ("zeros", bytes(4 * MIB)))
    with pytest.raises(AttuneError, match=r"a\.zip unpacks to over 100 times its size \(up to 'zeros'\)"):
        unpack(path, limit_bytes=100 * MIB)
    assert list(tmp_path.iterdir()) == [path]


def test_bomb_of_many_small_members(tmp_path: Path) -> None:
    """None of them is suspicious alone."""
    path = zipped(tmp_path, *[(f"{number}", bytes(MIB // 2)) for number in range(9)])
    with pytest.raises(AttuneError, match=r"a\.zip unpacks to over 100 times its size \(up to '2'\)"):
        unpack(path, limit_bytes=100 * MIB)


@pytest.mark.fault("a zip with one name twice", "refused")
def test_one_name_twice(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = zipped(tmp_path, ("a", b"1"), ("a", b"2"))
    with pytest.raises(AttuneError, match=r"a\.zip: 'a' cannot be unpacked"):
        unpack(path)


@pytest.mark.fault("a zip with a damaged member", "refused with the member")
def test_damaged_member(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"hello world")
    path.write_bytes(path.read_bytes().replace(b"hello", b"hELLO"))
    with pytest.raises(AttuneError, match=r"a\.zip: 'a' cannot be unpacked: Bad CRC"):
        unpack(path)


@pytest.mark.fault("a truncated zip", "refused")
def test_truncated_archive(tmp_path: Path) -> None:
    path = zipped(tmp_path, ("a", b"hello world"))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(AttuneError, match=r"a\.zip is not a complete zip file"):
        unpack(path)
