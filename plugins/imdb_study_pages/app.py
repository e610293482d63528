"""The routes. Airflow leaves a plugin's routes open to everybody: here each asks for the right to read the DAG.

Airflow shows the views of a run or a task on those of every DAG; for others there is a short word.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.concurrency import run_in_threadpool

from imdb_study_pages.answers import REPORT_POLICY, harden, serve_asset
from imdb_study_pages.asking import may_read_study
from imdb_study_pages.runs import known_runs
from imdb_study_pages.training import TASK_ID, progress_of
from imdb_tasks.errors import StudyError
from imdb_tasks.store import Store
from imdb_tasks.study import InstalledStudy, installed_studies, study_of_run
from imdb_tasks.ui import (
    RunQuery,
    comparison_page,
    curves_page,
    find_run,
    headline_run,
    list_runs,
    message_page,
    study_page,
    with_way_back,
)

NO_REPORTS = "There is no report yet. Trigger the DAG to make one."
NO_REPORT = "This run has no report yet. It is made by the task 'report'."
ANOTHER_DAG = "Only runs of the DAG {} have a report."
ANOTHER_TASK = "Only the training tasks have curves; choose one of the mapped instances of 'train'."

# What the store allows in the name of a run, and Airflow in its ids.
ID = r"^[A-Za-z0-9_~+:=-][A-Za-z0-9_.~+:=-]*$"
Id = Annotated[str, Path(pattern=ID, max_length=250)]
ChosenRun = Annotated[str, Query(pattern=ID, max_length=250)]
MapIndex = Annotated[int, Path(ge=0, le=1_000_000)]
# On a task that is not mapped Airflow leaves the name of the field where its value should be.
AnyMapIndex = Annotated[str, Path(pattern=r"^(-1|[0-9]{1,6}|\{MAP_INDEX\})$")]

app = FastAPI(
    title="IMDB study",
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
    dependencies=[Depends(may_read_study)],
)
app.middleware("http")(harden)


@app.exception_handler(StudyError)
def explain(request: Request, error: StudyError) -> Response:
    """Say what is wrong, such as a store that is not set."""
    return HTMLResponse(message_page(str(error), _root(request)), status_code=500)


@app.exception_handler(RequestValidationError)
def refuse(request: Request, error: RequestValidationError) -> Response:  # noqa: ARG001 - its values are not repeated
    """Answer to what cannot be an id."""
    return PlainTextResponse("not found", status_code=422)


@app.get("/")
async def study(request: Request, query: Annotated[RunQuery, Query()]) -> Response:
    """Show what the scheduled study came to, and the runs that are asked for."""
    known = await known_runs(request)
    made = await run_in_threadpool(lambda: study_page(Store.from_environment(), _root(request), query, known))
    return HTMLResponse(made)


@app.get("/report")
def latest_report(request: Request) -> Response:
    """Show the newest report of the scheduled study, under an address that stays."""
    store = Store.from_environment()
    newest = headline_run(store, list_runs(store).runs)
    return report(newest.id, request) if newest else HTMLResponse(message_page(NO_REPORTS, _root(request)))


@app.get("/runs/{run_id}/report")
def report(run_id: Id, request: Request) -> Response:
    """Show the report of a run, with a way back; it brings its own content security policy."""
    store = Store.from_environment()
    run = find_run(store, run_id)
    entry = store.find("reports", run.note.report, repair=False) if run else None
    if run is None or entry is None:
        return HTMLResponse(message_page(NO_REPORT, _root(request)))
    page = with_way_back(entry.file("report.html").read_text("utf8"), store, run, _root(request))
    return HTMLResponse(page, headers={"Content-Security-Policy": REPORT_POLICY})


@app.get("/compare")
def compare(before: ChosenRun, after: ChosenRun, request: Request) -> Response:
    """Show what was changed between two runs, and what came of it."""
    store = Store.from_environment()
    first, second = find_run(store, before), find_run(store, after)
    if first is None or second is None:
        raise HTTPException(404, "at least one of these runs has no report")
    return HTMLResponse(comparison_page(store, first, second, _root(request)))


@app.get("/dags/{dag_id}/runs/{run_id}/report")
def report_of_run(dag_id: Id, run_id: Id, request: Request) -> Response:
    """Show the report of a run, from the page of that run."""
    study = _studies().get(dag_id)
    if study is None:
        return HTMLResponse(message_page(ANOTHER_DAG.format(" or ".join(_studies())), _root(request)))
    return report(study.run_name(run_id), request)


@app.get("/dags/{dag_id}/runs/{run_id}/tasks/{task_id}/{map_index}/curves")
async def curves(dag_id: Id, run_id: Id, task_id: Id, map_index: AnyMapIndex, request: Request) -> Response:
    """Show how far a training is."""
    study = _studies().get(dag_id) if task_id == TASK_ID and map_index.isdecimal() else None
    progress = await progress_of(request, study, run_id, int(map_index)) if study else None
    if study is None or progress is None:
        return HTMLResponse(message_page(ANOTHER_TASK, _root(request)))
    updates = f"runs/{study.run_name(run_id)}/trainings/{map_index}"
    return HTMLResponse(curves_page(progress, _root(request), updates))


@app.get("/runs/{run_id}/trainings/{map_index}")
async def training(run_id: Id, map_index: MapIndex, request: Request) -> Response:
    """Tell how far a training is, for the script of its page."""
    dag_id, run_of_dag = study_of_run(run_id)
    study = _studies().get(dag_id)
    progress = await progress_of(request, study, run_of_dag, map_index) if study else None
    if progress is None:
        raise HTTPException(404, "there is no such training")
    return JSONResponse(progress.model_dump(mode="json"))


@app.get("/static/{name}")
async def asset(name: str, request: Request) -> Response:
    """Serve a style sheet or a script of the pages."""
    return await serve_asset(name, request)


def _studies() -> dict[str, InstalledStudy]:
    return {study.dag_id: study for study in installed_studies()}


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", ""))
