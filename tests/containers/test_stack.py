"""docker-compose.yaml brought up for real: the image built, all services healthy, the quick study through REST."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from imdb_tasks.study import read_study
from scripts.airflow_api import AirflowApi
from scripts.checks import faults_of_message, faults_of_report, variants_of
from scripts.home import LOOPBACK, free_port
from scripts.local_airflow import DAG
from scripts.make_env import filled_in
from tests.support.cluster.compose import PROJECT, read_env
from tests.support.cluster.logs import faults_in
from tests.support.cluster.studying import wait_until
from tests.support.containers.engine import Stack

FORM: dict[str, Any] = {"profile": "quick", "source": "sample", "recipients": ["team@example.org"], "notify": "always"}
PATIENCE = 1_800.0  # seconds for the whole study, on a slow and busy machine
WORKERS = 2  # that train
PORTS = {"AIRFLOW_PORT": 24_080, "MAIL_PORT": 24_025, "FLOWER_PORT": 24_055}  # preferred

pytestmark = pytest.mark.timeout(3_600)  # the image may have to be built first


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    made = read_env(filled_in(PROJECT.joinpath(".env.example").read_text("utf8"), "test"))
    ports = {name: str(free_port(preferred)) for name, preferred in PORTS.items()}
    return {**made, **ports, "AIRFLOW_URL": f"http://{LOOPBACK}:{ports['AIRFLOW_PORT']}", "USE_SCHEDULE": "false"}


@pytest.fixture(scope="module")
def stack(variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    env_file = tmp_path_factory.mktemp("compose") / "env"
    env_file.write_text("".join(f"{name}='{value}'\n" for name, value in variables.items()))
    profiles = {"cpu-training", "dev", "flower"}
    with Stack(env_file, variables, profiles, {"worker-cpu-training": WORKERS}) as stack:
        yield stack


@pytest.fixture(scope="module")
def api(stack: Stack, variables: dict[str, str]) -> Iterator[AirflowApi]:
    url = f"http://{LOOPBACK}:{variables['AIRFLOW_PORT']}"
    with AirflowApi(url, variables["ADMIN_USER"], variables["ADMIN_PASSWORD"]) as api:
        yield api


@pytest.fixture(scope="module")
def tasks(api: AirflowApi) -> list[dict[str, Any]]:
    """The task instances of a run that went well."""
    wait_until(lambda: api.parsed_at(DAG), "the DAG is known")
    api.unpause(DAG)
    run = api.trigger(DAG, FORM)
    state = wait_until(lambda: api.end(DAG, run), "the run ends", PATIENCE)
    found = api.tasks(DAG, run)
    assert state == "success", [(task["task_id"], task["state"]) for task in found]
    return found


def hostnames(stack: Stack, service: str) -> set[str]:
    return {container["Config"]["Hostname"] for container in stack.containers(service)}


def test_all_variants_are_trained_on_the_training_workers_and_nothing_else_is(stack: Stack, tasks: list[Any]) -> None:
    training = [task for task in tasks if task["task_id"] == "train"]
    assert len(training) == 18
    assert {task["queue"] for task in training} == {"gpu"}
    assert {task["hostname"] for task in training} == hostnames(stack, "worker-cpu-training")
    assert {task["hostname"] for task in tasks if task["task_id"] != "train"} == hostnames(stack, "worker")
    assert len(hostnames(stack, "worker-cpu-training")) == WORKERS


def test_the_report_is_served_to_who_is_signed_in(api: AirflowApi, tasks: list[Any], tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_bytes(api.page("/imdb-study/report"))
    assert faults_of_report(page, variants_of(read_study(FORM))) == []
    assert httpx.get(f"{api.url}/imdb-study/report", trust_env=False).status_code in (401, 403)


def test_the_mail_is_at_the_catcher(variables: dict[str, str], tasks: list[Any], tmp_path: Path) -> None:
    with httpx.Client(base_url=f"http://{LOOPBACK}:{variables['MAIL_PORT']}", trust_env=False) as page:
        [link] = re.findall(r'href="(/mails/[^"]+)"', page.get("/").text)
        mail = tmp_path / "mail.eml"
        mail.write_bytes(page.get(f"{link}/source").content)
    assert faults_of_message(mail) == []


def test_the_queues_are_shown_to_who_knows_the_password(
    variables: dict[str, str], stack: Stack, tasks: list[Any]
) -> None:
    url = f"http://{LOOPBACK}:{variables['FLOWER_PORT']}/workers"
    assert httpx.get(url, trust_env=False).status_code == 401
    signed_in = httpx.get(url, auth=("flower", variables["FLOWER_PASSWORD"]), trust_env=False)
    assert all(name in signed_in.text for name in hostnames(stack, "worker-cpu-training"))


def test_no_process_can_change_the_code_that_it_runs(stack: Stack) -> None:
    who = stack.compose("exec", "-T", "worker", "sh", "-c", "id -u; touch /opt/imdb-study/dags/x 2>&1 || true").split(
        "\n", 1
    )
    assert who[0] == "50000"
    assert "Permission denied" in who[1]


def test_every_service_is_healthy_after_the_study(stack: Stack, tasks: list[Any]) -> None:
    expected = {name: ["healthy"] for name, service in stack.services.items() if service.health}
    assert stack.health() == expected | {"worker-cpu-training": ["healthy"] * WORKERS}
    restarts = {name: [c["RestartCount"] for c in stack.containers(name)] for name in stack.services}
    assert {count for counts in restarts.values() for count in counts} == {0}, restarts


def test_nothing_in_the_logs_is_an_error(stack: Stack, tasks: list[Any]) -> None:
    assert faults_in(stack.logs()) == []
    of_tasks = stack.compose(
        "exec", "-T", "worker", "find", "/opt/airflow/logs", "-name", "*.log", "-exec", "cat", "{}", "+"
    )
    assert of_tasks.count("epoch 1/3 ") == 18
    assert faults_in(of_tasks) == []


def test_a_backup_as_the_page_of_operations_has_it_brings_everything_back(
    stack: Stack, api: AirflowApi, tasks: list[Any], tmp_path: Path
) -> None:
    page = PROJECT.joinpath("docs/operations.md").read_text("utf8").partition("## Backup")[2]
    backup, restore = re.findall(r"^```\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)[:2]
    before, report = api.tasks(DAG, tasks[0]["dag_run_id"]), api.page("/imdb-study/report")
    stack.shell(backup, tmp_path)
    stack.compose("down", "--volumes", "--timeout", "5")
    stack.shell(restore, tmp_path)
    stack.wait()
    assert api.tasks(DAG, tasks[0]["dag_run_id"]) == before
    assert api.page("/imdb-study/report") == report
    assert "0 damaged" in stack.compose("exec", "-T", "worker", "python", "-m", "imdb_tasks", "store", "verify")
