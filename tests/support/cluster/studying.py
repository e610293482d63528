"""A small study on the cluster, through Airflow's REST interface: to start it, to watch it, to run it anew."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from imdb_tasks.pipeline import Steps
from imdb_tasks.store import Store, locks
from imdb_tasks.store.names import lock_name
from imdb_tasks.study import TrainingRecord, read_form
from scripts.local_airflow import DAG
from tests.support.cluster.topology import Cluster

EPOCHS = 60
FORM = {
    "profile": "custom",
    "source": "sample",
    "cells": ["GRU", "LSTM"],
    "units": [16],
    "batch_sizes": [32],
    "epochs": EPOCHS,
    "learning_rate": 0.0001,
    "recipients": ["team@example.org"],
}
PATIENCE = 600.0  # seconds, on a slow and busy machine


class Study:
    """The same study again and again; ``steps`` reads what it left in the store."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.steps = Steps(read_form(FORM)[0], Store(cluster.home / "store"))
        self.trained: dict[str, dict[str, Any]] = {}
        self.id = ""

    def run(self) -> None:
        """Run it to its end; keep the histories, which every later run must reach too."""
        api = self.cluster.api
        wait_until(lambda: api.parsed_at(DAG), "the DAG is known")
        api.unpause(DAG)
        self.start()
        self.finish()
        self.trained = self.histories()

    def start(self) -> None:
        """Start a run."""
        self.id = self.cluster.api.trigger(DAG, FORM)

    def start_anew(self) -> None:
        """Start a run that has to train everything again."""
        for variant in self.steps.study.variants:
            self.steps.store.remove("models", self.steps.keys.model(variant))
        for name in list(self.steps.store.ref_times("progress")):
            self.steps.store.remove_ref(f"progress/{name}")
        self.start()

    def finish(self) -> None:
        """Wait for the end of the run, which must be a good one."""
        state = wait_until(lambda: self.cluster.api.end(DAG, self.id), "the run ends")
        assert state == "success", [(task["task_id"], task["state"]) for task in self.tasks()]

    def tasks(self, name: str | None = None) -> list[dict[str, Any]]:
        """Return the task instances of the run, of one step or of all."""
        return [task for task in self.cluster.api.tasks(DAG, self.id) if name in (None, task["task_id"])]

    def histories(self) -> dict[str, dict[str, Any]]:
        """Return what every variant's training measured, apart from time."""
        found = {}
        for variant in self.steps.study.variants:
            model = self.steps.store.need("models", self.steps.keys.model(variant), step="train")
            record = TrainingRecord.model_validate_json(model.file("record.json").read_bytes())
            found[variant.name] = record.history.model_dump(exclude={"seconds", "samples_per_second"})
        return found

    def wait_for_epoch(self, epoch: int) -> None:
        """Wait until every training of the run is that far."""

        def far() -> bool:
            shown = [ref for ref in self.steps.store.refs("progress").values() if ref["run_id"] == self.id]
            return len(shown) == len(self.steps.study.variants) and all(ref["epoch"] >= epoch for ref in shown)

        wait_until(far, f"epoch {epoch} is reached")

    def process(self) -> psutil.Process:
        """Return the process that trains the first variant: it holds the lock."""
        key = self.steps.keys.model(self.steps.study.variants[0])
        [claim] = locks.owners(self.steps.store.files, lock_name("models", key)).values()
        return psutil.Process(claim.pid)

    def epochs_trained(self, attempt: str = "attempt") -> int:
        """Return how many epochs the logs of all tries, or of one, tell of, over all variants."""
        logs = "".join(path.read_text("utf8") for path in self.logs("train") if path.name.startswith(attempt))
        return len(re.findall(rf"epoch \d+/{EPOCHS} ", logs))

    def logs(self, name: str = "*") -> list[Path]:
        """Return the logs of all tries of a step of the run, or of all."""
        folder = self.cluster.home / "airflow" / "logs"
        return sorted(folder.glob(f"dag_id={DAG}/run_id={self.id}/task_id={name}/**/*.log"))


def wait_until(condition: Callable[[], Any], what: str, retries: float = PATIENCE, *, pause: float = 0.2) -> Any:
    """Return what ``condition`` returns as soon as that is true; it is looked at every ``pause`` seconds."""
    deadline = time.monotonic() + retries
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {retries:.0f} s in vain until {what}")
        time.sleep(pause)
    return found
