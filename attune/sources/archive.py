"""Unpacking a zip from an untrusted source: every name is checked and every byte counted."""

import errno
import stat
import struct
import zlib
from pathlib import Path, PureWindowsPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from attune.core.errors import AttuneError
from attune.core.files import atomic_folder

CHUNK = 1 << 20
# Text is compressed about four to ten times, a zip bomb of zeros a thousand times.
RATIO = 100
# All that zipfile raises for damaged or hostile content; names that a file system refuses are OSErrors.
_DAMAGE = (BadZipFile, zlib.error, struct.error, EOFError, ValueError, OverflowError, RuntimeError)


def unpack_zip(archive: Path, target: Path, limit_bytes: int, limit_files: int) -> None:
    """Unpack into `target`, which exists afterwards only if all members are sound.

    Sizes are counted while reading, since a zip's headers may lie about them.

    Raises
    ------
    AttuneError
        for a damaged zip, for more than `limit_files` members or `limit_bytes` bytes unpacked, for over RATIO times
        the archive's own size, and for members that are not plain files below `target`.
    """
    try:
        with ZipFile(archive) as file, atomic_folder(target) as folder:
            members = file.infolist()
            if len(members) > limit_files:
                raise AttuneError(f"{archive.name} has {len(members)} members; at most {limit_files} are unpacked")
            for member in members:
                _check(archive, member)
            _unpack_all(file, archive, members, folder, limit_bytes)
    except _DAMAGE as error:
        raise AttuneError(f"{archive.name} is not a complete zip file: {error}") from None


def _check(archive: Path, member: ZipInfo) -> None:
    name, kind = member.orig_filename, stat.S_IFMT(member.external_attr >> 16)
    # Windows rules reject drives and roots of either system, so that the same archive is safe on both.
    path = PureWindowsPath(name)
    if not path.parts or path.anchor or ".." in path.parts or "\\" in name or "\0" in name:
        problem = "a name that could lead out of the folder"
    elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        problem = "a link or a special file"
    elif member.flag_bits & 0x1 or member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        problem = "encrypted or compressed by another method than deflate"
    else:
        return
    raise AttuneError(f"{archive.name}: the member {name!r} is {problem}; only plain files are unpacked")


def _unpack_all(file: ZipFile, archive: Path, members: list[ZipInfo], folder: Path, limit_bytes: int) -> None:
    # Of the whole archive, since a bomb's members may share their compressed bytes.
    expanded = max(CHUNK, RATIO * archive.stat().st_size)
    left = min(limit_bytes, expanded)
    limit = f"{limit_bytes:,} bytes" if limit_bytes <= expanded else f"{RATIO} times its size"
    for member in members:
        try:
            left -= _unpack(file, member, folder, left)
        except _TooLarge:
            raise AttuneError(f"{archive.name} unpacks to over {limit} (up to {member.filename!r})") from None
        except (*_DAMAGE, OSError) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise  # not the archive's fault
            raise AttuneError(f"{archive.name}: {member.filename!r} cannot be unpacked: {error}") from None


class _TooLarge(Exception):
    pass


def _unpack(file: ZipFile, member: ZipInfo, folder: Path, left: int) -> int:
    """Write one member and return its size in bytes; left: bytes that may still be written."""
    path = folder / member.filename
    written = 0
    if member.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with file.open(member) as stream, path.open("xb") as out:
        while chunk := stream.read(CHUNK):
            written += len(chunk)
            if written > left:
                raise _TooLarge
            out.write(chunk)
    return written
