"""The values for Airflow's Helm chart say what docker-compose.yaml, the Dockerfile and the DAG say.

What the chart makes of them is tested in tests/helm, which needs helm and the chart.
"""

import re
import tomllib
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from tests.support.helm import CELERY, KUBERNETES, PROJECT, leaves, values

BOTH = pytest.mark.parametrize("files", [CELERY, KUBERNETES], ids=["celery", "kubernetes"])
SERVICES: dict[str, Any] = yaml.safe_load(PROJECT.joinpath("docker-compose.yaml").read_text("utf8"))["services"]
# What the chart takes from a secret, sets by itself, or asks for in another way.
OF_THE_CHART = {
    "AIRFLOW__CORE__EXECUTOR",
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "AIRFLOW__CELERY__RESULT_BACKEND",
    "AIRFLOW__CELERY__BROKER_URL",
    "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK",
    "AIRFLOW__METRICS__OTEL_ON",
}
PER_INSTALLATION = {
    "AIRFLOW__API__BASE_URL": "https://airflow.example.org",
    "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "true",
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "4",  # an option of the command there
}


@BOTH
def test_airflow_is_set_as_in_compose(files: Any) -> None:
    compose = {n: v for n, v in SERVICES["scheduler"]["environment"].items() if n.startswith("AIRFLOW__")}
    expected = {name: value for name, value in compose.items() if name not in OF_THE_CHART} | PER_INSTALLATION
    config = {"AIRFLOW__" + "__".join(path).upper(): value for path, value in leaves(values(files)["config"])}
    own = {name for name in config if name.startswith("AIRFLOW__KUBERNETES_EXECUTOR__")}
    assert {name: value for name, value in config.items() if name not in own} == expected


@BOTH
def test_the_version_of_airflow_is_the_one_in_the_images(files: Any) -> None:
    locked = tomllib.loads(PROJECT.joinpath("uv.lock").read_text("utf8"))["package"]
    [airflow] = [package["version"] for package in locked if package["name"] == "apache-airflow"]
    assert values(files)["airflowVersion"] == airflow


@BOTH
def test_every_image_is_a_target_of_the_dockerfile(files: Any) -> None:
    targets = set(re.findall(r"^FROM \S+ AS (\w+)$", PROJECT.joinpath("Dockerfile").read_text("utf8"), re.MULTILINE))
    named = [
        value for path, value in leaves(values(files)) if path[-1] in ("repository", "worker_container_repository")
    ]
    assert named
    assert {name.rpartition("/imdb-study-")[2] for name in named} <= targets


@BOTH
def test_no_secret_is_written_down(files: Any) -> None:
    for path, value in leaves(values(files)):
        if re.search(r"password|secret|key$|connection", path[-1], re.IGNORECASE):
            assert path[-1].endswith("SecretName") or "imdb-administrator" in value, path


def test_both_queues_of_the_study_have_workers_that_run_as_in_compose() -> None:
    celery = values(CELERY)["workers"]["celery"]
    [gpu] = celery["sets"]  # beside the workers of the queue default
    assert gpu["queue"] == "gpu"
    assert gpu["env"] == [{"name": "AIRFLOW__CELERY__WORKER_CONCURRENCY", "value": "2"}]
    for name, concurrency in (("worker", "4"), ("worker-gpu", "${TRAINING_CONCURRENCY:-2}")):
        assert f"--concurrency {concurrency} " in SERVICES[name]["command"]
    assert celery["terminationGracePeriodSeconds"] == 180
    assert SERVICES["worker"]["stop_grace_period"] == "3m"
    assert gpu["resources"]["limits"]["nvidia.com/gpu"] == 1


def test_with_the_kubernetes_executor_only_what_is_for_the_gpu_queue_goes_there() -> None:
    found = values(KUBERNETES)
    names: dict[str, Any] = {}
    exec(found["airflowLocalSettings"], names)  # noqa: S102 - the project's own file
    tasks = {queue: SimpleNamespace(queue=queue, executor=None) for queue in ("default", "gpu")}
    for task in tasks.values():
        names["task_instance_mutation_hook"](task)
    assert {queue: task.executor for queue, task in tasks.items()} == {"default": None, "gpu": "KubernetesExecutor"}
    assert found["executor"].split(",") == ["CeleryExecutor", "KubernetesExecutor"]
    assert found["workers"]["celery"]["sets"] == []


def test_the_job_that_migrates_makes_the_pool_with_the_same_command_as_compose() -> None:
    job, init = values(CELERY)["migrateDatabaseJob"]["args"][-1], SERVICES["init"]["command"][-1]
    assert job.splitlines() == init.replace("$$", "$").splitlines()[:2]
    assert PROJECT.joinpath("dags", "imdb_bootstrap.py").exists()
