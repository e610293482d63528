"""Runs that fail, wait and are cleared on a real Airflow, and what people hear of them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from imdb_tasks.pipeline import Steps
from imdb_tasks.store import Store
from imdb_tasks.study import read_form
from scripts.local_airflow import DAG, LocalAirflow
from scripts.mail_catcher import MailCatcher
from tests.support.corpus import write_corpus
from tests.support.inbox import Inbox
from tests.support.local_airflow import started
from tests.support.webhook import Webhook, listening

pytestmark = pytest.mark.slow  # an Airflow with settings of its own

SECOND = 1 / 3_600  # of an hour
WAIT, LATE = 10, 25  # seconds


@dataclass
class Watched:
    """An Airflow whose runs wait and are late after seconds, and everyone who hears of it."""

    airflow: LocalAirflow
    mail: MailCatcher
    webhook: Webhook

    def run(self, conf: dict[str, Any]) -> str:
        return self.ended(self.airflow.api.trigger(DAG, conf))

    def ended(self, run: str) -> str:
        while self.airflow.api.end(DAG, run) is None:
            self.airflow.components.check()
            time.sleep(0.3)
        return run

    def task(self, run: str, task_id: str, map_index: int = -1) -> dict[str, Any]:
        tasks = self.airflow.api.tasks(DAG, run)
        return next(task for task in tasks if (task["task_id"], task["map_index"]) == (task_id, map_index))

    def clear(self, run: str, **fields: object) -> None:
        asked = {"dry_run": False, "dag_run_id": run, "reset_dag_runs": True, **fields}
        self.airflow.api.send("POST", f"/api/v2/dags/{DAG}/clearTaskInstances", json=asked).raise_for_status()
        self.ended(run)

    def heard(self, run: str, subject: str) -> EmailMessage:
        """Wait for the mail about a run; its notice has been posted, too."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            mails = [mail for mail in Inbox(self.mail).mails if subject in mail["Subject"] and run in text_of(mail)]
            if mails and any(subject in post["title"] and run in post["message"] for post in self.webhook.posted):
                return mails[-1]
            time.sleep(0.3)
        raise AssertionError(f"nobody heard {subject!r} of {run}; posted: {self.webhook.posted}")


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return " ".join(body.get_content().split()) if body else ""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    with pytest.MonkeyPatch.context() as patch, listening() as webhook:
        for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR", "XDG_CONFIG_HOME"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(folder / "person"))
        patch.setenv("BROWSER_PATH", "/no-such-browser")
        patch.setenv("IMDB_RETRY_DELAY", "1")
        patch.setenv("IMDB_WAIT_HOURS", str(WAIT * SECOND))
        patch.setenv("IMDB_LATE_HOURS", str(LATE * SECOND))
        patch.setenv("IMDB_NOTIFIERS", webhook.environment["IMDB_NOTIFIERS"])
        connection = {"AIRFLOW_CONN_APPRISE_DEFAULT": webhook.environment["AIRFLOW_CONN_APPRISE_DEFAULT"]}
        with started(folder / "airflow", **connection) as (airflow, mail):
            airflow.api.unpause(DAG)
            yield Watched(airflow, mail, webhook)


@pytest.fixture(scope="module")
def conf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = write_corpus(tmp_path_factory.mktemp("corpus"))
    fields = {"profile": "custom", "source": "folder", "folder": str(folder), "cells": ["GRU"], "units": [4, 5]}
    return {**fields, "batch_sizes": [16], "epochs": 1, "max_tokens": 12}


@pytest.fixture(scope="module")
def without_a_variant(watched: Watched, conf: dict[str, Any]) -> str:
    """A run of which one training fails; what is in its way has gone since."""
    watched.run({**conf, "units": [4]})
    steps = Steps(read_form({**conf, "notify": "never"})[0], Store(watched.airflow.home.store))
    in_the_way = Path(steps.store.where, "models", steps.keys.model(steps.study.variants[1]))
    in_the_way.write_text("a file where the model's folder must go")
    run = watched.run(conf)
    in_the_way.unlink()
    return run


def test_a_failed_training_is_told_by_its_title_with_its_error_and_what_to_do(
    watched: Watched, without_a_variant: str
) -> None:
    mail = watched.heard(without_a_variant, "the run failed (2 tasks)")
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert "GRU, 5 units, batches of 16 StoreError: " in text_of(mail)
    assert "check_complete IncompleteStudyError: 1 of 2 variants are missing" in text_of(mail)
    assert f"/runs/{without_a_variant.replace(':', '%3A')}/tasks/train/mapped/1" in text_of(mail)


def test_after_only_the_failed_tasks_were_cleared_the_mail_says_what_to_clear_and_then_the_run_ends_well(
    watched: Watched, without_a_variant: str
) -> None:
    watched.clear(without_a_variant, only_failed=True)
    assert watched.task(without_a_variant, "train", 1)["state"] == "success"
    mail = watched.heard(without_a_variant, "the run failed (check_complete)")
    assert "All variants are trained now" in text_of(mail)
    assert "Clear the task 'evaluate' with those downstream" in text_of(mail)
    downstream = {"include_downstream": True, "include_upstream": False, "only_failed": False}
    watched.clear(without_a_variant, task_ids=["evaluate"], **downstream)
    assert watched.airflow.api.end(DAG, without_a_variant) == "success"


def test_a_run_without_credentials_fails_at_its_first_try_with_one_mail_that_says_what_to_set(watched: Watched) -> None:
    run = watched.run({})
    assert (watched.task(run, "plan")["state"], watched.task(run, "plan")["try_number"]) == ("failed", 1)
    mail = watched.heard(run, "the run failed (plan)")
    assert "AccessRefusedError: the data comes from Kaggle, and there are no credentials" in text_of(mail)
    assert "KAGGLE_API_TOKEN" in text_of(mail)
    assert len([mail for mail in Inbox(watched.mail).mails if run in mail.as_string()]) == 1


def test_a_run_whose_trainings_find_no_slot_is_told_to_wait_and_then_to_be_late(
    watched: Watched, conf: dict[str, Any]
) -> None:
    api = watched.airflow.api
    api.set_pool("training", 0, "No slot")
    run = api.trigger(DAG, {**conf, "units": [6]})
    assert "their pool exists and has free slots" in text_of(watched.heard(run, "no training has begun"))
    assert "Of its 1 trainings, 0 have ended" in text_of(watched.heard(run, "the run is late"))
    api.set_pool("training", 1, "One slot")
    watched.ended(run)
    assert api.end(DAG, run) == "success"
