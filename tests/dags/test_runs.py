"""The DAG run for real: from beginning to end by `dag.test()`, then every step by itself by `airflow tasks test`."""

import json
from pathlib import Path

import pytest

from imdb_tasks.pipeline import Steps
from imdb_tasks.store import Store
from imdb_tasks.study import read_form
from tests.support.airflow_home import airflow
from tests.support.examples import also
from tests.support.inbox import Inbox

pytestmark = pytest.mark.slow  # each test starts the airflow command

DATE = "2026-01-05"
OTHER_DATE = "2026-02-02"  # of no run: no XCom to be found


@pytest.fixture(scope="module")
def finished_run(environment: dict[str, str], tiny_conf: str, inbox: Inbox) -> str:
    """Run the whole DAG once (`airflow dags test` calls `dag.test()`); return its log."""
    done = airflow(environment, "dags", "test", "imdb_study", DATE, "--conf", tiny_conf)
    assert done.returncode == 0, done.stdout[-5_000:]
    return done.stdout


@pytest.fixture
def steps(environment: dict[str, str], tiny_conf: str) -> Steps:
    study, _ = read_form({**json.loads(tiny_conf), "notify": "never"})
    return Steps(study, Store(environment["IMDB_STORE"]))


def test_a_run_trains_every_variant_and_leaves_a_report(finished_run: str, steps: Steps) -> None:
    models = [steps.store.find("models", steps.keys.model(variant)) for variant in steps.study.variants]
    assert [model.about["status"] for model in models if model] == ["finished", "finished"]
    page = steps.reported().file("report.html").read_text("utf8")
    assert "GRU" in page
    assert "LSTM" in page


def test_a_run_mails_the_report_to_the_recipients(finished_run: str, inbox: Inbox) -> None:
    mail = next(mail for mail in inbox.mails if mail["To"] == "team@example.org")
    assert mail["From"] == "study@example.org"
    parts = [part.get_content_type() for part in mail.walk()]
    assert {"text/plain", "text/html", "image/png"} <= set(parts)
    attached = [part.get_filename() for part in mail.iter_attachments()]
    assert attached == ["imdb-study-report.html.zip", "imdb-study-summary.pdf"]


def test_no_review_and_no_array_goes_through_xcom(finished_run: str) -> None:
    returned = [
        line.partition("Returned value was: ")[2] for line in finished_run.splitlines() if "Returned value" in line
    ]
    assert len(returned) >= 8
    assert all(len(value) < 400 for value in returned)
    assert "wonderful" not in finished_run


def test_each_epoch_has_one_line_in_the_log(finished_run: str) -> None:
    lines = [line for line in finished_run.splitlines() if "epoch 1/1" in line]
    assert len(lines) == 2
    assert all("val_accuracy" in line for line in lines)


@pytest.mark.parametrize(
    "step", ["plan", "fetch_reviews", also("fetch_glove"), "prepare", "evaluate", also("report"), "check_complete"]
)
def test_every_step_works_alone_from_what_is_in_the_store(
    finished_run: str, environment: dict[str, str], tiny_conf: str, step: str
) -> None:
    # The exit status of `tasks test` is 0 even if the task fails: the log tells.
    log = airflow(environment, "tasks", "test", "imdb_study", step, OTHER_DATE, "--task-params", tiny_conf).stdout
    assert "Returned value was" in log, log[-3_000:]
    assert "Task failed with exception" not in log


@pytest.mark.parametrize("step", [also("prepare"), also("train"), "report"])
def test_a_step_that_mails_nothing_needs_no_recipients(
    finished_run: str, environment: dict[str, str], tiny_conf: str, step: str
) -> None:
    arguments = ["imdb_study", step, OTHER_DATE, "--task-params", tiny_conf]
    arguments += ["--map-index", "0"] if step == "train" else []
    log = airflow({**environment, "IMDB_RECIPIENTS": ""}, "tasks", "test", *arguments).stdout
    assert "Returned value was" in log, log[-3_000:]


@pytest.mark.parametrize(
    ("variable", "value", "found"),
    [
        ("IMDB_RECIPIENTS", "a@example.org; nobody", "IMDB_RECIPIENTS: expected mail addresses"),
        also("IMDB_RETRY_DELAY", "soon", "IMDB_RETRY_DELAY: expected a number of seconds"),
        also("IMDB_SCHEDULE", "@often", "IMDB_SCHEDULE: expected one of none, @hourly"),
        ("IMDB_STUDIES", "{", "IMDB_STUDIES: expected JSON such as"),
    ],
)
def test_a_bad_value_that_the_dag_file_reads_past_is_named_by_the_plan(
    environment: dict[str, str], tiny_conf: str, variable: str, value: str, found: str
) -> None:
    arguments = ("imdb_study", "plan", OTHER_DATE, "--task-params", tiny_conf)
    log = airflow({**environment, variable: value}, "tasks", "test", *arguments).stdout
    assert f"SettingsError: {found}" in log, log[-3_000:]
    assert "new_state=failed" in log


