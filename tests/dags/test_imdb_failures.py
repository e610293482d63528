"""What a failed run says, by a context like the one that Airflow gives to the DAG's callback."""

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from imdb_tasks.errors import DataError, SettingsError
from tests.support.airflow_home import ROOT
from tests.support.inbox import Inbox, connect_smtp

RUN = "<b>run</b>"


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch, inbox: Inbox) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "dags"))
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.org")
    connect_smtp(monkeypatch, inbox.port)
    import imdb_failures

    return imdb_failures


class TaskInstance:
    """Airflow's answers about a run, and what was pushed."""

    def __init__(self, states: dict[str, str], errors: dict[tuple[str, int | None], str]) -> None:
        self.states, self.errors = states, errors
        self.pushed: dict[str, object] = {}

    def get_task_states(self, *, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, str]]:
        return {run_ids[0]: self.states}

    def xcom_pull(self, *, task_ids: str, map_indexes: int | None, **_: object) -> str | None:
        return self.errors.get((task_ids, map_indexes))

    def xcom_push(self, key: str, value: object) -> None:
        self.pushed[key] = value


def context(ti: object | None, **conf: object) -> dict[str, Any]:
    import imdb_study

    run = SimpleNamespace(conf={"recipients": ["a@example.org"], **conf}, run_id=RUN, run_type="manual")
    found = {"dag": imdb_study.STUDIES["imdb_study"], "dag_run": run, "run_id": RUN, "reason": "task_failure"}
    return found | ({"ti": ti} if ti else {})


def told(failures: ModuleType, inbox: Inbox, ti: object | None, **conf: object) -> tuple[str, str, str]:
    """Return subject, text and page of the mail."""
    before = len(inbox.mails)
    failures.tell_failure(context(ti, **conf))
    [mail] = inbox.mails[before:]
    text, page = (part.get_content() for part in mail.iter_parts())
    return mail["Subject"], " ".join(text.split()), page


def test_every_failed_task_is_listed_by_its_title_in_the_order_of_the_dag_with_its_error(
    failures: ModuleType, inbox: Inbox
) -> None:
    states = {"check_complete": "failed", "train_11": "failed", "train_2": "failed", "train_0": "success"}
    errors = {
        ("train", 2): "DataError: no epoch; correct the grid",
        ("train", 11): "ValueError: not an error of this project; its log says more",
        ("check_complete", None): "IncompleteStudyError: 2 of 18 variants are missing",
    }
    subject, text, page = told(failures, inbox, TaskInstance({**states, "send_report": "success"}, errors))
    assert subject == "IMDB study: the run failed (3 tasks)"
    listed = ("GRU, 128 units, batches of 32", "LSTM, 128 units, batches of 32", "check_complete")
    assert [text.index(name) for name in listed] == sorted(text.index(name) for name in listed)
    for error in errors.values():
        assert error in text
        assert error in page
    assert "/tasks/train/mapped/11" in page
    assert "send_report" not in text
    assert "&lt;b&gt;run&lt;/b&gt;" in page


def test_tasks_with_the_same_error_are_told_once_and_what_could_not_run_is_named(
    failures: ModuleType, inbox: Inbox
) -> None:
    error = "AccessRefusedError: no credentials; set KAGGLE_API_TOKEN"
    states = {"plan": "success", "fetch_reviews": "failed", "fetch_glove": "failed", "prepare": "upstream_failed"}
    errors = {("fetch_reviews", None): error, ("fetch_glove", None): error}
    _, text, _ = told(failures, inbox, TaskInstance(states, errors))
    assert text.count(error) == 1
    assert "fetch_reviews fetch_glove AccessRefusedError" in text
    assert "Not run because of that: prepare." in text


def test_a_check_that_failed_alone_leads_to_the_evaluation_and_not_to_the_trainings(
    failures: ModuleType, inbox: Inbox
) -> None:
    _, text, _ = told(failures, inbox, TaskInstance({"train_0": "success", "check_complete": "failed"}, {}))
    assert "All variants are trained now" in text
    assert failures.ADVICE not in text


def test_a_task_that_was_killed_is_told_from_one_that_has_raised(failures: ModuleType, inbox: Inbox) -> None:
    subject, text, _ = told(failures, inbox, TaskInstance({"train_0": "failed"}, {}))
    assert subject == "IMDB study: the run failed (GRU, 128 units, batches of 128)"
    assert "it ended without an error of its own" in text


@pytest.mark.parametrize("ti", [None, SimpleNamespace()])
def test_the_mail_goes_out_where_airflow_cannot_be_asked(failures: ModuleType, inbox: Inbox, ti: object) -> None:
    subject, text, page = told(failures, inbox, ti)
    assert subject == "IMDB study: the run failed"
    assert "Clear" in text or "clear" in text
    assert "The run in Airflow" in page


def test_a_form_that_the_plan_refuses_leaves_map_indexes_without_titles(failures: ModuleType, inbox: Inbox) -> None:
    subject, _, _ = told(failures, inbox, TaskInstance({"train_0": "failed"}, {}), cells=["RNN"])
    assert subject == "IMDB study: the run failed (train_0)"


def test_a_run_that_took_too_long_says_so(failures: ModuleType, inbox: Inbox) -> None:
    before = len(inbox.mails)
    failures.tell_failure({**context(TaskInstance({"train_0": "skipped"}, {})), "reason": "timed_out"})
    assert "it took longer than a run may" in inbox.mails[before].as_string()


def test_an_error_of_this_project_leaves_its_sentence_and_any_other_only_its_type(failures: ModuleType) -> None:
    ti = TaskInstance({}, {})
    failures.note_error({"ti": ti, "exception": DataError("row 7:\nexpected a label; correct it")})
    assert ti.pushed == {"error": "DataError: row 7: expected a label; correct it"}
    failures.note_error({"ti": ti, "exception": RuntimeError("password=canary")})
    assert ti.pushed == {"error": "RuntimeError: not an error of this project; its log says more"}


def test_a_sentence_of_any_length_fits_into_a_mail(failures: ModuleType) -> None:
    assert len(failures.sentence_of(SettingsError("x" * 10_000))) < 1_600


def test_a_task_without_an_error_leaves_nothing(failures: ModuleType) -> None:
    ti = TaskInstance({}, {})
    failures.note_error({"ti": ti})
    assert ti.pushed == {}
