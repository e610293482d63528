"""One expected file out of an archive, and nothing else: its kind and its size are checked.

The name of a member is only compared, never used as a path: the caller says where the content goes, so a name such as
``../file`` leads nowhere. What a header claims is not believed: bytes are counted as they are written, and memory stays
flat.
"""

import contextlib
import errno
import gzip
import itertools
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from imdb_tasks.errors import UnexpectedContentError, UnsafeArchiveError

_CHUNK_BYTES = 1 << 20
_LARGEST_READ = 16 << 20
_PAGE_STARTS = (b"<!doctype", b"<html", b"<head", b"<?xml")
_DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError),
    *(struct.error, ValueError, NotImplementedError),  # what zipfile and tarfile let through from a bent header
)
# The other methods fail with a bare OSError on damage, which would look like a full disk.
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_NAMES_SHOWN = 5
_NAME_SHOWN = 80  # characters
# zipfile keeps a record of every member in memory, at once.
_MOST_MEMBERS, _LARGEST_DIRECTORY = 10_000, 4 << 20


def kind_of(path: Path) -> Literal["zip", "tar.gz"] | None:
    """Tell the kind of archive by its first bytes; None for a file that is neither."""
    start = _start_of(path)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    return "tar.gz" if start.startswith(b"\x1f\x8b") else None


def reject_web_page_file(path: Path, where: str) -> None:
    """Raise UnexpectedContentError if the file is a web page, saved in place of the data."""
    if _start_of(path).lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGE_STARTS):
        raise UnexpectedContentError(
            f"{where}: expected the data, found a web page; open it in a browser for details, then fetch again"
        )


def extract(archive: Path, member: str, out: Path, *, max_bytes: int, where: str) -> None:
    """Write the one file named ``member`` of a zip or tar.gz to ``out``; it may sit in a folder of the archive.

    ``where`` names the archive in messages. Raises UnsafeArchiveError (under that name: a link, a device, more than
    ``max_bytes``) and UnexpectedContentError (a web page or no archive at all, no such member, several, damage).
    """
    reject_web_page_file(archive, where)
    kind = kind_of(archive)
    if kind is None:
        raise UnexpectedContentError(f"{where} is neither a zip nor a tar.gz archive; check where it comes from")
    extract_kind = _extract_zip if kind == "zip" else _extract_tar
    with explained(where):
        extract_kind(archive, member, out, max_bytes, where)


def copy(file: IO[bytes], out: Path, *, max_bytes: int, where: str) -> None:
    """Write ``file`` to ``out``; raises UnsafeArchiveError before more than ``max_bytes`` are written."""
    size = 0
    with out.open("wb") as target:
        while chunk := file.read(_CHUNK_BYTES):
            size += len(chunk)
            check_size(size, max_bytes, where)
            target.write(chunk)


def check_size(size: int, max_bytes: int, where: str) -> None:
    """Raise UnsafeArchiveError if ``size`` is above ``max_bytes``."""
    if size > max_bytes:
        raise UnsafeArchiveError(
            f"{where} unpacks to {size:,} bytes or more, expected at most {max_bytes:,}; check where it comes from"
        )


