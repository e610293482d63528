"""What CeleryExecutor, Redis and PostgreSQL cost: grids of tasks that do nothing, and two training workers against one.

    python -m bench.cluster [--sizes 18 180 1800] [--slots 2]

The services of docker-compose.yaml as processes (tests/cluster). The empty grids come from a DAG of this file's own, in
a folder of its own; ``max_map_length`` is raised for them, as Airflow stops at 1,024 and the study at 1,000 variants.
Then the study itself, six small variants, with one training worker of one slot and with two.

It needs redis-server and postgresql.
"""

import argparse
import contextlib
import dataclasses
import datetime
import shutil
import statistics
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from bench import machine
from scripts.home import MARK
from scripts.local_airflow import DAG
from scripts.make_env import filled_in
from tests.support.cluster.compose import PROJECT, read_env
from tests.support.cluster.running import Running
from tests.support.cluster.studying import wait_until
from tests.support.cluster.topology import LOG_SERVERS, NETWORK, Cluster

GRID = "empty_grid"
GRID_DAG = f"""
from airflow.sdk import dag, task

@dag(dag_id="{GRID}", schedule=None, params={{"tasks": 18}})
def grid():
    @task
    def plan(params=None):
        return list(range(params["tasks"]))

    @task(queue="gpu", pool="training")
    def train(number):
        pass

    train.expand(number=plan())

grid()
"""
STUDY = {"profile": "custom", "source": "sample", "units": [32], "epochs": 20, "notify": "never"}
WORKER = "worker-cpu-training"
PATIENCE = 3 * 3_600.0  # seconds for one run, on a slow machine


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--sizes", type=int, nargs="*", default=[18, 180, 1_800])
    reader.add_argument("--slots", type=int, default=2, help="of the training worker, for the empty grids")
    options = reader.parse_args()
    found: dict[str, Any] = {"slots": options.slots, "empty": {}, "workers": {}}
    for count in (1, 2):
        with cluster(1, workers=count) as running:
            found["workers"][count] = run_study(running, count)
    machine.write("cluster", found)
    with cluster(options.slots, with_grid=True) as running:
        for size in options.sizes:
            found["empty"][size] = run_empty(running, size, options.slots)
            machine.write("cluster", found)  # after each: the last takes half an hour


@contextlib.contextmanager
def cluster(slots: int, *, workers: int = 1, with_grid: bool = False) -> Iterator[Cluster]:
    """Give the services, with as many training workers of ``slots`` slots each. After an error their logs stay."""
    home = Path(tempfile.mkdtemp(prefix="imdb-bench-"))
    home.chmod(0o755)
    changes = {"AIRFLOW__CORE__MAX_MAP_LENGTH": "4096"}
    if with_grid:
        home.joinpath("dags").mkdir()
        home.joinpath("dags", "grid.py").write_text(GRID_DAG, "utf8")
        changes["AIRFLOW__CORE__DAGS_FOLDER"] = str(home / "dags")
    variables = read_env(filled_in(PROJECT.joinpath(".env.example").read_text("utf8"), "bench"))
    variables |= {"USE_SCHEDULE": "false", "TRAINING_SLOTS": str(slots * workers), "TRAINING_CONCURRENCY": str(slots)}
    with Cluster(home, variables, {"cpu-training"}, changes) as running:
        for number in range(2, workers + 1):
            add_worker(running, number)
        yield running
    shutil.rmtree(home)


def add_worker(running: Cluster, number: int) -> None:
    """Start another training worker, under a name of its own as containers have."""
    first = running.running[WORKER]
    command = tuple(word.replace("training@", f"training{number}@") for word in first.service.command)
    service = dataclasses.replace(first.service, name=f"{WORKER}-{number}", command=command)
    environment = {
        **first.environment,
        MARK: f"{running.home}/{service.name}",
        "SERVICE_ADDRESS": f"{NETWORK}.{100 + number}",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(LOG_SERVERS + 100 + number),
    }
    running.running[service.name] = Running(service, environment, first.components.logs, lambda: list(command))
    running.running[service.name].start()
    wait_until(lambda: "ready." in running.running[service.name].output, f"{service.name} is ready")


