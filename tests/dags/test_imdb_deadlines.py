"""What is said of a run that is late or waits, by a context like the one of Airflow's deadlines."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from imdb_tasks.pipeline import Notes, Progress, Steps, Training
from imdb_tasks.study import History, Study
from imdb_tasks.study.form import study_fields
from tests.support.airflow_home import ROOT
from tests.support.inbox import Inbox, connect_smtp
from tests.support.stepping import FinishedStudy


@pytest.fixture
def deadlines(monkeypatch: pytest.MonkeyPatch, inbox: Inbox) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "dags"))
    connect_smtp(monkeypatch, inbox.port)
    import imdb_deadlines

    return imdb_deadlines


@pytest.fixture
def prepared(finished_study: FinishedStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """The steps of a run whose arrays are in the store, and no training is noted."""
    steps = finished_study.prepared(tmp_path / "store")
    monkeypatch.setenv("IMDB_STORE", str(tmp_path / "store"))
    return Steps(steps.study, steps.store, "manual__1")


def context(study: Study, state: str = "running", **conf: object) -> dict[str, Any]:
    fields = {name: value for name, value in study_fields(study).items() if name != "margin_points"}
    form = {**fields, "profile": "custom", "source": "folder", "folder": study.reviews.path}
    form |= {"recipients": ["a@example.org"], **conf}
    run = {"dag_id": "imdb_study", "dag_run_id": "manual__1", "run_type": "manual", "state": state, "conf": form}
    return {"dag_run": run}


def told(inbox: Inbox, tell: Any, context: dict[str, Any]) -> list[tuple[str, str]]:
    """Return subject and text of what was mailed."""
    before = len(inbox.mails)
    tell(hours=2.0, context=context)
    texts = [(mail["Subject"], mail.get_body(("plain",))) for mail in inbox.mails[before:]]
    return [(subject, " ".join(body.get_content().split())) for subject, body in texts if body]


def test_trainings_that_wait_are_told_with_the_queue_and_the_pool(
    deadlines: ModuleType, inbox: Inbox, prepared: Steps
) -> None:
    [(subject, text)] = told(inbox, deadlines.tell_waiting, context(prepared.study))
    assert subject == "IMDB study: no training has begun"
    assert "after 2 hours" in text
    assert "a worker listens to their queue" in text


def test_a_run_without_arrays_points_to_the_fetches_and_one_that_has_not_started_to_the_other_runs(
    deadlines: ModuleType, inbox: Inbox, prepared: Steps, tmp_path: Path
) -> None:
    elsewhere = context(prepared.study, folder=str(tmp_path))
    [(_, text)] = told(inbox, deadlines.tell_waiting, elsewhere)
    assert "the fetches first" in text
    for tell in (deadlines.tell_waiting, deadlines.tell_late):
        [(_, text)] = told(inbox, tell, context(prepared.study, "queued"))
        assert "Another run of the DAG may be active" in text


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_growing_run_that_was_not_planned_yet_is_told_like_any_other(
    deadlines: ModuleType, inbox: Inbox, prepared: Steps, state: str
) -> None:
    growing = context(prepared.study, state, replicates="until decided")
    [(subject, text)] = told(inbox, deadlines.tell_waiting, growing)
    assert (subject, "after 2 hours" in text) == ("IMDB study: no training has begun", True)
    [(subject, text)] = told(inbox, deadlines.tell_late, growing)
    assert subject == "IMDB study: the run is late"
    assert ("Of its 2 trainings, 0 have ended." in text) == (state == "running")


def test_a_run_that_trains_does_not_wait_and_when_it_is_late_each_epoch_is_told(
    deadlines: ModuleType, inbox: Inbox, prepared: Steps
) -> None:
    first, second = prepared.study.variants
    notes = Notes(prepared.store)
    notes.write(Training(model="m1"), f"manual__1/{first.name}")
    notes.write(Training(model="m2", cached=True), f"manual__1/{second.name}")
    fields = {"run_id": "manual__1", "variant": first.name, "epochs": 2, "history": History()}
    notes.write(Progress(**fields, epoch=1, status="training"), "m1")
    for state in ("running", "queued"):  # one that was cleared is queued again
        assert told(inbox, deadlines.tell_waiting, context(prepared.study, state)) == []
    [(subject, text)] = told(inbox, deadlines.tell_late, context(prepared.study))
    assert subject == "IMDB study: the run is late"
    assert "Of its 2 trainings, 1 has ended and 1 is running or was stopped: GRU-4/16 (epoch 1)." in text


@pytest.mark.parametrize(("bundle", "file"), [(ROOT, "dags/imdb_study.py"), (ROOT / "dags", "imdb_study.py")])
def test_airflow_finds_the_callbacks_in_the_dag_file_wherever_a_bundle_has_it(
    deadlines: ModuleType, inbox: Inbox, prepared: Steps, bundle: Path, file: str
) -> None:
    from airflow.sdk._shared.module_loading import UNUSUAL_MODULE_PREFIX
    from airflow.sdk.execution_time.callback_supervisor import execute_callback, log

    [waiting, _] = deadlines.deadlines(f"{UNUSUAL_MODULE_PREFIX}of_the_dag_processor")
    arguments = {**waiting.callback.kwargs, "context": context(prepared.study)}
    before = len(inbox.mails)
    done = execute_callback(waiting.callback.path, arguments, Path(file), bundle, log)
    assert done == (True, None)
    assert len(inbox.mails) == before + 1


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_run_that_has_ended_is_neither_late_nor_waiting(
    deadlines: ModuleType, inbox: Inbox, prepared: Steps, state: str
) -> None:
    for tell in (deadlines.tell_late, deadlines.tell_waiting):
        assert told(inbox, tell, context(prepared.study, state)) == []


def test_the_deadlines_are_those_of_the_settings_and_zero_is_none(
    deadlines: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = {alert.name: alert.interval / 3_600 for alert in deadlines.deadlines("imdb_study")}
    assert hours == {"tell_waiting": 2, "tell_late": 24}
    import imdb_study

    paths = [alert.callback.path for alert in imdb_study.STUDIES["imdb_study"].deadline]
    assert paths == ["imdb_study.tell_waiting", "imdb_study.tell_late"]
    assert all(callable(getattr(imdb_study, path.rpartition(".")[2])) for path in paths)
    monkeypatch.setenv("IMDB_WAIT_HOURS", "0")
    monkeypatch.setenv("IMDB_LATE_HOURS", "0.5")
    [alert] = deadlines.deadlines("imdb_study")
    assert (alert.name, alert.interval) == ("tell_late", 30 * 60)
