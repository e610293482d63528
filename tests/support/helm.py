"""The values for Airflow's Helm chart in deploy/helm as data, and what the chart makes of them."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / "deploy" / "helm"
CELERY = (FOLDER / "values.yaml",)
KUBERNETES = (*CELERY, FOLDER / "values-kubernetes-executor.yaml")


def values(files: tuple[Path, ...]) -> dict[str, Any]:
    """Return the values of several files, each over those before it, as Helm merges them."""
    merged: dict[str, Any] = {}
    for file in files:
        merged = _over(yaml.safe_load(file.read_text("utf8")), merged)
    return merged


def leaves(value: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every value that is no mapping, with the keys that lead to it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, *path, key)
    else:
        yield path, value


def template(*options: str) -> str:
    """Return what the chart in ``AIRFLOW_CHART`` makes, as text.

    Raises:
        RuntimeError: there is no helm or no chart, or the chart refuses the values.

    """
    helm, chart = shutil.which("helm"), os.environ.get("AIRFLOW_CHART")
    if not helm or not chart:
        raise RuntimeError(
            f"expected helm on the path, found {helm}; expected the folder of Airflow's chart in AIRFLOW_CHART, found"
            f" {chart}; get it: helm pull apache-airflow/airflow --version 1.22.0 --untar"
        )
    command = [helm, "template", "imdb", chart, "--namespace", "imdb", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


@cache
def rendered(files: tuple[Path, ...]) -> tuple[dict[str, Any], ...]:
    """Return the Kubernetes objects of several files of values."""
    text = template(*(f"--values={file}" for file in files))
    return tuple(found for found in yaml.safe_load_all(text) if found)


def pods(objects: tuple[dict[str, Any], ...]) -> dict[str, dict[str, Any]]:
    """Return the specification of every pod by the name of what makes it; that of the pod template under ``task``."""
    found = {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in objects if _makes_pods(each)}
    for each in objects:
        if each["kind"] == "ConfigMap" and "pod_template_file.yaml" in each["data"]:
            found["task"] = yaml.safe_load(each["data"]["pod_template_file.yaml"])["spec"]
    return found


def _makes_pods(each: Mapping[str, Any]) -> bool:
    return each["kind"] in ("Deployment", "StatefulSet", "Job")


def _over(upper: Any, lower: Any) -> Any:
    if not isinstance(upper, Mapping) or not isinstance(lower, Mapping):
        return upper
    return {**lower, **{key: _over(value, lower.get(key)) for key, value in upper.items()}}
