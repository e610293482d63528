import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.mail_catcher import MailCatcher
from tests.support.airflow_home import airflow, airflow_environment
from tests.support.corpus import write_corpus
from tests.support.inbox import Inbox


@pytest.fixture(scope="session")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inbox]:
    with MailCatcher(tmp_path_factory.mktemp("mail")) as catcher:
        yield Inbox(catcher)


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
