"""The pages' guard: it asks Airflow's REST interface, and whatever that answers but a clear yes keeps the page back."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType

import pytest

from tests.support.airflow_home import ROOT

SEEN: list[tuple[str, dict[str, str]]] = []


@pytest.fixture(scope="module")
def asking() -> Iterator[ModuleType]:
    """The module as the plugin imports it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, str(ROOT / "plugins")])
        from imdb_study_pages import asking as module

        yield module


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """An Airflow that gives one answer to everything, and the port where it does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            SEEN.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(status)
            self.send_header("Location", "/auth/login")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def guard(asking: ModuleType, port: int | None, headers: dict[str, str] | None = None, **path: str) -> int | None:
    """Return the status with which the guard refuses; None if it lets the request pass."""
    from fastapi import HTTPException, Request

    sent = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "server": ("127.0.0.1", port), "headers": sent, "path_params": path}
    scope["root_path"] = "/below/imdb-study"
    try:
        asyncio.run(asking.may_read_study(Request(scope)))
    except HTTPException as error:
        return error.status_code
    return None


def test_whoever_airflow_shows_the_dag_may_see_the_pages(asking: ModuleType) -> None:
    headers = {"cookie": "_token=abc", "authorization": "Bearer def", "host": "evil.example.org", "x-other": "1"}
    with answering(200, b'{"dag_id": "imdb_study"}') as port:
        assert guard(asking, port, headers) is None
    path, sent = SEEN[-1]
    assert path == "/below/api/v2/dags/imdb_study"
    assert (sent["cookie"], sent["authorization"]) == ("_token=abc", "Bearer def")
    assert sent["host"] == f"127.0.0.1:{port}"
    assert "x-other" not in sent


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ({"dag_id": "b", "run_id": "manual__1"}, ["b"]),
        ({"run_id": "b=manual__1"}, ["b"]),
        ({"run_id": "manual__1"}, ["imdb_study"]),
        ({}, ["imdb_study", "b"]),
        ({"dag_id": "another"}, ["imdb_study", "b"]),
        ({"run_id": "another=manual__1"}, ["imdb_study", "b"]),
    ],
)
def test_a_page_of_one_study_needs_its_dag_and_any_other_page_all_of_them(
    asking: ModuleType, monkeypatch: pytest.MonkeyPatch, path: dict[str, str], asked: list[str]
) -> None:
    monkeypatch.setenv("IMDB_STUDIES", '{"imdb_study": {}, "b": {}}')
    SEEN.clear()
    with answering(200, b'{"dag_id": "x"}') as port:
        assert guard(asking, port, **path) is None
    assert [seen for seen, _ in SEEN] == [f"/below/api/v2/dags/{dag_id}" for dag_id in asked]


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [(401, b"{}", 401), (403, b"{}", 403), (404, b"{}", 404)]
    + [(status, b"{}", 503) for status in (204, 206, 302, 400, 422, 500, 502)]
    + [(200, body, 503) for body in (b"", b"<html>", b"[]", b"null", b'"imdb_study"')],
)
def test_anything_but_a_clear_yes_is_a_no(asking: ModuleType, status: int, body: bytes, refused: int) -> None:
    with answering(status, b"" if status == 204 else body) as port:
        assert guard(asking, port) == refused


def test_an_airflow_that_is_not_there_shows_nothing(asking: ModuleType) -> None:
    with answering(200, b"{}") as port:
        pass
    assert guard(asking, port) == 503
    assert guard(asking, None) == 503  # a Unix socket has no port
