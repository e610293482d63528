"""One file over HTTP, streamed to disk; a broken download goes on where it stood.

The bytes received so far stay in a partial file, named by a hash of the URL, beside a note of the server's ETag or
Last-Modified. They are used again only if the server confirms, through If-Range, that it still has that very file.
The URL in messages and logs is shortened to what holds no secret.
"""

import contextlib
import fcntl
import json
import logging
import os
import re
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING

from imdb_tasks.errors import ConnectionLostError, DiskFullError, PermanentError, SettingsError, SourceError
from imdb_tasks.sources.responses import (
    CHUNK_BYTES,
    CONNECT_SECONDS,
    PROXY_VARIABLES,
    READ_SECONDS,
    error_for_status,
    public_url,
    receive,
    refused_by_proxy,
    reject_web_page,
    untrusted_certificate,
)
from imdb_tasks.sources.retry import RetryPolicy
from imdb_tasks.store import explaining, write_json
from imdb_tasks.study import fingerprint

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

_CONTENT_RANGE = re.compile(r"^bytes (?P<start>\d+)-\d+/(?P<total>\d+)$")


@contextlib.contextmanager
def downloaded(url: str, folder: Path, *, max_bytes: int, retries: RetryPolicy) -> Iterator[Path]:
    """Yield the complete file, which is deleted on leaving; ``folder`` keeps what an interrupted call received.

    Raises the transient errors when ``retries`` is spent, and AccessRefusedError, NotFoundError,
    UnexpectedContentError (a web page) or UnsafeArchiveError (more than ``max_bytes``) at once.
    """
    with _Partial.claim(folder, url) as partial:
        try:
            with explaining(partial.path):
                retries.call(lambda: _attempt(url, partial, max_bytes))
                partial.file.flush()
                yield partial.path
        except (PermanentError, DiskFullError):  # after anything else, an interruption too, the bytes are worth keeping
            partial.delete()
            raise
        partial.delete()


def _attempt(url: str, partial: "_Partial", max_bytes: int) -> None:
    import httpx

    # httpx writes every URL to its log in full; a signed URL is a password.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    where = public_url(url)
    # Sizes and ranges count the bytes of the file only if nothing compresses them on the way.
    headers = {"Accept-Encoding": "identity", **partial.range_headers()}
    try:
        with (
            _client(where) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            total = _accept(response, partial, where)
            receive(response.iter_raw(CHUNK_BYTES), partial.file, total=total, max_bytes=max_bytes, where=where)
    except httpx.UnsupportedProtocol as error:
        raise SourceError(f"{where} redirects to an address that is not http(s); check the URL") from error
    except httpx.TransportError as error:
        if remedy := untrusted_certificate(error, where, "SSL_CERT_FILE") or refused_by_proxy(error, where):
            raise remedy from error
        found = str(error) or type(error).__name__
        raise ConnectionLostError(f"{where}: the connection failed ({found}); try again later") from error
    except (httpx.TooManyRedirects, httpx.InvalidURL) as error:
        raise SourceError(f"{where}: the URL or its redirects are invalid ({error}); check the URL") from error


def _client(where: str) -> "httpx.Client":
    import httpx

    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    try:
        return httpx.Client(timeout=timeout, follow_redirects=True, event_hooks={"response": [_refuse_downgrade]})
    except OSError as error:
        raise SettingsError(f"{where}: the certificates cannot be read ({error}); check SSL_CERT_FILE") from error
    except (httpx.InvalidURL, ValueError, ImportError):  # the original may quote the password of a proxy
        raise SettingsError(f"{where}: the environment names a proxy that cannot be used; {PROXY_VARIABLES}") from None


def _refuse_downgrade(response: "httpx.Response") -> None:
    """Raise SourceError if https is to be left for plain http, where anybody may change the bytes."""
    if response.has_redirect_location and response.url.scheme == "https":
        following = response.url.join(response.headers["Location"])
        if following.scheme != "https":
            where, to = public_url(str(response.url)), public_url(str(following))
            raise SourceError(f"{where} redirects from https to {to}; check the URL")


def _accept(response: "httpx.Response", partial: "_Partial", where: str) -> int | None:
    """Position ``partial`` for the response body; return the size of the complete file if known."""
    status, headers = response.status_code, response.headers
    asked_for_rest = "Range" in response.request.headers
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and asked_for_rest:
        partial.restart(None)
        raise ConnectionLostError(f"{where}: the file changed during the download; restarting the download")
    if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        raise error_for_status(status, where, retry_after=headers.get("Retry-After"))
    reject_web_page(headers.get("Content-Type"), where)
    if status == HTTPStatus.OK:
        partial.restart(_validator(headers))
        length = headers.get("Content-Length")
        return int(length) if length else None
    found = _CONTENT_RANGE.match(headers.get("Content-Range", ""))
    same_file = _validator(headers) in (None, response.request.headers.get("If-Range"))
    if not (asked_for_rest and same_file and found and int(found["start"]) == partial.size):
        partial.restart(None)
        raise ConnectionLostError(f"{where} returned another range than requested; restarting the download")
    log.info("%s: resuming after %.1f MB", where, partial.size / 1e6)
    return int(found["total"])


def _validator(headers: "httpx.Headers") -> str | None:
    """Return what identifies these very bytes; a weak ETag promises only an equal meaning, so it does not count."""
    tag: str = headers.get("ETag", "")
    modified: str | None = headers.get("Last-Modified")
    return tag if tag.startswith('"') else modified


class _Partial:
    """The bytes received so far, and the validator of the file that they belong to."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.path, self.file = path, file
        self._note = path.with_suffix(".json")

    @classmethod
    @contextlib.contextmanager
    def claim(cls, folder: Path, url: str) -> Iterator["_Partial"]:
        """Open the partial file of ``url``; while another process works on it, a private one."""
        path = folder / f"{fingerprint(url)}.part"
        with path.open("a+b") as file:
            if _lock(file, path):
                yield cls(path, file)
                return
        private = folder / f"{uuid.uuid4().hex}.part"
        with private.open("x+b") as file:
            partial = cls(private, file)
            try:
                yield partial
            finally:
                partial.delete()

    @property
    def size(self) -> int:
        """The bytes so far; the file is left at its end."""
        return self.file.seek(0, os.SEEK_END)

    def range_headers(self) -> dict[str, str]:
        """Ask for the rest, provided that the file is still the same; nothing to ask if it cannot be told."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            validator = json.loads(self._note.read_text("utf8"))["validator"]
            if self.size and validator:
                return {"Range": f"bytes={self.size}-", "If-Range": validator}
        return {}

    def restart(self, validator: str | None) -> None:
        """Delete the received bytes before the validator of another file is recorded."""
        self.file.seek(0)
        self.file.truncate()
        write_json(self._note, {"validator": validator})

    def delete(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.truncate(self.path, 0)  # else closing it would fail on a full disk
        self._note.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)


def _lock(file: IO[bytes], path: Path) -> bool:
    """Lock ``file`` for this process; False if another has it, or has just finished with it and deleted it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(file.fileno()).st_ino == path.stat().st_ino
    except (BlockingIOError, FileNotFoundError):
        return False
