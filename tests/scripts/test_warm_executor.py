import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import home

# As a task is made: the scheduler imports, a worker is forked from it, and the task from the worker.
TRAINED = """
import gc, json, os, sys
from imdb_tasks.training import load_keras
def forked(work):
    child = os.fork()
    if child:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    else:
        work(); sys.stdout.flush(); os._exit(0)
def train():
    import numpy as np
    from imdb_tasks.corpus import Arrays
    from imdb_tasks.study import TrainingSettings, Variant
    from imdb_tasks.training import train
    draw = np.random.default_rng(0)
    ids = draw.integers(1, 20, (300, 12)).astype(np.int32)
    labels = (ids.sum(axis=1) % 2).astype(np.int8)
    matrix = draw.normal(size=(20, 100)).astype(np.float32)
    arrays = Arrays(ids, ids[:50], labels, labels[:50], matrix)
    trained = train(Variant(cell="LSTM", units=8, batch_size=32), TrainingSettings(epochs=2), arrays, lambda _: None)
    said = trained.evaluate(ids[:50], labels[:50])
    print(json.dumps([trained.record.history.loss, trained.record.history.val_loss, said.probabilities.tolist()]))
if sys.argv[1] == "warm":
    load_keras()
    gc.freeze()
    forked(lambda: forked(train))
else:
    train()
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_training_in_a_process_that_found_keras_imported_gives_the_same_numbers(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", backend)
    warm, cold = (_trained(how) for how in ("warm", "cold"))
    assert warm == cold
    assert all(loss is not None for loss in warm[0])


def _trained(how: str) -> list[list[float]]:
    done = subprocess.run([sys.executable, "-c", TRAINED, how], capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout.splitlines()[-1]))


def test_importing_keras_starts_no_thread_of_its_own() -> None:
    script = (
        "import json, os, pathlib; from imdb_tasks.training import load_keras; load_keras();"
        "print(json.dumps([(task / 'comm').read_text().strip() for task in pathlib.Path('/proc/self/task').iterdir()]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    first, *others = json.loads(done.stdout)
    assert first.startswith("python")
    assert set(others) <= {"jemalloc_bg_thd"}  # Arrow's, for its memory; a child does without it


def test_tasks_are_warm_unless_a_gpu_is_there_and_as_the_setting_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = tmp_path / "nvidiactl"
    monkeypatch.setattr(home, "_GPU_DRIVER", driver)
    assert home.warm_tasks()
    driver.touch()
    assert not home.warm_tasks()
    monkeypatch.setenv("IMDB_WARM_TASKS", "true")
    assert home.warm_tasks()
    driver.unlink()
    monkeypatch.setenv("IMDB_WARM_TASKS", "false")
    assert not home.warm_tasks()