@contextlib.contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn what the readers of zip and tar.gz raise on damage into UnexpectedContentError."""
    try:
        yield
    except (*_DAMAGE, OSError) as error:
        if isinstance(error, OSError) and not _is_damage(error):
            raise
        raise UnexpectedContentError(
            f"{where} is damaged ({error}); fetch it again. If it is your own copy, delete it first"
            " (damaged downloads are not kept)"
        ) from error


def _is_damage(error: OSError) -> bool:
    # EINVAL: a bent header asked to seek to before the start of the file.
    return isinstance(error, gzip.BadGzipFile) or error.errno == errno.EINVAL


def tar_members(path: Path, *, max_bytes: int, where: str) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """Yield every member of a tar.gz in its own order, reading once from front to back, to the checksum at its end.

    Raises UnsafeArchiveError if all of it together is more than ``max_bytes``.
    """
    with _MeasuredGzip(path, max_bytes, where) as file, _opened_tar(file, where) as tar:
        while (info := tar.next()) is not None:
            check_size(info.offset_data + info.size, max_bytes, where)
            yield tar, info
            # tarfile remembers every header; a hundred thousand of them would be many.
            tar.members.clear()  # type: ignore[attr-defined]
        # To tarfile a broken header is the end like any other; only the checksum after the last byte tells.
        while file.read(_CHUNK_BYTES):
            pass


class _MeasuredGzip(gzip.GzipFile):
    """A gzip file that refuses to unpack more than it may, or into one huge piece of memory."""

    def __init__(self, path: Path, max_bytes: int, where: str) -> None:
        super().__init__(path, "rb")
        self._max_bytes, self._where = max_bytes, where

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _LARGEST_READ:
            raise UnsafeArchiveError(f"{self._where} has a header that is too large; check where the file comes from")
        data = super().read(size)
        check_size(self.tell(), self._max_bytes, self._where)
        return data


def _opened_tar(file: gzip.GzipFile, where: str) -> tarfile.TarFile:
    start = file.read(tarfile.BLOCKSIZE)
    file.seek(0)
    try:
        tarfile.TarInfo.frombuf(start, "utf8", "surrogateescape")
    except tarfile.HeaderError as error:
        if start.strip(b"\0"):
            raise UnexpectedContentError(
                f"{where} is a gzip file without a tar archive in it; expected a zip or tar.gz archive: unpack it with"
                " gunzip, and choose the unpacked file"
            ) from error
    return tarfile.open(fileobj=file, mode="r:")


def _check_end_record(archive: Path, where: str) -> None:
    """Refuse a zip of too many members by its end record, as zipfile finds it, before the directory is read."""
    with archive.open("rb") as file:
        record = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    if record is None:
        raise UnexpectedContentError(
            f"{where} begins as a zip archive and has no end record: it was cut short; fetch it again. If it is your"
            " own copy, delete it first"
        )
    members, directory_bytes = record[4], record[5]
    if members > _MOST_MEMBERS or directory_bytes > _LARGEST_DIRECTORY:
        raise UnsafeArchiveError(
            f"{where} holds {members:,} members, listed in {directory_bytes:,} bytes; expected at most "
            f"{_MOST_MEMBERS:,} members and {_LARGEST_DIRECTORY:,} bytes; check where it comes from"
        )


def _extract_zip(archive: Path, member: str, out: Path, max_bytes: int, where: str) -> None:
    _check_end_record(archive, where)
    with zipfile.ZipFile(archive) as file:
        # Not info.is_dir(): it fails on a name that damage has emptied.
        infos = [info for info in file.infolist() if not info.filename.endswith("/")]
        matches = [info for info in infos if _base_name(info.filename) == member]
        for info in matches:
            mode = info.external_attr >> 16
            _check_regular(info.filename, stat.S_IFMT(mode) in (0, stat.S_IFREG), where)
        _check_single(len(matches), member, (info.filename for info in infos), where)
        info = matches[0]
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _ZIP_METHODS:
            raise UnexpectedContentError(
                f"{where}: {member} is encrypted or uses an unsupported compression; expected deflate"
            )
        with file.open(info) as content:
            copy(content, out, max_bytes=max_bytes, where=f"{where}: {member}")


def _extract_tar(archive: Path, member: str, out: Path, max_bytes: int, where: str) -> None:
    count, names = 0, list[str]()
    # The other members are only read over, but reading takes time: a bomb among them counts too.
    for tar, info in tar_members(archive, max_bytes=4 * max_bytes, where=where):
        if _base_name(info.name) != member or info.isdir():
            names += [info.name] if len(names) <= _NAMES_SHOWN else []
            continue
        _check_regular(info.name, info.isreg(), where)
        count += 1
        content = tar.extractfile(info)
        if content is not None and count == 1:
            copy(content, out, max_bytes=max_bytes, where=f"{where}: {member}")
    _check_single(count, member, names, where)


def _check_regular(name: str, regular: bool, where: str) -> None:
    if not regular:
        raise UnsafeArchiveError(
            f"{where}: {name!r:.{_NAME_SHOWN}} is a link or a device, expected a file; check where it comes from"
        )


def _check_single(count: int, member: str, others: Iterable[str], where: str) -> None:
    if count == 1:
        return
    if count:
        raise UnexpectedContentError(f"{where} holds {count} files named {member!r}, expected one; check the source")
    names = list(itertools.islice(others, _NAMES_SHOWN + 1))
    found = ", ".join(f"{name!r:.{_NAME_SHOWN}}" for name in names[:_NAMES_SHOWN]) or "nothing"
    more = ", and more" if len(names) > _NAMES_SHOWN else ""
    raise UnexpectedContentError(
        f"{where} holds no {member!r}; found {found}{more}; check that it is the right dataset"
    )


def _base_name(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name


def _start_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(512)
