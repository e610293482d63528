"""What a server's answer means, and how its bytes are received under a cap.

Sizes are in bytes, times in seconds. Nothing here opens a connection.
"""

import datetime
import email.utils
import errno
import logging
import ssl
import time
from collections.abc import Iterable, Iterator
from typing import IO
from urllib.parse import urlsplit

from imdb_tasks.errors import (
    AccessRefusedError,
    ConnectionLostError,
    NotFoundError,
    ServerBusyError,
    SettingsError,
    SourceError,
    StudyError,
    UnexpectedContentError,
    UnsafeArchiveError,
)

log = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 18
CONNECT_SECONDS, READ_SECONDS = 30.0, 60.0

PERMANENT_ERRNOS = (errno.EACCES, errno.EROFS, errno.ENOTDIR)
"""Of the system's errors, those that a person must mend: permissions, and paths that cannot be."""

PROXY_VARIABLES = "check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY"

_BUSY = (408, 425, 429)


def error_for_status(status: int, where: str, *, retry_after: str | None = None) -> StudyError:
    """Return the error for an HTTP ``status`` that is not the content; ``retry_after`` is the header of that name."""
    if status in (401, 403, 407):
        return AccessRefusedError(f"{where} answered {status}: access was refused; check the credentials")
    if status in (404, 410):
        return NotFoundError(f"{where} answered {status}: not found; check the name and the version")
    if status in _BUSY or status >= 500:  # noqa: PLR2004 - the 5xx class
        pause = parse_retry_after(retry_after)
        asked = "" if pause is None else f" and asked to wait {pause:.0f} s"
        return ServerBusyError(f"{where} answered {status}{asked}; try again later", retry_after=pause)
    return SourceError(f"{where} answered {status}; expected 200 and the file")


def untrusted_certificate(error: BaseException, where: str, variable: str) -> SettingsError | None:
    """Return what to do if an error was caused by a certificate that is not trusted; None if it was not.

    ``variable`` is the environment variable in which the HTTP library takes further certificates.
    """
    if not any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
        return None
    return SettingsError(
        f"{where}: the server's certificate is not trusted; if a proxy of your own signs it, set {variable} to the file"
        " with the certificates of its authority"
    )


def refused_by_proxy(error: BaseException, where: str) -> SettingsError | None:
    """Return what to do if a proxy asked for a login, and this was not the answer to a request but an error."""
    if not any("407 Proxy Authentication" in str(cause) for cause in _causes(error)):
        return None
    return SettingsError(f"{where}: the proxy answered 407: it wants a login; {PROXY_VARIABLES}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it was raised from; urllib3 keeps the cause as ``reason``, requests as an argument."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and cause not in seen:
            seen.append(cause)
            yield cause
            waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]


def parse_retry_after(header: str | None) -> float | None:
    """Read a Retry-After header, which holds seconds or an HTTP date; None where it is missing or unreadable."""
    if not header:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return max(0.0, (moment - datetime.datetime.now(datetime.UTC)).total_seconds())


def reject_web_page(content_type: str | None, where: str) -> None:
    """Raise UnexpectedContentError if the server announces a web page, as sign-in and error pages are."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        raise UnexpectedContentError(
            f"{where}: expected an archive, found a web page ({kind}); open it in a browser for details"
        )


def public_url(url: str) -> str:
    """Return ``url`` without user, password, query and fragment: these can hold secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def receive(chunks: Iterable[bytes], out: IO[bytes], *, total: int | None, max_bytes: int, where: str) -> None:
    """Append ``chunks`` to ``out``, which may already hold the beginning of the ``total`` bytes.

    Raises ConnectionLostError if fewer or more than ``total`` arrive (None: not announced) and UnsafeArchiveError
    as soon as more than ``max_bytes`` are announced or arrive.
    """
    size = out.tell()
    _check_cap(total or 0, max_bytes, where)
    progress = _Progress(where, total)
    for chunk in chunks:
        size += len(chunk)
        _check_cap(size, max_bytes, where)
        out.write(chunk)
        progress.tell(size)
    if total is not None and size != total:
        raise ConnectionLostError(
            f"{where}: the download has the wrong size: expected {total:,} bytes, received {size:,}; try again"
        )


def _check_cap(size: int, max_bytes: int, where: str) -> None:
    if size > max_bytes:
        raise UnsafeArchiveError(
            f"{where} has {size:,} bytes or more, expected at most {max_bytes:,}; check the source"
        )


class _Progress:
    """A line in the log every tenth of a download, or after 10, 20, 40... seconds: never more than a few."""

    def __init__(self, where: str, total: int | None) -> None:
        self._where, self._total = where, total
        self._tenths = 0
        self._began = time.monotonic()
        self._patience = 10.0

    def tell(self, size: int) -> None:
        seconds = time.monotonic() - self._began
        tenths = size * 10 // self._total if self._total else 0
        if tenths <= self._tenths and seconds < self._patience:
            return
        if seconds >= self._patience:
            self._patience *= 2
        self._tenths = tenths
        share = f" of {self._total / 1e6:,.1f} MB ({tenths * 10} %)" if self._total else " MB"
        log.info("%s: %.1f%s after %.0f s", self._where, size / 1e6, share, seconds)
