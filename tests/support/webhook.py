"""A web service that a notifier of Airflow posts to, on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

APPRISE = "airflow.providers.apprise.notifications.apprise.AppriseNotifier"


class Webhook:
    """What has been posted, oldest first."""

    def __init__(self) -> None:
        self.posted: list[dict[str, Any]] = []
        posted = self.posted

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make Apprise, which speaks to Slack, Teams, PagerDuty and others, post here."""
        address = {"path": f"json://127.0.0.1:{self.server.server_port}/", "tag": "all"}
        notifier = {"class": APPRISE, "title": "{{ notice_subject }}", "body": "{{ run_id }}: {{ notice_text }}"}
        return {
            "AIRFLOW_CONN_APPRISE_DEFAULT": json.dumps({"conn_type": "apprise", "extra": {"config": address}}),
            "IMDB_NOTIFIERS": json.dumps([notifier]),
        }


@contextmanager
def listening() -> Iterator[Webhook]:
    """Serve until the block ends."""
    webhook = Webhook()
    thread = threading.Thread(target=webhook.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield webhook
    finally:
        webhook.server.shutdown()
        webhook.server.server_close()
        thread.join()
