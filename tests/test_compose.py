import base64
import re
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from imdb_tasks.settings import GROUPS
from scripts import make_env
from tests.support.cluster.compose import filled_in, read_env, read_example, read_services

PROJECT = Path(__file__).parents[1]
COMPOSE = PROJECT.joinpath("docker-compose.yaml").read_text("utf8")
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)([^}]*)\}")
SECRET = re.compile(r"PASSWORD|SECRET|_KEY$|_CONN|REDISCLI_AUTH|BROKER_URL|RESULT_BACKEND|BASIC_AUTH")
MAY_BE_EMPTY = {"AIRFLOW_CONN_KAGGLE_DEFAULT", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "OTEL_ENDPOINT"}
MAY_BE_EMPTY |= {
    f"IMDB_{name}" for name in ("SCHEDULE", "PROFILE", "SOURCE", "REPLICATES", "NOTIFY", "STUDIES", "POOL")
}
MAY_BE_EMPTY |= {
    f"IMDB_{name}" for name in ("SMTP_CONNECTION", "KAGGLE_CONNECTION", "NOTIFIERS", "WAIT_HOURS", "LATE_HOURS")
}
MAY_BE_EMPTY |= {"IMDB_TRAINING_THREADS", "MLFLOW_TRACKING_URI", "IMDB_MAX_REPLICATES", "IMDB_REPLICATES_PER_RUN"}
# The workers listen to gpu; the image has its revision; another backend needs other images; the rest belongs to make.
NOT_SET_HERE = {
    "IMDB_QUEUE",
    "IMDB_CODE_REVISION",
    "KERAS_BACKEND",
    "IMDB_AIRFLOW_HOME",
    "IMDB_TRAINING_SLOTS",
    "IMDB_WARM_TASKS",
}
RUN_ONCE = {"init"}
TRAINING = ("worker-gpu", "worker-cpu-training")


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load(COMPOSE)["services"]


@pytest.fixture(scope="module")
def example():
    return read_example()


def environment(services):
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            yield name, variable, str(value)


def test_every_service_that_stays_has_a_health_check_and_comes_back(services):
    for name, service in services.items():
        expected = "no" if name in RUN_ONCE else "always"
        assert service["restart"] == expected, name
        assert ("healthcheck" in service) == (name not in RUN_ONCE), name


def test_every_service_is_bounded_in_memory_processors_and_logs(services):
    for name, service in services.items():
        assert {"mem_limit", "cpus"} <= service.keys(), name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name


def test_each_image_is_built_once_and_before_all_who_run_it(services):
    builds = {
        service["image"]: (name, service["build"]["target"]) for name, service in services.items() if "build" in service
    }
    assert builds == {
        "imdb-study": ("init", "airflow"),
        "imdb-study-worker": ("worker", "worker"),
        "imdb-study-gpu": ("worker-gpu", "gpu"),
    }
    users = {
        name: service for name, service in services.items() if service["image"] in builds and "build" not in service
    }
    assert users.keys() == {"api-server", "scheduler", "dag-processor", "mail", "flower", "worker-cpu-training"}
    assert all(builds[service["image"]][0] in service["depends_on"] for service in users.values())


def test_only_workers_run_an_image_with_what_the_tasks_compute_with(services):
    heavy = {name for name, service in services.items() if service["image"] in ("imdb-study-worker", "imdb-study-gpu")}
    assert heavy == {"worker", *TRAINING}
    stages = PROJECT.joinpath("Dockerfile").read_text("utf8").split("FROM ")
    light = next(stage for stage in stages if stage.startswith("system AS airflow-packages"))
    assert re.findall(r"COPY (\S+)", light) == ["requirements-airflow.txt"]


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
    assert queues == {"worker": "default", **dict.fromkeys(TRAINING, "gpu")}


def test_only_the_gpu_worker_reserves_a_device(services):
    reserving = [name for name, service in services.items() if "deploy" in service]
    assert reserving == ["worker-gpu"]
    assert services["worker-gpu"]["profiles"] == ["gpu"]
    assert services["worker-cpu-training"]["profiles"] == ["cpu-training"]
    assert services["worker-gpu"]["image"] != services["worker-cpu-training"]["image"]


def test_a_worker_answers_the_ping_of_its_own_health_check(services):
    for name in ("worker", *TRAINING):
        node = re.search(r"--celery-hostname (\w+)@%h", services[name]["command"]).group(1)
        assert f'"{node}@$$HOSTNAME"' in services[name]["healthcheck"]["test"]


def test_a_worker_can_be_there_several_times_and_has_time_to_reach_a_checkpoint(services):
    for name in ("worker", *TRAINING):
        assert not services[name].keys() & {"container_name", "hostname", "ports"}, name
        assert services[name]["stop_grace_period"] == "3m"


def test_no_page_is_open_to_another_machine(services):
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_secrets_are_never_literal(services):
    secret = [(name, variable, value) for name, variable, value in environment(services) if SECRET.search(variable)]
    assert len(secret) > 10
    for name, variable, value in secret:
        assert VARIABLE.search(value), f"{name}: {variable}"


def test_what_the_example_leaves_empty_has_no_default(example):
    for name, option in VARIABLE.findall(COMPOSE):
        if not example[name] and name not in MAY_BE_EMPTY:
            assert option == ":?run make env", name


