"""The study in Airflow's own pages: "Study" in the navigation, "Report" on a run, "Curves" on a training task."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin
from imdb_study_pages.app import app
from imdb_study_pages.asking import PREFIX

# Relative, so that they also lead there where Airflow is served below a path.
RUN = "imdb-study/dags/{DAG_ID}/runs/{RUN_ID}"


class ImdbStudyPlugin(AirflowPlugin):
    """Registers the pages and what leads to them."""

    name = "imdb_study"
    fastapi_apps: list[Any] = [{"app": app, "url_prefix": PREFIX, "name": "IMDB study"}]  # noqa: RUF012
    external_views: list[Any] = [  # noqa: RUF012
        {"name": "Study", "href": "imdb-study/", "destination": "nav", "url_route": "imdb-study"},
        {"name": "Report", "href": f"{RUN}/report", "destination": "dag_run", "url_route": "imdb-report"},
        {
            "name": "Curves",
            "href": f"{RUN}/tasks/{{TASK_ID}}/{{MAP_INDEX}}/curves",
            "destination": "task_instance",
            "url_route": "imdb-curves",
        },
    ]
