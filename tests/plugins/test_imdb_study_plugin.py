"""The plugin in Airflow's real web server, asked by a stranger, a logged-in user, and one with bad intentions."""

from pathlib import Path

import httpx
import numpy as np
import pytest

from imdb_tasks.resources import PLOTLY_JS
from imdb_tasks.store import Store
from scripts.local_airflow import LocalAirflow
from scripts.mail_catcher import MailCatcher
from tests.support.reported import keep_conclusions
from tests.support.run_stores import PAGE, START, WEEK, keep_run
from tests.support.study_results import analysis_of, study_result

ROUTES = (
    "",
    "report",
    "runs/run-1/report",
    "runs/run-1/trainings/0",
    "compare?before=run-1&after=run-1",
    "dags/imdb_study/runs/run-1/report",
    "dags/imdb_study/runs/run-1/tasks/train/0/curves",
    "static/pages.css",
    "static/plotly-basic.min.js",
)


@pytest.fixture(scope="module")
def airflow(airflow_with_mail: tuple[LocalAirflow, MailCatcher]) -> LocalAirflow:
    return airflow_with_mail[0]


@pytest.fixture(scope="module")
def store(airflow: LocalAirflow) -> Store:
    """The store of this Airflow, to which one more reported run is added."""
    store = Store(airflow.home.store)
    with store.publish("reports", "r1", {}) as folder:
        Path(folder, "report.html").write_text("<h1>the report</h1>")
    keep_conclusions(store, "a1", study_result())
    store.write_ref("runs/run-1", {"report": "r1", "analysis": "a1", "headline": "<b>news</b>"})
    return store


@pytest.fixture(scope="module")
def token(airflow: LocalAirflow) -> str:
    login = {"username": "admin", "password": airflow.home.password}
    answer = httpx.post(airflow.api.url + "/auth/token", json=login, trust_env=False)
    return answer.raise_for_status().json()["access_token"]


def get(airflow: LocalAirflow, path: str, token: str | None = None, **headers: str) -> httpx.Response:
    if token:
        headers["Authorization"] = f"Bearer {token}"
    # The first comparison imports SciPy.
    return httpx.get(f"{airflow.api.url}/imdb-study/{path}", headers=headers, trust_env=False, timeout=60)


@pytest.mark.parametrize("route", ROUTES)
def test_a_stranger_sees_nothing(airflow: LocalAirflow, route: str) -> None:
    answer = get(airflow, route)
    assert answer.status_code == 401
    assert "report" not in answer.text


def test_there_is_no_list_of_the_routes(airflow: LocalAirflow) -> None:
    for path in ("docs", "redoc", "openapi.json"):
        assert get(airflow, path).status_code in (401, 404)


def test_a_logged_in_user_sees_the_runs_with_their_headlines_escaped(
    airflow: LocalAirflow, store: Store, token: str
) -> None:
    answer = get(airflow, "", token)
    assert answer.status_code == 200
    assert "run-1" in answer.text
    assert "&lt;b&gt;news&lt;/b&gt;" in answer.text
    assert "<b>news" not in answer.text


def test_the_report_of_a_run_is_served_as_it_is(airflow: LocalAirflow, store: Store, token: str) -> None:
    for path in ("report", "runs/run-1/report", "dags/imdb_study/runs/run-1/report"):
        answer = get(airflow, path, token)
        assert (answer.status_code, answer.text) == (200, "<h1>the report</h1>")
        assert answer.headers["content-type"].startswith("text/html")
    assert "no report yet" in get(airflow, "runs/run-2/report", token).text
    assert "Only runs of the DAG imdb_study" in get(airflow, "dags/other/runs/run-1/report", token).text


def test_a_report_has_a_way_back_to_the_study(airflow: LocalAirflow, store: Store, token: str) -> None:
    keep_run(store, "earlier", study_result(), at=START)
    keep_run(store, "later", study_result(), at=START + WEEK)
    answer = get(airflow, "dags/imdb_study/runs/later/report", token)
    assert 'href="/imdb-study/">All runs of the study</a>' in answer.text
    assert 'href="/imdb-study/compare?before=earlier&amp;after=later"' in answer.text
    links = answer.text.partition("<body>")[2].partition("</nav>")[0] + "</nav>"
    assert answer.text.replace(links, "") == PAGE
    assert "Compare with" not in get(airflow, "runs/earlier/report", token).text
    for name in ("earlier", "later"):
        store.remove_ref(f"runs/{name}")


def test_the_list_of_runs_takes_only_what_its_form_can_ask(airflow: LocalAirflow, store: Store, token: str) -> None:
    asked = get(airflow, "?text=%3Cscript%3Ealert(1)%3C/script%3E&kind=sample&sort=accuracy&descending=false", token)
    assert asked.status_code == 200
    assert "No run is like that" in asked.text
    assert "<script>alert" not in asked.text
    for query in ("kind=all%27", "sort=id;drop", "page=0", "page=x", f"text={'a' * 300}", f"like={'a' * 300}"):
        assert get(airflow, f"?{query}", token).status_code == 422