def test_every_setting_of_the_project_reaches_the_services_that_read_it(services):
    given = {name for service in services.values() for name in service.get("environment", {})}
    known = {str(field.validation_alias) for group in GROUPS for field in group.model_fields.values()}
    assert known - given == NOT_SET_HERE


def test_the_example_lists_every_variable_and_gives_no_secret_away(example):
    used = {name for name, _ in VARIABLE.findall(COMPOSE)}
    assert used | {"COMPOSE_PROFILES"} == example.keys()
    assert {name for name, value in example.items() if SECRET.search(name) and value} == {"AIRFLOW_CONN_SMTP_DEFAULT"}
    assert "password" not in example["AIRFLOW_CONN_SMTP_DEFAULT"]


def test_nothing_starts_without_secrets(example):
    with pytest.raises(KeyError, match="run make env"):
        read_services(example, set())


def test_made_secrets_are_random_fit_into_urls_and_fill_every_gap(example):
    first, second = (
        read_env(make_env.filled_in(PROJECT.joinpath(".env.example").read_text(), "abc")) for _ in range(2)
    )
    assert {name for name, value in first.items() if not value} == MAY_BE_EMPTY
    assert first["IMDB_CODE_REVISION"] == "abc"
    secrets = [made[name] for made in (first, second) for name in make_env.MAKERS]
    assert len(set(secrets)) == 2 * len(make_env.MAKERS)
    assert all(len(secret) >= 44 for secret in secrets)
    assert all(quote(first[name]) == first[name] for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD"))
    assert len(base64.urlsafe_b64decode(first["FERNET_KEY"])) == 32
    assert read_services(first, {"gpu", "cpu-training", "dev", "flower"}).keys() > {"postgres", "worker-gpu", "flower"}


def test_a_file_of_secrets_is_private_and_keeps_them(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(make_env, "PROJECT", tmp_path)
    example, made = tmp_path / ".env.example", tmp_path / ".env"
    example.write_text("POSTGRES_PASSWORD=\nIMDB_CODE_REVISION=unknown\n")
    monkeypatch.setattr(make_env, "source_revision", lambda: "old")
    make_env.main()
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    kept = read_env(made.read_text())
    made.write_text(made.read_text() + "# mine\nOWN=1")
    example.write_text("POSTGRES_PASSWORD=\nREDIS_PASSWORD=\nIMDB_CODE_REVISION=unknown\n# a word\n")
    monkeypatch.setattr(make_env, "source_revision", lambda: "new")
    make_env.main()
    assert "code revision new; added: REDIS_PASSWORD" in capsys.readouterr().out
    found = read_env(made.read_text())
    assert found == {**kept, "OWN": "1", "REDIS_PASSWORD": found["REDIS_PASSWORD"], "IMDB_CODE_REVISION": "new"}
    assert len(found["REDIS_PASSWORD"]) == 48
    assert "# mine" in made.read_text()
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    once = made.read_text()
    make_env.main()
    assert made.read_text() == once


def test_variables_are_filled_in_as_the_specification_says():
    variables = {"A": "1", "EMPTY": ""}
    raw = {"x": ["${A}-${B:-two}-${EMPTY:-three}-${B}", "$$HOME ${A:?no}"], "n": 5}
    assert filled_in(raw, variables) == {"x": ["1-two-three-", "$HOME 1"], "n": 5}
    with pytest.raises(KeyError, match="EMPTY: said so"):
        filled_in("${EMPTY:?said so}", variables)


def test_every_process_of_airflow_shares_the_same_settings(services):
    shared = {}
    for name, variable, value in environment(services):
        if variable.startswith("AIRFLOW__") and variable != "AIRFLOW__CELERY__FLOWER_BASIC_AUTH":
            shared.setdefault(variable, {})[name] = value
    airflow = {name for name, service in services.items() if service["image"].startswith("imdb-study")} - {"mail"}
    for variable, by_service in shared.items():
        assert by_service.keys() == airflow, variable
        assert len(set(by_service.values())) == 1, variable


def test_the_images_install_hashed_requirements_and_do_not_run_as_root():
    stages = PROJECT.joinpath("Dockerfile").read_text("utf8").split("FROM ")
    assert "PIP_REQUIRE_HASHES=1" in stages[1]
    images = [stage for stage in stages if re.match(r"(\w+)-packages AS \1\n", stage)]
    assert len(images) == 3
    for stage in images:
        assert re.findall(r"^USER (\w+)$", stage, re.MULTILINE) == ["airflow"]


def test_the_gpu_image_adds_to_the_same_versions():
    pins = [
        dict(re.findall(r"^([\w.-]+)==([^\s;]+)", PROJECT.joinpath(name).read_text("utf8"), re.MULTILINE))
        for name in ("requirements.txt", "requirements-gpu.txt")
    ]
    common = pins[0].keys() & pins[1].keys()
    assert "tensorflow" in common
    assert {name: pins[1][name] for name in common} == {name: pins[0][name] for name in common}
    assert any(name.startswith("nvidia-cudnn") for name in pins[1])


def test_the_celery_executor_can_be_imported(tmp_path):
    # celery 5.7 breaks it, and pip check does not notice.
    code = "from airflow.providers.celery.executors.celery_executor import CeleryExecutor"
    run = subprocess.run(
        [sys.executable, "-c", code], env={"AIRFLOW_HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
