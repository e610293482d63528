"""`make study` interrupted with Ctrl-C during its run, and given again until it ends well."""

import collections
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from imdb_tasks.store import Store, verify_store
from scripts.home import MARK
from tests.support.airflow_home import ROOT

# Three starts of an Airflow.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_800)]

EPOCHS = 8
FORM = {"cells": ["GRU"], "units": [32], "batch_sizes": [128], "epochs": EPOCHS}


def is_training(store: Store) -> bool:
    """Tell whether an epoch is finished, and others are not."""
    return any(progress["status"] == "training" for progress in store.refs("progress").values())


def is_evaluating(store: Store) -> bool:
    return any(name.startswith(("predictions-", "evaluations-")) for name in store.files.names("locks"))


def run(home: Path, moment: Callable[[Store], bool] | None = None) -> tuple[int, str]:
    """Run the study; press Ctrl-C at the moment. Return the exit status and the output."""
    command = [sys.executable, "-m", "scripts.run_study", "--profile", "custom", "--source", "sample"]
    environment = {**os.environ, "IMDB_AIRFLOW_HOME": str(home), "BROWSER_PATH": "/no-such-browser"}
    with home.with_suffix(".log").open("w+") as out:
        process = subprocess.Popen(
            [*command, "--params", json.dumps(FORM)],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        while moment and not moment(Store(home / "store")):
            assert process.poll() is None, home.with_suffix(".log").read_text()
            time.sleep(0.02)
        if moment:
            os.killpg(process.pid, signal.SIGINT)
        status = process.wait()
    return status, home.with_suffix(".log").read_text()


def left_running(home: Path) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(home):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def test_a_run_that_is_interrupted_goes_on_where_it_was_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("IMDB_STORE", "IMDB_RECIPIENTS"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    for moment in (is_training, is_evaluating):
        status, said = run(home, moment)
        assert status == 128 + signal.SIGINT, said
        assert "Interrupted: finished epochs are kept, and the same command goes on from there" in said
        assert left_running(home) == []
    status, said = run(home)
    assert status == 0, said
    assert said.rstrip().endswith("Stopping Airflow")
    assert left_running(home) == []

    logs = "\n".join(path.read_text() for path in home.joinpath("logs").glob("dag_id=*/**/*.log"))
    epochs = collections.Counter(re.findall(rf"epoch (\d+)/{EPOCHS} ", logs))
    assert epochs.total() <= EPOCHS + 1  # the one that was interrupted before its checkpoint
    [progress] = Store(home / "store").refs("progress").values()
    assert (progress["epoch"], progress["status"]) == (EPOCHS, "finished")
    assert logs.count("data card:") == 1
    assert verify_store(Store(home / "store"))[1] == []
    for folder in ("locks", "work", "checkpoints", "aside"):
        assert [path for path in home.joinpath("store", folder).rglob("*") if path.is_file()] == []
    assert [path for path in home.joinpath("mail").iterdir() if path.suffix != ".eml"] == []
