"""The process in which Kaggle's client runs: ``python -m imdb_tasks.sources.kaggle_child ORDER``.

ORDER is JSON: ``call`` (newest_version, download), ``dataset``, ``given`` (whether the environment has the credentials
to use, or the client looks for its own), ``time_outs`` (seconds to connect, to read), for a download ``folder`` and
``max_bytes``. Standard output is lines of JSON, and nothing else:

    {"log": TEXT}                                                  for the log, any number of them
    {"answer": VALUE}                                              at the end, or
    {"error": CLASS, "sentence": TEXT, "retry_after": SECONDS}     an error of ``imdb_tasks.errors``

The client's requests get time-outs, which it does not set itself, and a broken download starts over in a fresh file.
No sentence quotes the client's errors: they can hold signed URLs and credentials.
"""

import contextlib
import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from imdb_tasks.errors import (
    AccessRefusedError,
    ConnectionLostError,
    ServerBusyError,
    SettingsError,
    SourceError,
    StudyError,
    TransientError,
    UnexpectedContentError,
)
from imdb_tasks.sources.responses import (
    CHUNK_BYTES,
    PERMANENT_ERRNOS,
    error_for_status,
    receive,
    refused_by_proxy,
    reject_web_page,
    untrusted_certificate,
)
from imdb_tasks.store import explaining

_Order = Mapping[str, Any]


def main(order: _Order, out: IO[str]) -> None:
    """Carry out the order, and write the answer to ``out``."""
    _log_to(out)
    try:
        with _explained(order):
            _set_time_outs(*order["time_outs"])
            call = {"newest_version": _newest_version, "download": _download}[order["call"]]
            answer: dict[str, Any] = {"answer": call(order)}
    except StudyError as error:
        pause = error.retry_after if isinstance(error, ServerBusyError) else None
        answer = {"error": type(error).__name__, "sentence": str(error), "retry_after": pause}
    _write(out, answer)


def _newest_version(order: _Order) -> Any:
    status = _client(order).dataset_status(order["dataset"], format="json(current_version_number)")
    return json.loads(status)["current_version_number"]


def _download(order: _Order) -> None:
    with explaining(order["folder"]):
        _client(order).dataset_download_files(order["dataset"], path=order["folder"], force=True)


def _client(order: _Order) -> Any:
    from kaggle.api.kaggle_api_extended import KaggleApi

    class Client(KaggleApi):  # type: ignore[misc]
        """Writes a download under a cap."""

        def download_file(self, response: Any, outfile: str, *_: Any, **__: Any) -> None:
            _save(response, Path(outfile), order["max_bytes"])

    client = Client()
    if order["given"]:
        client.config_values = client.read_config_environment()
    else:
        _sign_in(client, order)
    return client


def _sign_in(client: Any, order: _Order) -> None:
    """Have the client look for its own credentials."""
    try:
        client.authenticate()
    except (SystemExit, ValueError) as error:  # ValueError: no header can hold what is in a file
        import requests

        if isinstance(error, requests.RequestException):
            raise
        raise AccessRefusedError(
            f"Kaggle dataset {order['dataset']}: the client found no credentials that it can use and that are accepted;"
            f" {order['how_to_get_access']}"
        ) from None


def _save(response: Any, path: Path, max_bytes: int) -> None:
    where = f"Kaggle's {path.name}"
    with response, path.open("wb") as out:
        reject_web_page(response.headers.get("Content-Type"), where)
        length = response.headers.get("Content-Length")
        total = int(length) if length and not response.headers.get("Content-Encoding") else None
        receive(response.iter_content(CHUNK_BYTES), out, total=total, max_bytes=max_bytes, where=where)


def _set_time_outs(connect: float, read: float) -> None:
    """Give every request of this process time-outs."""
    from requests.adapters import HTTPAdapter

    send = HTTPAdapter.send

    def send_impatiently(adapter: Any, *arguments: Any, **options: Any) -> Any:
        return send(adapter, *arguments, **{**options, "timeout": (connect, read)})

    HTTPAdapter.send = send_impatiently  # type: ignore[method-assign, assignment]


@contextlib.contextmanager
def _explained(order: _Order) -> Iterator[None]:
    """Turn whatever the client raises into an error of this project."""
    try:
        yield
    except StudyError:
        raise
    except (Exception, SystemExit) as error:
        raise _explanation(error, order) from None


def _explanation(error: BaseException, order: _Order) -> StudyError:
    import requests

    where, name = f"Kaggle dataset {order['dataset']}", type(error).__name__
    if isinstance(error, requests.HTTPError):
        return _refusal(error, order)
    if isinstance(error, json.JSONDecodeError):
        return UnexpectedContentError(
            f"{where}: expected JSON from the service, found something else; check that the service is available"
        )
    if remedy := untrusted_certificate(error, where, "REQUESTS_CA_BUNDLE") or refused_by_proxy(error, where):
        return remedy
    if isinstance(error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError):
        return ConnectionLostError(f"{where}: the connection failed ({name}); try again later")
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return _system_error(error, where)
    return SourceError(
        f"{where}: the Kaggle client failed in an unexpected way ({name} {_place(error)}); check its settings and its"
        f" files in ~/.kaggle, or {order['how_to_get_access']}"
    )


def _system_error(error: OSError, where: str) -> StudyError:
    if error.errno in PERMANENT_ERRNOS:
        return SettingsError(
            f"{where}: the Kaggle client may not use {error.filename!r} ({error.strerror}); change its permissions"
        )
    return TransientError(f"{where}: the Kaggle client failed ({error.strerror}); try again later")


def _place(error: BaseException) -> str:
    """Return where an error was raised; its message may be secret."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""


def _refusal(error: Any, order: _Order) -> StudyError:
    with error.response as response:
        status, retry_after = response.status_code, response.headers.get("Retry-After")
        if status < 400:  # noqa: PLR2004 - the service may hide the true status in the body
            status = int(response.json()["code"])
    refused = error_for_status(status, f"Kaggle dataset {order['dataset']}", retry_after=retry_after)
    if isinstance(refused, AccessRefusedError):
        # Kaggle answers 403, not 404, for a dataset that is private or does not exist.
        return AccessRefusedError(f"{refused}, and that the dataset exists and is public; {order['how_to_get_access']}")
    return refused


def _write(out: IO[str], said: Mapping[str, Any]) -> None:
    out.write(json.dumps(said) + "\n")
    out.flush()


def _log_to(out: IO[str]) -> None:
    """Pass on what this project logs; what the client logs may be secret."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            _write(out, {"log": record.getMessage()})

    ours = logging.getLogger("imdb_tasks")
    ours.addHandler(Handler())
    ours.setLevel(logging.INFO)
    ours.propagate = False


def _end_with(parent: int) -> None:
    """End this process soon after its parent, which may be killed without a chance to end it."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _own_output() -> IO[str]:
    """Return the standard output for the answers alone: whatever else is printed goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)
    return out


if __name__ == "__main__":
    _end_with(os.getppid())
    main(json.loads(sys.argv[1]), _own_output())
