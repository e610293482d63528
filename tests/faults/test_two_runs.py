"""Two runs of one study at once, on one empty store."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from imdb_tasks.study import Study

pytestmark = pytest.mark.slow  # two whole runs

ROOT = Path(__file__).parents[2]


def test_each_thing_is_computed_once_and_both_end_well(tiny_study: Study, tmp_path: Path) -> None:
    folder = tiny_study.reviews.model_dump()["path"]
    fields = {"profile": "custom", "source": "folder", "folder": folder, "units": [4], "batch_sizes": [16]}
    fields |= {"epochs": 2, "max_tokens": 12}
    command = [sys.executable, "-m", "imdb_tasks", "study", "--store", str(tmp_path / "store")]
    command += [word for name, value in fields.items() for word in ("--set", f"{name}={json.dumps(value)}")]
    runs = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    logs = [run.communicate(timeout=500)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], logs[0] + logs[1]
    together = "".join(logs)
    assert {name: together.count(f"training {name} on") for name in ("4_GRU_16", "4_LSTM_16")} == {
        "4_GRU_16": 1,
        "4_LSTM_16": 1,
    }
    assert together.count("epoch 2/2") == 2
    assert together.count("data card:") == 1
    for kind, count in {"sources": 2, "arrays": 1, "models": 2, "predictions": 2, "reports": 1}.items():
        assert len(list(tmp_path.joinpath("store", kind).iterdir())) == count
    assert not tmp_path.joinpath("store", "aside").exists()
    assert list(tmp_path.joinpath("store", "locks").iterdir()) == []
