"""What Airflow knows of the study's runs: who or what started them, and the notes that people left."""

from __future__ import annotations

import logging

from fastapi import HTTPException, Request

from imdb_study_pages.asking import ask
from imdb_tasks.study import InstalledStudy, installed_studies
from imdb_tasks.ui import InAirflow

log = logging.getLogger(__name__)

MOST = 1_000  # runs of a DAG; of older ones the page says what their ids tell
AT_ONCE = 100


async def known_runs(request: Request) -> dict[str, InAirflow]:
    """Return what is known of each run, by its name in the store; nothing of what Airflow does not show."""
    known: dict[str, InAirflow] = {}
    for study in installed_studies():
        try:
            known |= await _runs_of(request, study)
        except HTTPException:
            log.warning("Airflow does not tell of the runs of %s; the page is shown without", study.dag_id)
    return known


async def _runs_of(request: Request, study: InstalledStudy) -> dict[str, InAirflow]:
    known: dict[str, InAirflow] = {}
    for offset in range(0, MOST, AT_ONCE):
        wanted = f"order_by=-run_after&limit={AT_ONCE}&offset={offset}"
        answer = await ask(request, f"dags/{study.dag_id}/dagRuns?{wanted}")
        runs = answer["dag_runs"] if answer else []
        known |= {study.run_name(run["dag_run_id"]): _known(run) for run in runs}
        if len(runs) < AT_ONCE:
            break
    return known


def _known(run: dict[str, str | None]) -> InAirflow:
    return InAirflow(kind=run["run_type"] or "", user=run["triggering_user_name"], note=run["note"])
