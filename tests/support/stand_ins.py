"""Servers on the loopback interface that answer as the real ones do, or as they do on a bad day."""

import contextlib
import io
import json
import os
import ssl
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

KAGGLE_ELSEWHERE = Path(__file__).with_name("kaggle_elsewhere")  # has a sitecustomize.py
REVIEWS_CSV = b'review,sentiment\n"A <br /> ""fine"" film",positive\nDull.,negative\n'
KAGGLE_BASIC = "Basic c29tZW9uZTprZXktb2Ytc29tZW9uZQ=="  # someone:key-of-someone
KAGGLE_BEARER = "Bearer token-of-someone"


@dataclass(frozen=True)
class Request:
    """What the stand-in was asked; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What it answers. ``cut_after`` closes the connection after so many bytes of the body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None


Answer = Reply | Callable[[Request], Reply]


class StandIn:
    """A server with a queue of answers for each path, of which the last one repeats."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._answers: dict[str, list[Answer]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False  # closing the server waits for them: no socket is left open
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, path: str, *answers: Answer) -> str:
        """Set the answers of a path and return its URL."""
        self._answers[path] = list(answers)
        return self.url + path

    def speak_tls(self, certificate: Path) -> None:
        """Speak TLS from now on, with a certificate and its key in one file."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        self.url = f"https://localhost:{self._server.server_port}"
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)

    def __enter__(self) -> "StandIn":
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _reply_to(self, request: Request) -> Reply:
        self.requests.append(request)
        answers = self._answers.get(request.path.partition("?")[0], [Reply(404)])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer if isinstance(answer, Reply) else answer(request)

    def _handler(stand_in) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - "self" is the handler's, below
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = stand_in._reply_to(Request(self.command, self.path, headers, body))
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    if value:
                        self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # the client may have seen enough
                    self.wfile.write(reply.body[: reply.cut_after])

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def file_server(content: bytes, etag: str = '"one"', *, cut_after: int | None = None) -> Callable[[Request], Reply]:
    """Return an answer that serves ``content`` as a static file server does, ranges included."""

    def answer(request: Request) -> Reply:
        headers = {"ETag": etag, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        wanted = request.headers.get("range")
        if not wanted or request.headers.get("if-range", etag) != etag:
            return Reply(200, content, headers, cut_after)
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        if start >= len(content):
            return Reply(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return Reply(206, content[start:], headers, cut_after)

    return answer


def zip_of(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def tar_of(files: Mapping[str, bytes | tarfile.TarInfo]) -> bytes:
    """Return a tar.gz archive; a TarInfo in place of the content adds a link or a device."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                content.name = name
                archive.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


class KaggleStandIn(StandIn):
    """Kaggle's service with one dataset: it checks credentials and redirects downloads to a signed URL."""

    SIGNATURE = "signature-that-is-a-secret"
    _API = "/api/v1/datasets.DatasetApiService"

    def __init__(self, archive: bytes, *, newest: int = 3, accepts: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.accepts = accepts
        self.newest = newest
        self.answer(f"{self._API}/DownloadDataset", self._download)
        self.answer(f"{self._API}/GetDataset", self._describe)
        self.answer("/api/v1/security.OAuthService/IntrospectToken", self._introspect)
        self.serve(Reply(200, archive, {"Content-Type": "application/zip"}))

    def serve(self, *answers: Answer) -> None:
        """Set what the signed URL gives."""
        self.answer("/storage/archive.zip", *answers)

    def refuse(self, *answers: Answer) -> None:
        """Answer thus when asked for a download, and afterwards as usual."""
        self.answer(f"{self._API}/DownloadDataset", *answers, self._download)

    def asked(self, method: str) -> list[Request]:
        """Return the requests for a method of the service, or "storage"."""
        return [request for request in self.requests if method in request.path]

    def _refused(self, request: Request) -> Reply | None:
        if request.headers.get("authorization") in self.accepts:
            return None
        return _json({"code": 401, "message": "Unauthenticated"}, 401)

    def _download(self, request: Request) -> Reply:
        place = f"{self.url}/storage/archive.zip?X-Goog-Signature={self.SIGNATURE}"
        return self._refused(request) or Reply(302, b"", {"Location": place})

    def _describe(self, request: Request) -> Reply:
        return self._refused(request) or _json({"currentVersionNumber": self.newest, "ref": "owner/films"})

    def _introspect(self, request: Request) -> Reply:
        known = f"Bearer {request.json['token']}" in self.accepts
        return _json({"active": known, "username": "someone" if known else ""})


def _json(value: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


@contextlib.contextmanager
def kaggle_running(monkeypatch: pytest.MonkeyPatch, home: Path, archive: bytes) -> Iterator[KaggleStandIn]:
    """Point Kaggle's own client at a stand-in, in a home without credentials."""
    for name in [name for name in os.environ if name.startswith("KAGGLE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    with KaggleStandIn(archive, accepts=(KAGGLE_BASIC, KAGGLE_BEARER)) as stand_in:
        for name, value in kaggle_at(stand_in).items():
            monkeypatch.setenv(name, value)
        monkeypatch.syspath_prepend(str(KAGGLE_ELSEWHERE))  # for the client of this process
        yield stand_in


def kaggle_at(stand_in: KaggleStandIn) -> dict[str, str]:
    """Return the environment that leads Kaggle's client, started by another process than this, to a stand-in."""
    path = os.pathsep.join(filter(None, [str(KAGGLE_ELSEWHERE), os.environ.get("PYTHONPATH")]))
    return {"KAGGLE_API_ENVIRONMENT": "LOCALHOST", "KAGGLE_STAND_IN": stand_in.url, "PYTHONPATH": path}
