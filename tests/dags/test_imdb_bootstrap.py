"""The pool is made, and what a scheduled run would fail for is said, on a real Airflow database."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.airflow_home import ROOT, airflow, airflow_environment

pytestmark = pytest.mark.slow  # each test starts the airflow command


@pytest.fixture
def stranger(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The migrated Airflow, for somebody without Kaggle credentials of their own."""
    return {**environment, "HOME": str(tmp_path)}


def bootstrap(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "dags" / "imdb_bootstrap.py"), *arguments]
    packages = {"PYTHONPATH": os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")])}
    return subprocess.run(command, env={**environment, **packages}, capture_output=True, text=True, check=False)


def test_the_pool_is_made_and_resized_and_a_connection_in_the_database_counts(stranger: dict[str, str]) -> None:
    done = bootstrap(stranger, "5")
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()[-1]
    assert "The pool 'training' has 5 slots." in done.stdout.splitlines()
    assert told.startswith("imdb_study: a scheduled run would fail at `plan`: the data comes from Kaggle")
    assert "'kaggle_default'" in told

    token = ("--conn-type", "generic", "--conn-password", "an-api-token")
    added = airflow(stranger, "connections", "add", "kaggle_default", *token)
    assert added.returncode == 0, added.stdout
    try:
        done = bootstrap(stranger, "2")
    finally:
        airflow(stranger, "connections", "delete", "kaggle_default")
    assert done.returncode == 0, done.stderr
    assert "The pool 'training' has 2 slots." in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == "imdb_study: a scheduled run has what it needs."
    assert "training" in airflow(stranger, "pools", "get", "training", "--output", "plain").stdout


def test_without_a_database_the_message_of_airflow_is_kept(tmp_path: Path) -> None:
    done = bootstrap(airflow_environment(tmp_path), "2")
    assert done.returncode == 1
    assert "airflow db migrate" in done.stdout + done.stderr
    assert done.stderr.splitlines()[-1].startswith("The pool 'training' was not made")
