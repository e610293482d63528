"""From a task instance in Airflow's database to how far its training is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from sqlalchemy import select

from imdb_tasks.store import Store
from imdb_tasks.ui import TrainingProgress, training_progress, variant_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


DAG_ID = "imdb_study"
TASK_ID = "train"


def progress_of(session: Session, run_id: str, map_index: int) -> TrainingProgress | None:
    """Return how far the training of a map index is; None if there is no such task instance, or no such variant."""
    run = select(DagRun.conf).where(DagRun.dag_id == DAG_ID, DagRun.run_id == run_id)
    task = select(TaskInstance.state).where(
        TaskInstance.dag_id == DAG_ID,
        TaskInstance.run_id == run_id,
        TaskInstance.task_id == TASK_ID,
        TaskInstance.map_index == map_index,
    )
    conf, state = session.execute(run).first(), session.execute(task).first()
    if conf is None or state is None:
        return None
    variant = variant_of(conf.conf or {}, map_index)
    if variant is None:
        return None
    return training_progress(Store.from_environment(), run_id, variant, state.state or "waiting")
