"""The study in Airflow's own pages: an entry "IMDB report" in the navigation that shows the latest report.

Airflow leaves a plugin's routes open to everybody, so every route here asks for the logged-in user and the right to
read the DAG.
"""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.plugins_manager import AirflowPlugin
from fastapi import Depends, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.middleware.base import RequestResponseEndpoint

from imdb_tasks.store import Store

DAG_ID = "imdb_study"
# The report's own policy, in its head, goes further: it names the hashes of its scripts.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
NO_REPORT = "<!doctype html><title>IMDB report</title><p>There is no report yet. Trigger the DAG to make one.</p>"

app = FastAPI(
    title="IMDB study",
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
    dependencies=[Depends(requires_access_dag("GET", param_dag_id=DAG_ID))],
)


@app.middleware("http")
async def harden(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """Add to every answer, errors included, what keeps a page from doing more than it should."""
    answer = await call_next(request)
    answer.headers.update(HEADERS)
    return answer


@app.get("/report")
def latest_report() -> Response:
    """Serve the page of the newest run; it brings its own content security policy."""
    store = Store.from_environment()
    latest = store.latest_ref("runs")
    report = store.find("reports", latest["report"], repair=False) if latest else None
    if report is None:
        return HTMLResponse(NO_REPORT)
    return FileResponse(report.file("report.html"), media_type="text/html")


class ImdbStudyPlugin(AirflowPlugin):
    """Registers the page and its entry in the navigation."""

    name = "imdb_study"
    fastapi_apps: list[Any] = [{"app": app, "url_prefix": "/imdb-study", "name": "IMDB study"}]  # noqa: RUF012
    external_views: list[Any] = [  # noqa: RUF012
        {
            "name": "IMDB report",
            "href": "/imdb-study/report",
            "destination": "nav",
            "url_route": "imdb-report",
        }
    ]
