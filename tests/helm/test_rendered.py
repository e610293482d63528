"""The Kubernetes objects that Airflow's official chart makes of deploy/helm: rendered by helm, not run.

They need helm and the chart: `make test-helm`.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.helm import CELERY, KUBERNETES, PROJECT, leaves, pods, rendered, template, values

BOTH = pytest.mark.parametrize("files", [CELERY, KUBERNETES], ids=["celery", "kubernetes"])
DOCKERFILE = PROJECT.joinpath("Dockerfile").read_text("utf8")
OPERATIONS = PROJECT.joinpath("docs", "operations.md").read_text("utf8")
# The chart only compares the version with older ones, and has the password in a note that Helm prints. Not every
# release of it has a log groomer beside workers without a volume of their own.
MAY_CHANGE_NOTHING = {
    "airflowVersion",
    "createUserJob.defaultUser.password",
    "workers.celery.logGroomerSidecar.enabled",
}


def containers(files: tuple[Path, ...]) -> list[dict[str, Any]]:
    return [
        container
        for pod in pods(rendered(files)).values()
        for container in [*(pod.get("initContainers") or ()), *pod["containers"]]
        if not container["image"].startswith("redis:")
    ]


@BOTH
def test_every_value_of_a_file_is_read_by_a_template(files: tuple[Path, ...], tmp_path: Path) -> None:
    """A key that no template reads would be taken in silence: the chart's schema allows it."""
    ours = values(files)
    before, unread = template(f"--values={_written(tmp_path, ours)}"), []
    for path, value in leaves(values(files[-1:])):
        changed = json.loads(json.dumps(ours))
        inner = changed
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = _another(value)
        try:
            same = template(f"--values={_written(tmp_path, changed)}", "--skip-schema-validation") == before
        except RuntimeError:  # a template cannot do with the other value: it has read it
            same = False
        if same:
            unread.append(".".join(path))
    assert set(unread) <= MAY_CHANGE_NOTHING


@BOTH
def test_only_training_asks_for_a_card_and_is_placed_where_there_is_one(files: tuple[Path, ...]) -> None:
    found = pods(rendered(files))
    trains = "task" if files == KUBERNETES else "imdb-worker-gpu"
    asking = {name for name, pod in found.items() if "nvidia.com/gpu" in json.dumps(pod)}
    assert asking == {trains}
    pod = found[trains]
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert pod["containers"][0]["image"].startswith("registry.example.org/imdb-study-gpu:")
    assert pod["terminationGracePeriodSeconds"] == 180


@BOTH
def test_what_the_pods_call_is_in_the_image(files: tuple[Path, ...]) -> None:
    called = set()
    for container in containers(files):
        probes = [container[kind] for kind in ("startupProbe", "livenessProbe", "readinessProbe") if kind in container]
        commands = [container.get("command") or [], container.get("args") or []]
        commands += [probe["exec"]["command"] for probe in probes if "exec" in probe]
        called |= set(re.findall(r"(?<![\w./-])/[\w./-]+", " ".join(word for command in commands for word in command)))
    assert {"/entrypoint", "/opt/airflow/logs", "/opt/imdb-study/dags/imdb_bootstrap.py"} == called
    assert "> /entrypoint" in DOCKERFILE
    assert PROJECT.joinpath("dags/imdb_bootstrap.py").exists()


@BOTH
def test_every_secret_that_the_pods_read_is_described(files: tuple[Path, ...]) -> None:
    read = set()
    for container in containers(files):
        for variable in container.get("env", ()):
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                read.add((reference["name"], reference["key"]))
        read |= {(source["secretRef"]["name"], "") for source in container.get("envFrom") or ()}
    assert len(read) == 7
    for name, key in read:
        assert re.search(rf"`{name}`.*`{key}`" if key else rf"`{name}`", OPERATIONS), (name, key)


@BOTH
def test_no_password_of_the_chart_is_left(files: tuple[Path, ...]) -> None:
    objects = rendered(files)
    assert [each["metadata"]["name"] for each in objects if each["kind"] == "Secret"] == []
    assert "password: admin" not in json.dumps(objects)


@BOTH
def test_no_pod_runs_as_root_or_may_become_it(files: tuple[Path, ...]) -> None:
    for name, pod in pods(rendered(files)).items():
        assert pod["securityContext"]["runAsUser"] != 0, name
    for container in containers(files):
        assert container["securityContext"]["allowPrivilegeEscalation"] is False, container["name"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, container["name"]


def _another(value: Any) -> Any:
    """Return another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return f"{value}0" if value[-1:].isdecimal() else f"{value}x"
    return value[:-1] or [{"name": "another"}]


def _written(folder: Path, found: dict[str, Any]) -> Path:
    file = folder / "values.json"  # JSON is YAML
    file.write_text(json.dumps(found), "utf8")
    return file
