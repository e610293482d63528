"""A real HTTP proxy on the loopback interface: it forwards plain requests and tunnels the others."""

import http.client
import select
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """Counts what goes through it; with ``login``, the base64 of user:password, it refuses whoever does not know it."""

    def __init__(self, *, login: str | None = None) -> None:
        self.login = login
        self.seen: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(proxy) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - "self" is the handler's, below
        class Handler(BaseHTTPRequestHandler):
            def refused(self) -> bool:
                proxy.seen.append(self.path)
                if proxy.login and self.headers.get("Proxy-Authorization") != f"Basic {proxy.login}":
                    self.send_response(407, "Proxy Authentication Required")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return True
                return False

            def do_CONNECT(self) -> None:
                if self.refused():
                    return
                host, _, port = self.path.rpartition(":")
                with socket.create_connection((host, int(port))) as there:
                    self.send_response(200)
                    self.end_headers()
                    relay(self.connection, there)
                self.close_connection = True

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.refused():
                    return
                target = urlsplit(self.path)
                there = http.client.HTTPConnection(target.hostname or "", target.port)
                headers = {name: value for name, value in self.headers.items() if not name.startswith("Proxy-")}
                there.request(self.command, target._replace(scheme="", netloc="").geturl(), body, headers)
                answer = there.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
                there.close()

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def relay(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until one side has ended."""
    peers = {one: other, other: one}
    while True:
        for ready in select.select([one, other], [], [])[0]:
            data = ready.recv(1 << 16)
            if not data:
                return
            peers[ready].sendall(data)
