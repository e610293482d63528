import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[1]
COMPOSE = PROJECT.joinpath("docker-compose.yaml").read_text("utf8")
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)([^}]*)\}")
SECRET = re.compile(r"PASSWORD|SECRET|_KEY$|_CONN|REDISCLI_AUTH|BROKER_URL|RESULT_BACKEND")
OPTIONAL = {"AIRFLOW_CONN_KAGGLE_DEFAULT"}
RUN_ONCE = {"init"}


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load(COMPOSE)["services"]


@pytest.fixture(scope="module")
def example():
    lines = PROJECT.joinpath(".env.example").read_text("utf8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def environment(services):
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            yield name, variable, str(value)


def test_every_service_that_stays_has_a_health_check_and_comes_back(services):
    for name, service in services.items():
        expected = "no" if name in RUN_ONCE else "always"
        assert service["restart"] == expected, name
        assert ("healthcheck" in service) == (name not in RUN_ONCE), name


def test_nothing_starts_before_what_it_needs(services):
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if needed in RUN_ONCE else "service_healthy"
            assert how == {"condition": expected}, (name, needed)
    assert {"postgres", "redis", "init", "api-server"} <= services["worker"]["depends_on"].keys()


def test_only_the_training_workers_take_the_training_queue(services):
    queues = {
        name: re.search(r"--queues (\S+)", service["command"]).group(1)
        for name, service in services.items()
        if "celery worker" in str(service.get("command"))
    }
    assert queues == {"worker": "default", "worker-gpu": "gpu", "worker-cpu-training": "gpu"}


def test_only_the_gpu_worker_reserves_a_device(services):
    reserving = [name for name, service in services.items() if "deploy" in service]
    assert reserving == ["worker-gpu"]
    assert services["worker-gpu"]["profiles"] == ["gpu"]
    assert services["worker-cpu-training"]["profiles"] == ["cpu-training"]


def test_a_worker_answers_the_ping_of_its_own_health_check(services):
    for name in ("worker", "worker-gpu", "worker-cpu-training"):
        node = re.search(r"--celery-hostname (\w+)@%h", services[name]["command"]).group(1)
        assert f'"{node}@$$HOSTNAME"' in services[name]["healthcheck"]["test"]


def test_secrets_are_never_literal(services):
    secret = [(name, variable, value) for name, variable, value in environment(services) if SECRET.search(variable)]
    assert len(secret) > 10
    for name, variable, value in secret:
        assert VARIABLE.search(value), f"{name}: {variable}"


def test_what_the_example_leaves_empty_has_no_default(example):
    for name, option in VARIABLE.findall(COMPOSE):
        if not example[name] and name not in OPTIONAL:
            assert option == ":?set it in .env", name


def test_the_example_lists_every_variable_and_gives_no_secret_away(example):
    used = {name for name, _ in VARIABLE.findall(COMPOSE)}
    assert used | {"COMPOSE_PROFILES"} == example.keys()
    assert not [name for name, value in example.items() if SECRET.search(name) and value]


def test_every_process_of_airflow_shares_the_same_settings(services):
    shared = {}
    for name, variable, value in environment(services):
        if variable.startswith("AIRFLOW__"):
            shared.setdefault(variable, {})[name] = value
    airflow = {name for name, service in services.items() if service["image"] == "imdb-study"} - {"mail"}
    for variable, by_service in shared.items():
        assert by_service.keys() == airflow, variable
        assert len(set(by_service.values())) == 1, variable


def test_the_image_installs_hashed_requirements_and_does_not_run_as_root():
    dockerfile = PROJECT.joinpath("Dockerfile").read_text("utf8")
    assert "--require-hashes --requirement requirements.txt" in dockerfile
    assert re.findall(r"^USER (\w+)$", dockerfile, re.MULTILINE) == ["airflow"]


def test_the_celery_executor_can_be_imported(tmp_path):
    # celery 5.7 breaks it, and pip check does not notice.
    code = "from airflow.providers.celery.executors.celery_executor import CeleryExecutor"
    run = subprocess.run(
        [sys.executable, "-c", code], env={"AIRFLOW_HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
