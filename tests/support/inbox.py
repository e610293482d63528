"""The mails that a server on loopback has received."""

import json
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from scripts.mail_catcher import MailCatcher


class Inbox:
    """What a real SMTP server on loopback has received, oldest first."""

    def __init__(self, catcher: MailCatcher) -> None:
        self.port = catcher.port
        self._folder = catcher.folder

    @property
    def mails(self) -> list[EmailMessage]:
        files = sorted(self._folder.glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


def connect_smtp(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """Let Airflow's SMTP connection lead to a server on loopback."""
    extra = {"from_email": "study@example.org", "disable_tls": True, "disable_ssl": True, "retry_limit": 0}
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