@pytest.mark.parametrize("map_index", [2, also(99)])
def test_a_map_index_beyond_the_variants_trains_nothing_and_names_the_range(
    environment: dict[str, str], tiny_conf: str, map_index: int
) -> None:
    arguments = ("imdb_study", "train", OTHER_DATE, "--map-index", str(map_index), "--task-params", tiny_conf)
    log = airflow(environment, "tasks", "test", *arguments).stdout
    assert f"SettingsError: --map-index {map_index}: the study has 2 variants; expected 0 to 1" in log, log[-3_000:]
    assert "Returned value was" not in log


@pytest.mark.parametrize("map_index", [also(0), 1])
def test_a_training_task_works_alone_with_its_map_index(
    finished_run: str, environment: dict[str, str], tiny_conf: str, steps: Steps, map_index: int
) -> None:
    arguments = ("imdb_study", "train", OTHER_DATE, "--map-index", str(map_index), "--task-params", tiny_conf)
    log = airflow(environment, "tasks", "test", *arguments).stdout
    assert f"Returned value was: {steps.keys.model(steps.study.variants[map_index])}" in log, log[-3_000:]
    assert "is already in the store" in log


def test_the_mail_goes_out_from_the_store_alone(
    finished_run: str, environment: dict[str, str], tiny_conf: str, inbox: Inbox
) -> None:
    before = len(inbox.mails)
    arguments = ("imdb_study", "send_report", OTHER_DATE, "--task-params", tiny_conf)
    log = airflow(environment, "tasks", "test", *arguments).stdout
    assert "sent to 1 recipients" in log, log[-3_000:]
    assert len(inbox.mails) == before + 1


def test_notify_on_change_stays_silent_when_nothing_has_changed(
    finished_run: str, environment: dict[str, str], tiny_conf: str, inbox: Inbox
) -> None:
    before = len(inbox.mails)
    params = json.dumps({**json.loads(tiny_conf), "notify": "on change"})
    arguments = ("imdb_study", "send_report", OTHER_DATE, "--task-params", params)
    log = airflow(environment, "tasks", "test", *arguments).stdout
    assert "not sent: the result has not changed since the last mail" in log, log[-3_000:]
    assert len(inbox.mails) == before


def test_a_step_without_its_input_says_which_step_to_run(
    finished_run: str, environment: dict[str, str], tiny_conf: str, tmp_path: Path
) -> None:
    elsewhere = {**environment, "IMDB_STORE": str(tmp_path)}
    log = airflow(elsewhere, "tasks", "test", "imdb_study", "prepare", OTHER_DATE, "--task-params", tiny_conf).stdout
    assert "MissingInputError" in log
    assert "fetch_reviews" in log
    assert "new_state=failed" in log  # permanent: not up for retry


def test_a_failing_variant_is_missing_from_the_report_and_fails_the_run_after_the_mail(
    environment: dict[str, str], tiny_conf: str, inbox: Inbox, finished_run: str
) -> None:
    before = len(inbox.mails)
    conf = {**json.loads(tiny_conf), "units": [4, 5], "cells": ["GRU"]}
    steps = Steps(read_form({**conf, "notify": "never"})[0], Store(environment["IMDB_STORE"]))
    in_the_way = Path(steps.store.where) / "models" / steps.keys.model(steps.study.variants[1])
    in_the_way.write_text("a file where the model's folder must go")
    try:
        done = airflow(environment, "dags", "test", "imdb_study", "2026-01-12", "--conf", json.dumps(conf))
    finally:
        in_the_way.unlink()
    assert done.returncode == 1
    assert "1 of 2 variants are missing from the report; first 1: 5_GRU_16: " in done.stdout
    report, failure = (mail["Subject"] for mail in inbox.mails[before:])
    assert "missing" in report
    assert "the run failed" in failure


def test_a_run_that_cannot_fetch_fails_though_an_older_result_is_there(
    finished_run: str, environment: dict[str, str], tiny_conf: str, inbox: Inbox, tmp_path: Path
) -> None:
    before = len(inbox.mails)
    folder = Path(json.loads(tiny_conf)["folder"])
    folder.rename(tmp_path / "away")
    try:
        done = airflow(environment, "dags", "test", "imdb_study", "2026-01-19", "--conf", tiny_conf)
    finally:
        (tmp_path / "away").rename(folder)
    assert done.returncode == 1
    assert "NotFoundError" in done.stdout
    [failure] = inbox.mails[before:]
    assert "the run failed" in failure["Subject"]
