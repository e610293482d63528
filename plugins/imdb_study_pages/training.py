"""From a task instance in Airflow to how far its training is."""

from __future__ import annotations

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from imdb_study_pages.asking import ask
from imdb_tasks.store import Store
from imdb_tasks.study import InstalledStudy
from imdb_tasks.ui import TrainingProgress, training_progress, variant_of

TASK_ID = "train"


async def progress_of(request: Request, study: InstalledStudy, run_id: str, map_index: int) -> TrainingProgress | None:
    """Return how far the training of a map index is; None if there is no such task instance, or no such variant."""
    place = f"dags/{study.dag_id}/dagRuns/{run_id}"
    run = await ask(request, place)
    task = await ask(request, f"{place}/taskInstances/{TASK_ID}/{map_index}")
    if run is None or task is None:
        return None
    variant = variant_of(run["conf"] or {}, map_index, study.form_defaults())
    if variant is None:
        return None
    name, state = study.run_name(run_id), task["state"] or "waiting"
    return await run_in_threadpool(lambda: training_progress(Store.from_environment(), name, variant, state))