def run_empty(running: Cluster, size: int, slots: int) -> dict[str, Any]:
    """Run a grid of tasks that do nothing; return what it took, in seconds and megabytes."""
    before = database_bytes(running)
    with Memory(running) as memory:
        tasks = run(running, GRID, {"tasks": size})
    planned = max(when(task["end_date"]) for task in tasks if task["task_id"] == "plan")
    trained = [task for task in tasks if task["task_id"] == "train"]
    return {
        "seconds": max(when(task["end_date"]) for task in trained) - planned,
        "first_start_seconds": min(when(task["start_date"]) for task in trained) - planned,
        "waits": waits(trained, slots),
        "database_kb_per_task": (database_bytes(running) - before) / len(tasks) / 1e3,
        "peak_mb": memory.peak_mb,
    }


def waits(tasks: list[dict[str, Any]], slots: int) -> dict[str, dict[str, float]]:
    """Return median and 95th percentile of what a slot goes through for each task, in seconds.

    ``scheduler``: from the end that frees the slot until the next task is queued; the task that is queued as the
    (slots + n)th has the slot of the nth that ends. ``delivery``: from there, through Redis and the worker, to the
    task's start. ``task``: from the start to the end.
    """
    queued = sorted(when(task["queued_when"]) for task in tasks)[slots:]
    ended = sorted(when(task["end_date"]) for task in tasks)
    parts = {
        "scheduler": [later - sooner for sooner, later in zip(ended, queued, strict=False)],
        "delivery": [when(task["start_date"]) - when(task["queued_when"]) for task in tasks],
        "task": [when(task["end_date"]) - when(task["start_date"]) for task in tasks],
    }
    return {
        name: {"median": statistics.median(spans), "p95": statistics.quantiles(spans, n=20)[-1]}
        for name, spans in parts.items()
    }


def run_study(running: Cluster, workers: int) -> dict[str, float]:
    """Run the study with six small variants; return the seconds from the first start of a training to the last end."""
    spans = [task for task in run(running, DAG, STUDY) if task["task_id"] == "train"]
    hosts = {task["hostname"] for task in spans}
    if len(hosts) != workers:
        raise RuntimeError(f"expected trainings on {workers} workers, found them on {sorted(hosts)}")
    whole = max(when(task["end_date"]) for task in spans) - min(when(task["start_date"]) for task in spans)
    return {"seconds": whole, "variants": len(spans)}


def run(running: Cluster, dag: str, conf: dict[str, Any]) -> list[dict[str, Any]]:
    """Run a DAG to its end; return its task instances."""
    wait_until(lambda: running.api.parsed_at(dag), f"{dag} is known")
    running.api.unpause(dag)
    name = running.api.trigger(dag, conf)
    state = wait_until(lambda: running.api.end(dag, name), f"{dag} ends", PATIENCE, pause=1)
    if state != "success":
        raise RuntimeError(f"{dag} ended as {state}; see {running.home}")
    return running.api.tasks(dag, name)


def when(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def database_bytes(running: Cluster) -> int:
    """Return the size of Airflow's database."""
    import psycopg2

    service = running.running["postgres"].service
    connection = psycopg2.connect(
        host=running.addresses["postgres"],
        dbname=service.environment["POSTGRES_DB"],
        user=service.environment["POSTGRES_USER"],
        password=service.environment["POSTGRES_PASSWORD"],
    )
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


class Memory:
    """The most that each service had, in megabytes, while the ``with`` block ran; shared pages count in parts."""

    def __init__(self, running: Cluster) -> None:
        self.peak_mb: dict[str, float] = {}
        self._running = running
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(3):
            for name, service in self._running.running.items():
                now = sum(map(_pss, _with_children(service.components.alive()))) / 1e6
                self.peak_mb[name] = max(self.peak_mb.get(name, 0), now)


def _with_children(pids: list[int]) -> set[int]:
    """Add the processes that have left their session and show another environment, as PostgreSQL's do."""
    found = set(pids)
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            found.update(child.pid for child in psutil.Process(pid).children(recursive=True))
    return found


def _pss(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_full_info().pss)
    except psutil.Error:
        return 0


if __name__ == "__main__":
    main()
