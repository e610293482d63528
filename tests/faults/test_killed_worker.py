"""A worker that is killed every few seconds of work, as one that is killed every ten minutes for two days."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imdb_tasks.store import Entry, Store, list_entries, verify_store
from imdb_tasks.study import Study, TrainingRecord, TrainingSettings
from tests.support.killed_worker import with_seed
from tests.support.stepping import reached

# The script does any number of kills: `python -m tests.support.killed_worker STUDY-JSON STORE KILLS`.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_800)]

ROOT = Path(__file__).parents[2]
KILLS = 15


def killed(study: Study, root: Path, kills: int) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.support.killed_worker", study.model_dump_json(), str(root), str(kills)]
    environment = {**os.environ, "BROWSER_PATH": "/no-such-browser"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3_000:]
    told: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return told


def computed(entry: Entry, kind: str) -> dict[str, object]:
    """Return what an entry holds, without how long it took and which process made it."""
    if kind == "models":
        import keras

        record = TrainingRecord.model_validate_json(entry.file("record.json").read_bytes())
        model = keras.saving.load_model(entry.file("model.keras"), safe_mode=True)
        weights = [array.tobytes() for array in model.get_weights()]
        return {"weights": weights, "history": record.history.model_dump(exclude={"seconds", "samples_per_second"})}
    wanted = {"sources": "*", "texts": "*.parquet", "arrays": "*", "predictions": "probabilities.npy"}[kind]
    files = [path for path in entry.path.rglob(wanted) if path.is_file() and path.name != "manifest.json"]
    return {path.name: path.read_bytes() for path in files}


def test_the_study_is_complete_and_equal_to_the_bit_however_often_its_worker_was_killed(
    tiny_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER_PATH", "/no-such-browser")
    study = tiny_study.model_copy(update={"training": TrainingSettings(epochs=30, learning_rate=0.01)})
    told = killed(study, tmp_path / "killed", KILLS)
    assert told["killed"] == KILLS
    assert told["at_work"] > 0
    for number in range(told["studies"]):
        reached(with_seed(study, study.training.seed + number), Store(tmp_path / "undisturbed"))

    one, other = Store(tmp_path / "killed"), Store(tmp_path / "undisturbed")
    names = {entry.name for entry in list_entries(other)}
    # A report names the one before it, which for a killed run may be another one.
    bits = sorted(name for name in names if name.split("/")[0] not in ("evaluations", "analyses", "reports"))
    assert len(bits) == 4 + 4 * told["studies"]
    for name in bits:
        kind, key = name.split("/")
        assert computed(one.need(kind, key, step=kind), kind) == computed(other.need(kind, key, step=kind), kind), name
    assert {name for name in names if name.startswith("evaluations/")} <= {entry.name for entry in list_entries(one)}
    assert verify_store(one)[1] == []
    left = [
        path for name in ("locks", "work", "checkpoints", "aside") for path in (tmp_path / "killed" / name).rglob("*")
    ]
    # What was killed while it wrote one small file: prune deletes it after an hour.
    assert [path for path in left if path.is_file() and not path.name.startswith(".")] == []