def test_a_damaged_note_of_a_run_is_a_line_and_no_error(airflow: LocalAirflow, store: Store, token: str) -> None:
    store.files.write("refs/runs/damaged.json", b"{}")
    answer = get(airflow, "", token)
    store.files.delete("refs/runs/damaged.json")
    assert answer.status_code == 200
    assert "1 note of a run in the store cannot be read" in answer.text


def test_two_runs_are_compared_and_an_unknown_one_is_not_found(airflow: LocalAirflow, store: Store, token: str) -> None:
    assert "The same settings." in get(airflow, "compare?before=run-1&after=run-1", token).text
    assert get(airflow, "compare?before=run-1&after=run-2", token).status_code == 404
    assert get(airflow, "compare?before=run-1", token).status_code == 422


def test_a_task_without_curves_has_a_word_and_an_unknown_training_is_not_found(
    airflow: LocalAirflow, store: Store, token: str
) -> None:
    unmapped = "%7BMAP_INDEX%7D"  # as Airflow leaves it where there is none
    for dag, task in (("imdb_study", "plan/-1"), ("imdb_study", f"plan/{unmapped}"), ("other", "train/0")):
        answer = get(airflow, f"dags/{dag}/runs/run-1/tasks/{task}/curves", token)
        assert "Only the training tasks have curves" in answer.text
    assert get(airflow, "runs/run-1/trainings/0", token).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "runs/..%2f..%2fkeys/report",
        "runs/.hidden/report",
        "runs/%3Cscript%3E/report",
        f"runs/{'a' * 300}/report",
        "runs/run-1/trainings/x",
        "runs/run-1/trainings/99999999",
        "compare?before=../run-1&after=run-1",
        "dags/imdb_study/runs/a%20b/tasks/train/0/curves",
        "static/..%2f..%2fpyproject.toml",
        "static/.env",
        "static/unknown.js",
    ],
)
def test_what_cannot_be_an_id_is_refused_and_not_echoed_as_markup(
    airflow: LocalAirflow, store: Store, token: str, path: str
) -> None:
    answer = get(airflow, path, token)
    assert answer.status_code in (404, 422)
    assert not answer.headers["content-type"].startswith("text/html")
    assert "script" not in answer.text


@pytest.mark.parametrize("route", [*ROUTES, "nowhere"])
def test_every_answer_forbids_what_no_page_needs(airflow: LocalAirflow, store: Store, token: str, route: str) -> None:
    for answer in (get(airflow, route, token), get(airflow, route)):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'self'" in policy
        assert ("'unsafe-inline'" in policy) == (route.endswith("report") and answer.status_code == 200)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"].startswith(
            "private" if "static" in route and answer.is_success else "no"
        )


def test_plotly_is_sent_once(airflow: LocalAirflow, token: str) -> None:
    answer = get(airflow, "static/plotly-basic.min.js", token)
    assert answer.content == PLOTLY_JS.read_bytes()
    assert "max-age=86400" in answer.headers["cache-control"]
    again = get(airflow, "static/plotly-basic.min.js", token, **{"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_navigation_runs_and_tasks_lead_there(airflow: LocalAirflow, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    found = httpx.get(f"{airflow.api.url}/api/v2/plugins", headers=headers, trust_env=False).json()["plugins"]
    views = [view for plugin in found if plugin["name"] == "imdb_study" for view in plugin["external_views"]]
    assert [(view["name"], view["destination"]) for view in views] == [
        ("Study", "nav"),
        ("Report", "dag_run"),
        ("Curves", "task_instance"),
    ]
    # Without a slash at the start they also work where Airflow is served below a path.
    assert all(view["href"].startswith("imdb-study/") for view in views)


def test_a_page_that_fails_says_so_and_keeps_its_policy(airflow: LocalAirflow, store: Store, token: str) -> None:
    with store.publish("analyses", "old", {}) as folder:
        analysis = analysis_of(study_result())
        folder.joinpath("analysis.json").write_text(analysis.model_dump_json())
        names = [each.variant.name for each in analysis.variants]
        few = np.zeros((len(names), 2), np.float32)  # labels that fit no analysis of this study
        np.savez(folder / "predictions.npz", names=np.array(names), labels=few[0].astype(np.int8), probabilities=few)
    store.write_ref("runs/run-0", {"report": "r1", "analysis": "old", "headline": "old"})
    answer = get(airflow, "compare?before=run-0&after=run-1", token)
    store.remove_ref("runs/run-0")
    assert answer.status_code == 500
    assert "The log of the API server says why" in answer.text
    assert "broadcast" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
