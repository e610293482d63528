"""A word on a run that has not ended after a day, or that waits for hours before its first training.

The scheduler finds the missed deadline, and the executor calls back: on a worker, which sees the store, and without a
triggerer. What the run is doing is read from the store, because a callback cannot ask Airflow for the states of tasks.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from imdb_notices import Run, tell

from imdb_tasks.formatting import count_of
from imdb_tasks.settings import AlertSettings
from imdb_tasks.study import read_study

if TYPE_CHECKING:
    from imdb_tasks.pipeline import RunProgress
    from imdb_tasks.report import Notice

NOT_STARTED = (
    "The run has not started. Another run of the DAG may be active, or the DAG be paused: look at its runs in Airflow."
)
NOT_PREPARED = (
    "The arrays are not prepared. Look at the tasks of the run, the fetches first: on a slow line, the download of the "
    "vectors takes hours."
)
WAITING = (
    "The arrays are prepared, so the trainings wait. Check that a worker listens to their queue, and that their pool "
    "exists and has free slots."
)
LATE = (
    "Look at the tasks of the run. If trainings wait for each other, start more workers, or give the pool more slots."
)


def deadlines(module: str) -> list[DeadlineAlert]:
    """Return the deadlines of a DAG, by the settings; the plan refuses a value that makes no sense.

    ``module`` is the name of the DAG file, where the two callbacks must be found. Airflow loads that file wherever a
    bundle has it; this module is on the path only after that.
    """
    # Nobody waits for the run of `airflow dags test`, and Airflow 3.3 cannot end it with a deadline.
    if sys.argv[1:3] == ["dags", "test"]:
        return []
    settings = AlertSettings.read_or_default()
    wanted = ((settings.wait_hours, "tell_waiting"), (settings.late_hours, "tell_late"))
    return [_deadline(hours, module, name) for hours, name in wanted if hours]


def _deadline(hours: float, module: str, name: str) -> DeadlineAlert:
    # A plain number of seconds: with a timedelta, Airflow up to 3.3.2 cannot clear a task of a run whose deadline is
    # ahead (https://github.com/apache/airflow/issues/70368). Airflow 3.3 reads both.
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=datetime.timedelta(hours=hours).total_seconds(),  # type: ignore[arg-type]
        callback=SyncCallback(f"{module}.{name}", kwargs={"hours": hours}),
        name=name,
    )


def tell_waiting(hours: float, context: Mapping[str, Any]) -> None:
    """Tell everyone concerned that no training of a run has begun."""
    run, state = _run_of(context), context["dag_run"]["state"]
    if state not in ("queued", "running") or (progress := _progress(run)).begun:
        return  # one that was cleared may be queued, and have trained
    advice = WAITING if progress.prepared else NOT_PREPARED
    if state == "queued":
        advice = NOT_STARTED
    opening = f"No training of the run {run.run_id} of {run.dag_id} has begun after {hours:g} hours."
    tell(_notice("no training has begun", opening, advice, run), run, context)


def tell_late(hours: float, context: Mapping[str, Any]) -> None:
    """Tell everyone concerned that a run has not ended, and how far it is."""
    run, state = _run_of(context), context["dag_run"]["state"]
    if state == "queued":
        opening, advice = f"The run {run.run_id} of {run.dag_id} is still queued after {hours:g} hours.", NOT_STARTED
    elif state == "running":
        opening = f"The run {run.run_id} of {run.dag_id} has not ended after {hours:g} hours. {_how_far(run)}"
        advice = LATE
    else:  # Airflow drops the deadlines of runs that succeed, not of others
        return
    tell(_notice("the run is late", opening, advice, run), run, context)


def _how_far(run: Run) -> str:
    progress = _progress(run)
    ended = f"Of its {progress.variants} trainings, {count_of(progress.ended, 'has', 'have')} ended"
    if not progress.running:
        return f"{ended}."
    trained = ", ".join(f"{variant.label} (epoch {epoch})" for variant, epoch in progress.running.items())
    return (
        f"{ended} and {count_of(len(progress.running), 'is running or was', 'are running or were')} stopped: {trained}."
    )


def _run_of(context: Mapping[str, Any]) -> Run:
    run = context["dag_run"]
    return Run.of(run["dag_id"], run["dag_run_id"], run["conf"], run["run_type"])


def _progress(run: Run) -> RunProgress:
    """Return how far a run is; before its plan, of the replicates that the series has."""
    from imdb_tasks.pipeline import Steps
    from imdb_tasks.store import Store

    study, growing = read_study(run.form, run.installed.form_defaults()), run.installed.growing(run.form)
    return Steps.of_run(study, Store.from_environment(), run.name, growing).progress()


def _notice(what: str, opening: str, advice: str, run: Run) -> Notice:
    from imdb_tasks.report import Notice

    return Notice(subject=f"IMDB study: {what}", opening=opening, link=run.address, advice=advice)
