"""Two studies in one Airflow, from one file: neither is taken for the other, and what both need is made once."""

import time
from typing import Any

import httpx
import pytest

from scripts.local_airflow import DAG
from tests.support.whole_airflow import EVERY_MINUTE, SECOND, WholeAirflow

RUN = "manual__the-same-id"


def get(whole: WholeAirflow, path: str, user: str = "admin") -> httpx.Response:
    return whole.ask("GET", path, user=user)


@pytest.fixture(scope="module")
def both(whole: WholeAirflow, small_form: dict[str, Any]) -> dict[str, str]:
    """How a run of each ended; both have the same id and the same form."""
    for dag in (DAG, SECOND):
        request = {"dag_run_id": RUN, "logical_date": None, "conf": {**small_form, "replicates": 1}}
        whole.ask("POST", f"/api/v2/dags/{dag}/dagRuns", json=request).raise_for_status()
    ends: dict[str, str] = {}
    while len(ends) < 2:
        whole.airflow.components.check()
        ends |= {dag: end for dag in (DAG, SECOND) if (end := whole.airflow.api.end(dag, RUN))}
        time.sleep(0.5)
    return ends


def test_runs_with_the_same_id_end_well_each_with_a_report_of_its_own(
    whole: WholeAirflow, both: dict[str, str]
) -> None:
    assert both == {DAG: "success", SECOND: "success"}
    assert {RUN, f"{SECOND}={RUN}"} <= whole.store.refs("runs").keys()
    for dag in (DAG, SECOND):
        answer = get(whole, f"/imdb-study/dags/{dag}/runs/{RUN}/report")
        assert "<h1" in answer.text, answer.text[:500]
    assert RUN in get(whole, "/imdb-study/").text


def test_both_have_the_same_model_of_the_same_settings(whole: WholeAirflow, both: dict[str, str]) -> None:
    notes = [whole.store.read_ref(f"trainings/{run}/4_GRU_16") for run in (RUN, f"{SECOND}={RUN}")]
    assert len({note["model"] for note in notes if note}) == 1


def test_the_curves_of_a_run_are_those_of_its_dag(whole: WholeAirflow, both: dict[str, str]) -> None:
    page = get(whole, f"/imdb-study/dags/{SECOND}/runs/{RUN}/tasks/train/0/curves")
    assert f"runs/{SECOND}={RUN}/trainings/0" in page.text
    told = get(whole, f"/imdb-study/runs/{SECOND}={RUN}/trainings/0").raise_for_status().json()
    assert told["ended"] is True


def test_each_has_the_defaults_of_its_form_and_its_own_assets(whole: WholeAirflow, both: dict[str, str]) -> None:
    defaults = {dag: get(whole, f"/api/v2/dags/{dag}/details").json()["params"] for dag in (DAG, SECOND)}
    found = {dag: (params["source"]["value"], params["replicates"]["value"]) for dag, params in defaults.items()}
    assert found == {DAG: ("kaggle", 1), SECOND: ("sample", 2)}
    events = get(whole, f"/api/v2/assets/events?source_dag_id={SECOND}").json()["asset_events"]
    assert {event["name"] for event in events} == {
        f"{SECOND}_{name}" for name in ("corpus", "models", "best_model", "report")
    }


def test_who_may_read_one_of_them_sees_its_pages_and_no_others(whole: WholeAirflow, both: dict[str, str]) -> None:
    for path in (f"dags/{SECOND}/runs/{RUN}/report", f"runs/{SECOND}={RUN}/trainings/0"):
        assert get(whole, f"/imdb-study/{path}", "second").status_code == 200, path
    for path in ("", f"dags/{DAG}/runs/{RUN}/report", f"runs/{RUN}/report", f"runs/{RUN}/trainings/0"):
        assert get(whole, f"/imdb-study/{path}", "second").status_code == 403, path


def test_a_scheduled_run_starts_by_itself_with_the_settings_of_its_study(whole: WholeAirflow) -> None:
    api = whole.airflow.api
    api.unpause(EVERY_MINUTE)
    runs: list[dict[str, Any]] = []
    plan = ""
    while plan not in ("success", "failed"):
        whole.airflow.components.check()
        runs = get(whole, f"/api/v2/dags/{EVERY_MINUTE}/dagRuns").json()["dag_runs"]
        tasks = api.tasks(EVERY_MINUTE, runs[0]["dag_run_id"]) if runs else []
        plan = next((str(task["state"]) for task in tasks if task["task_id"] == "plan"), "")
        time.sleep(0.5)
    whole.ask("PATCH", f"/api/v2/dags/{EVERY_MINUTE}", json={"is_paused": True}).raise_for_status()
    api.end_unfinished_runs(EVERY_MINUTE)
    assert ([run["run_type"] for run in runs], plan) == (["scheduled"], "success")
