"""Sources on a bad day: what may pass is tried again, from where it stood; what will not is one clear error."""

import os
import threading
import time
from pathlib import Path

import pytest

from imdb_tasks.errors import (
    AccessRefusedError,
    ConnectionLostError,
    ServerBusyError,
    StudyError,
    TransientError,
    UnexpectedContentError,
)
from imdb_tasks.sources import REVIEWS, fetch, http
from imdb_tasks.sources.retry import RetryPolicy
from imdb_tasks.store import Store
from imdb_tasks.study import ArchiveSource
from tests.support.stand_ins import REVIEWS_CSV, Reply, Request, StandIn, file_server, zip_of

ARCHIVE = zip_of({"IMDB Dataset.csv": REVIEWS_CSV, "noise": os.urandom(900_000)})
QUICK = RetryPolicy(tries=3, first_pause=0.01, longest_pause=0.05)


@pytest.fixture
def server():
    with StandIn() as running:
        yield running


def get(store: Store, url: str, *, sha256: str | None = None, retries: RetryPolicy = QUICK) -> bytes:
    entry = fetch(ArchiveSource(url=url, sha256=sha256), REVIEWS, store, retries=retries)
    return entry.file("IMDB Dataset.csv").read_bytes()


def went_on(request: Request) -> bool:
    """Tell whether it asked for the rest, after most of what had come."""
    return 300_000 < int(request.headers["range"].removeprefix("bytes=").removesuffix("-")) <= 600_000


def nothing_is_cached(store: Store) -> bool:
    root = Path(store.where)
    return not root.joinpath("sources").exists() and not root.joinpath("refs").exists()


def test_a_download_that_is_cut_goes_on_where_it_stood(server: StandIn, store: Store) -> None:
    url = server.answer("/a.zip", file_server(ARCHIVE, cut_after=600_000), file_server(ARCHIVE))
    assert get(store, url) == REVIEWS_CSV
    assert went_on(server.requests[1])


def test_a_download_that_stalls_is_given_up_and_goes_on(server: StandIn, store: Store, monkeypatch) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.3)
    enough = threading.Event()

    def stall(request):
        enough.wait(10)
        return Reply(503)

    url = server.answer("/a.zip", file_server(ARCHIVE, cut_after=600_000), stall, file_server(ARCHIVE))
    started = time.monotonic()
    assert get(store, url) == REVIEWS_CSV
    enough.set()
    assert time.monotonic() - started < 10
    assert went_on(server.requests[2])


@pytest.mark.parametrize(
    "first", [Reply(429, headers={"Retry-After": "0"}), Reply(500), Reply(503), file_server(ARCHIVE, cut_after=9)]
)
def test_what_may_pass_is_tried_again(server: StandIn, store: Store, first) -> None:
    assert get(store, server.answer("/a.zip", first, file_server(ARCHIVE))) == REVIEWS_CSV
    assert len(server.requests) == 2


def test_a_server_that_asks_for_a_pause_gets_it(server: StandIn, store: Store) -> None:
    url = server.answer("/a.zip", Reply(429, headers={"Retry-After": "1"}), file_server(ARCHIVE))
    started = time.monotonic()
    assert get(store, url, retries=RetryPolicy(tries=2, first_pause=0.01, longest_pause=5)) == REVIEWS_CSV
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Reply(429), ServerBusyError),
        (Reply(500), ServerBusyError),
        (file_server(ARCHIVE, cut_after=0), ConnectionLostError),
    ],
)
def test_what_does_not_pass_is_transient_and_caches_nothing(server: StandIn, store: Store, answer, kind) -> None:
    with pytest.raises(kind) as caught:
        get(store, server.answer("/a.zip", answer))
    assert isinstance(caught.value, TransientError)
    assert len(server.requests) == QUICK.tries
    assert nothing_is_cached(store)


@pytest.mark.parametrize(
    ("answer", "pin", "expected"),
    [
        (Reply(403), None, (AccessRefusedError, "check the credentials")),
        (Reply(200, b"<!doctype html>Sign in"), None, (UnexpectedContentError, "expected the data, found a web page")),
        (
            Reply(200, b"<html>", {"Content-Type": "text/html"}),
            None,
            (UnexpectedContentError, "expected an archive, found a web page"),
        ),
        (file_server(ARCHIVE), "0" * 64, (UnexpectedContentError, "expected a file with sha256 0000")),
    ],
)
def test_what_will_not_pass_is_one_clear_error_and_caches_nothing(server, store, answer, pin, expected) -> None:
    kind, message = expected
    with pytest.raises(kind, match=message) as caught:
        get(store, server.answer("/a.zip", answer), sha256=pin)
    assert isinstance(caught.value, StudyError)
    assert not isinstance(caught.value, TransientError)
    assert len(server.requests) == 1
    assert nothing_is_cached(store)
    assert [path for path in Path(store.where).rglob("*") if path.is_file()] == []
