import json
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from tests.conftest import write_corpus
from tests.dags.environment import airflow, airflow_environment


class Inbox:
    """What a real SMTP server on loopback has received."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self._lock = threading.Lock()

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        with self._lock:
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@pytest.fixture(scope="session")
def inbox() -> Iterator[Inbox]:
    box = Inbox()
    controller = Controller(box, hostname="127.0.0.1", port=0)
    controller.start()
    box.port = controller.server.sockets[0].getsockname()[1]
    yield box
    controller.stop()


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, inbox: Inbox) -> dict[str, str]:
    """A migrated Airflow whose SMTP connection leads to the inbox."""
    made = airflow_environment(tmp_path_factory.mktemp("airflow"), inbox.port)
    Path(made["AIRFLOW_HOME"]).mkdir()
    for command in (["db", "migrate"], ["pools", "set", "training", "2", "Training tasks"]):
        done = airflow(made, *command)
        assert done.returncode == 0, done.stdout
    return made


@pytest.fixture(scope="session")
def tiny_conf(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A form whose study takes seconds: two variants, one epoch, 60 reviews."""
    folder = write_corpus(tmp_path_factory.mktemp("dag_corpus"))
    fields = {"profile": "custom", "source": "folder", "folder": str(folder), "cells": ["GRU", "LSTM"]}
    return json.dumps({**fields, "units": [4], "batch_sizes": [16], "epochs": 1, "max_tokens": 12})
