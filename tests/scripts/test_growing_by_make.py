"""A study that grows by `make study`, called again and again: run_study on a real Airflow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.files import PROJECT

pytestmark = pytest.mark.slow  # three starts of an Airflow

PARAMS = {"cells": ["GRU"], "units": [4, 5], "batch_sizes": [64], "epochs": 1, "max_tokens": 12}
GROWING = {"replicates": "until decided", "max_replicates": 2}


def study(home: Path) -> str:
    """Run it as make does, and return what it says."""
    command = [sys.executable, "-m", "scripts.run_study", "--profile", "custom", "--source", "sample", "--assert"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("IMDB_", "AIRFLOW"))}
    done = subprocess.run(
        [*command, "--params", json.dumps({**PARAMS, **GROWING})],
        cwd=PROJECT,
        env={**clean, "IMDB_AIRFLOW_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5_000:] + done.stderr[-5_000:]
    return done.stdout


def test_each_call_adds_a_replicate_and_the_last_one_trains_nothing(tmp_path: Path) -> None:
    said = [study(tmp_path / "airflow") for _ in range(3)]
    for text, variants in zip(said, (2, 4, 4), strict=True):
        assert f"of at most 2 replicates; {variants} variants, 1 epoch each" in text
    models = list((tmp_path / "airflow" / "store" / "models").iterdir())
    assert len(models) == 4
