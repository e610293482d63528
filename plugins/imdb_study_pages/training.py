"""From a task instance in Airflow to how far its training is."""

from __future__ import annotations

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from imdb_study_pages.asking import ask
from imdb_tasks.pipeline import Notes, Planned
from imdb_tasks.store import Store
from imdb_tasks.study import InstalledStudy
from imdb_tasks.ui import TrainingProgress, trained_variant, training_progress, variant_of

TASK_ID = "train"


async def progress_of(request: Request, study: InstalledStudy, run_id: str, map_index: int) -> TrainingProgress | None:
    """Return how far the training of a map index is; None if there is no such task instance, or no such variant."""
    place = f"dags/{study.dag_id}/dagRuns/{run_id}"
    run = await ask(request, place)
    task = await ask(request, f"{place}/taskInstances/{TASK_ID}/{map_index}")
    if run is None or task is None:
        return None
    name, title, state = study.run_name(run_id), task["rendered_map_index"], task["state"] or "waiting"

    def look() -> TrainingProgress | None:
        store = Store.from_environment()
        planned = Notes(store).read(Planned, name)
        formed = variant_of(run["conf"] or {}, map_index, study.form_defaults(), planned)
        variant = trained_variant(store, name, title, formed)
        return training_progress(store, name, variant, state) if variant else None

    return await run_in_threadpool(look)
