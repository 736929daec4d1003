"""Unpacking a zip from an untrusted source: every name is checked and every byte counted."""

import stat
import zlib
from pathlib import Path, PureWindowsPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from attune.core.errors import AttuneError

CHUNK = 1 << 20
# Text is compressed about four to ten times, a zip bomb of zeros a thousand times.
RATIO = 100


def unpack_zip(archive: Path, target: Path, limit_bytes: int, limit_files: int) -> None:
    """Unpack into `target`. Sizes are counted while reading, since a zip's headers may lie about them.

    Raises
    ------
    AttuneError
        for a damaged zip, for more than `limit_files` members or `limit_bytes` bytes unpacked, and for members that
        are not plain files below `target`.
    """
    try:
        with ZipFile(archive) as file:
            members = file.infolist()
            if len(members) > limit_files:
                raise AttuneError(f"{archive.name} has {len(members)} members; at most {limit_files} are unpacked")
            for member in members:
                _check(archive, member)
            left = limit_bytes
            for member in members:
                left -= _unpack(file, archive, member, target, left)
    except BadZipFile as error:
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


def _unpack(file: ZipFile, archive: Path, member: ZipInfo, target: Path, left: int) -> int:
    """Write one member and return its size in bytes; `left`: bytes that may still be written."""
    path = target / member.filename
    packed = min(member.compress_size, archive.stat().st_size)
    written = 0
    try:
        if member.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            return 0
        path.parent.mkdir(parents=True, exist_ok=True)
        with file.open(member) as stream, path.open("xb") as out:
            while chunk := stream.read(CHUNK):
                written += len(chunk)
                if written > left:
                    raise AttuneError(f"{archive.name}: {member.filename!r} exceeds the limit of bytes unpacked")
                if written > CHUNK and written > RATIO * packed:
                    raise AttuneError(f"{archive.name}: {member.filename!r} unpacks to over {RATIO} times its size")
                out.write(chunk)
    except (BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise AttuneError(f"{archive.name}: {member.filename!r} cannot be unpacked: {error}") from None
    return written
