"""Kaggle datasets, through a wrapper around Kaggle's own client that makes it robust.

The client has no time-out on its first request, goes on writing whatever a resume answers, checks no content, unpacks
without looking, calls ``exit`` without credentials and prints where a library should log. So here its requests get
time-outs, a broken download starts over in a fresh file, and errors become this project's own.

No message quotes the client's errors: they hold signed URLs.
"""

import contextlib
import functools
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imdb_tasks.errors import (
    AccessRefusedError,
    ConnectionLostError,
    SettingsError,
    StudyError,
    UnexpectedContentError,
)
from imdb_tasks.sources.responses import (
    CHUNK_BYTES,
    CONNECT_SECONDS,
    READ_SECONDS,
    error_for_status,
    receive,
    reject_web_page,
)
from imdb_tasks.sources.retry import RetryPolicy

HOW_TO_GET_ACCESS = (
    "give credentials by the Airflow connection 'kaggle_default' (login and password, or the API token as password), by"
    " KAGGLE_API_TOKEN, or by KAGGLE_USERNAME and KAGGLE_KEY; or choose the public archives, which need none"
)


@dataclass(frozen=True)
class KaggleCredentials:
    """A user's name and key, or an API token; raises AccessRefusedError if neither is complete."""

    username: str = ""
    key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not self.token and not (self.username and self.key):
            raise AccessRefusedError(f"Kaggle: expected a user's name and key, or a token; {HOW_TO_GET_ACCESS}")


def newest_version(dataset: str, credentials: KaggleCredentials | None, *, retries: RetryPolicy) -> int:
    """Ask which version of ``owner/slug`` is the current one.

    ``credentials=None`` leaves it to the client's own environment variables and files. Raises like `download`.
    """
    where = f"Kaggle dataset {dataset}"

    def ask() -> int:
        with _explained(where):
            answer = json.loads(_client(credentials).dataset_status(dataset, format="json(current_version_number)"))
        version = answer["current_version_number"]
        if not isinstance(version, int) or version < 1:
            raise UnexpectedContentError(f"{where} has no current version; set a version in the form")
        return version

    return retries.call(ask)


def download(
    pinned: str, folder: Path, credentials: KaggleCredentials | None, *, max_bytes: int, retries: RetryPolicy
) -> Path:
    """Download version 3 of a dataset, ``pinned`` as ``owner/slug/3``, as one zip in ``folder``, and return its path.

    Raises AccessRefusedError (no credentials, 401, 403), NotFoundError, UnexpectedContentError (a web page),
    UnsafeArchiveError (more than ``max_bytes``), and once ``retries`` is spent ServerBusyError, ConnectionLostError.
    """
    where = f"Kaggle dataset {pinned}"

    def fetch() -> None:
        with _explained(where), contextlib.redirect_stdout(io.StringIO()):
            client = _client(credentials)
            client.max_bytes = max_bytes
            client.dataset_download_files(pinned, path=str(folder), force=True)

    retries.call(fetch)
    return folder / f"{pinned.split('/')[1]}.zip"


def _client(credentials: KaggleCredentials | None) -> Any:
    # Its help on signing in goes to stdout, even if this call brings credentials: a misleading thing to find in a log.
    with contextlib.redirect_stdout(io.StringIO()):
        client = _client_class()()
        client.credentials = credentials
        if credentials is None:
            client.authenticate()
    return client


@functools.cache
def _client_class() -> Any:
    """Import Kaggle's client, which signs in on import: the time-outs have to be there before."""
    _give_time_outs()
    try:
        from kaggle.api.kaggle_api_extended import KaggleApi
    except OSError as error:
        raise SettingsError(
            f"the Kaggle client cannot create its folder ({error}); set KAGGLE_CONFIG_DIR to a writable folder"
        ) from error
    from kagglesdk.kaggle_http_client import KaggleHttpClient

    class Client(KaggleApi):  # type: ignore[misc]
        """Takes credentials as an argument, and writes a download under a cap."""

        # Verbose, the client prints every header, the key included.
        args = tuple(flag for flag in KaggleApi.args if flag != "--verbose")

        def build_kaggle_client(self) -> Any:
            client = super().build_kaggle_client()
            if self.credentials is not None:
                http = client.http_client()
                http._init_session()
                # Set last, because the client prefers a token in the environment to what it is given.
                token, user = self.credentials.token, (self.credentials.username, self.credentials.key)
                http._session.auth = KaggleHttpClient.BearerAuth(token) if token else user
            return client

        def download_file(self, response: Any, outfile: str, *_: Any, **__: Any) -> None:
            _save(response, Path(outfile), self.max_bytes)

    return Client


def _save(response: Any, path: Path, max_bytes: int) -> None:
    where = f"Kaggle's {path.name}"
    with response, path.open("wb") as out:
        reject_web_page(response.headers.get("Content-Type"), where)
        length = response.headers.get("Content-Length")
        total = int(length) if length and not response.headers.get("Content-Encoding") else None
        receive(response.iter_content(CHUNK_BYTES), out, total=total, max_bytes=max_bytes, where=where)


def _give_time_outs() -> None:
    from kagglesdk.kaggle_http_client import KaggleHttpClient
    from requests.adapters import HTTPAdapter

    class Impatient(HTTPAdapter):
        def send(self, *arguments: Any, **options: Any) -> Any:
            return super().send(*arguments, **{**options, "timeout": (CONNECT_SECONDS, READ_SECONDS)})

    begin = KaggleHttpClient._init_session

    def begin_impatiently(http: Any) -> None:
        fresh = http._session is None
        begin(http)
        if fresh:
            http._session.mount("http://", Impatient())
            http._session.mount("https://", Impatient())

    KaggleHttpClient._init_session = begin_impatiently


@contextlib.contextmanager
def _explained(where: str) -> Iterator[None]:
    """Turn what the client raises into this project's errors, and drop the originals for what they may hold."""
    import requests

    try:
        yield
    except SystemExit:
        raise AccessRefusedError(
            f"{where}: the client found no credentials that are accepted; {HOW_TO_GET_ACCESS}"
        ) from None
    except requests.HTTPError as error:
        raise _refusal(error, where) from None
    except (requests.JSONDecodeError, json.JSONDecodeError):
        raise UnexpectedContentError(
            f"{where}: expected JSON from the service, found something else; check that the service is available"
        ) from None
    except requests.RequestException as error:
        raise ConnectionLostError(f"{where}: the connection failed ({type(error).__name__}); try again later") from None


def _refusal(error: Any, where: str) -> StudyError:
    with error.response as response:
        status, retry_after = response.status_code, response.headers.get("Retry-After")
        if status < 400:  # noqa: PLR2004 - the service may hide the true status in the body
            status = int(response.json()["code"])
    refused = error_for_status(status, where, retry_after=retry_after)
    if isinstance(refused, AccessRefusedError):
        # Kaggle answers 403, not 404, for a dataset that is private or does not exist.
        return AccessRefusedError(f"{refused}, and that the dataset exists and is public; {HOW_TO_GET_ACCESS}")
    return refused
