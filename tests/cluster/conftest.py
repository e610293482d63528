"""One cluster for all tests of this folder, and the study that they run on it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.make_env import filled_in
from tests.support.cluster.compose import PROJECT, read_env
from tests.support.cluster.studying import Study
from tests.support.cluster.topology import Cluster

# A worker that is gone is noticed after seconds, not minutes; a failed try is followed by the next one at once.
IMPATIENT = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
    # Else a task may rest for longer than that after an outage of the database, and is taken for lost.
    "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "2",
    "IMDB_RETRY_DELAY": "1",
}


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    variables = read_env(filled_in(PROJECT.joinpath(".env.example").read_text("utf8"), "test"))
    variables["USE_SCHEDULE"] = "false"
    home = Path(tempfile.mkdtemp(prefix="imdb-cluster-"))
    home.chmod(0o755)  # PostgreSQL's user looks below it
    try:
        with Cluster(home, variables, {"cpu-training", "dev"}, IMPATIENT) as cluster:
            yield cluster
    finally:
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def study(cluster: Cluster) -> Study:
    """The study, run once with nothing in its way."""
    study = Study(cluster)
    study.run()
    return study
