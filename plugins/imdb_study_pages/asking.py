"""What the pages ask Airflow: its public REST interface, with the credentials of whoever asks for the page.

So nobody sees more here than Airflow itself would show, and without a clear yes there is no page.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import conf
from fastapi import HTTPException, Request

from imdb_tasks.study import installed_studies, study_of_run

log = logging.getLogger(__name__)

PREFIX = "/imdb-study"  # of every page, behind Airflow's own address
PATIENCE = 10.0  # seconds; the server asks itself
CREDENTIALS = ("authorization", "cookie")
SAID_NO = (401, 403)


async def may_read_study(request: Request) -> None:
    """Raise HTTPException unless Airflow shows the page's DAG to whoever asks; for a page on all runs, every DAG."""
    shown = [await ask(request, f"dags/{dag_id}") for dag_id in _dags_of(request)]
    if not any(shown):
        raise HTTPException(404, "not found")


def _dags_of(request: Request) -> tuple[str, ...]:
    """Return the DAG that a page is about; where that is none of the studies, all of them."""
    of_run = study_of_run(request.path_params.get("run_id", ""))[0] if "run_id" in request.path_params else None
    named = request.path_params.get("dag_id", of_run)
    known = tuple(study.dag_id for study in installed_studies())
    return (named,) if named in known else known


async def ask(request: Request, path: str) -> dict[str, Any] | None:
    """Return what Airflow tells under ``/api/v2/{path}``; None if it knows no such thing.

    Raises:
        HTTPException: Airflow does not let this person see it, or has not answered.

    """
    import httpx

    sent = {name: request.headers[name] for name in CREDENTIALS if name in request.headers}
    try:
        # The peer is the socket that this very request has reached: no certificate would name it.
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=PATIENCE) as client:  # noqa: S501
            answer = await client.get(_address(request, path), headers=sent)
        if answer.status_code in SAID_NO:
            raise HTTPException(answer.status_code, "not allowed")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        found = answer.raise_for_status().json()
        if answer.status_code == httpx.codes.OK and isinstance(found, dict):
            return found
        log.error("expected a JSON object of Airflow's REST interface, found %s", answer)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError):
        log.exception("Airflow's REST interface has not answered its own server")
    raise HTTPException(503, "Airflow has not answered; the log of the API server says why")


def _address(request: Request, path: str) -> str:
    """Return the address of the REST interface at the socket that has taken the request, whatever its Host header."""
    host, port = request.scope["server"]
    scheme = "https" if conf.get("api", "ssl_cert", fallback="") else "http"
    below = str(request.scope.get("root_path", "")).removesuffix(PREFIX)
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{below}/api/v2/{path}"
