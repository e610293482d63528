"""The plugin in Airflow's real web server, asked by a stranger and by a logged-in user."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from imdb_tasks.store import Store
from scripts.home import Home
from scripts.local_airflow import LocalAirflow, Shutdown


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMDB_AIRFLOW_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("IMDB_STORE", raising=False)
        home = Home.from_environment()
        with home.locked(), LocalAirflow(home, Shutdown(), smtp_port=1) as running:
            yield running


def get(airflow: LocalAirflow, path: str, token: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.get(airflow.api.url + path, headers=headers, trust_env=False)


@pytest.fixture(scope="module")
def token(airflow: LocalAirflow) -> str:
    login = {"username": "admin", "password": airflow.home.password}
    answer = httpx.post(airflow.api.url + "/auth/token", json=login, trust_env=False)
    return answer.raise_for_status().json()["access_token"]


def test_a_stranger_sees_nothing(airflow: LocalAirflow) -> None:
    assert get(airflow, "/imdb-study/report").status_code == 401
    for path in ("docs", "redoc", "openapi.json"):
        assert get(airflow, f"/imdb-study/{path}").status_code in (401, 404)


def test_the_latest_report_is_shown_to_a_logged_in_user(airflow: LocalAirflow, token: str) -> None:
    assert "There is no report yet" in get(airflow, "/imdb-study/report", token).text
    store = Store(airflow.home.store)
    with store.publish("reports", "r1", {}) as folder:
        Path(folder, "report.html").write_text("<h1>the report</h1>")
    store.write_ref("runs/run-1", {"report": "r1"})
    answer = get(airflow, "/imdb-study/report", token)
    assert (answer.status_code, answer.text) == (200, "<h1>the report</h1>")
    assert answer.headers["content-type"].startswith("text/html")


def test_the_navigation_has_an_entry_for_it(airflow: LocalAirflow, token: str) -> None:
    plugins = get(airflow, "/api/v2/plugins", token).json()["plugins"]
    views = [view for plugin in plugins if plugin["name"] == "imdb_study" for view in plugin["external_views"]]
    assert [(view["name"], view["href"]) for view in views] == [("IMDB report", "/imdb-study/report")]
