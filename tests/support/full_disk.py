"""What happens on a disk that fills up: a program of its own, because it needs a small file system to itself.

    python -m tests.support.full_disk FOLDER CASE ARGUMENT

FOLDER is where a tmpfs of a few MB was mounted. Each case runs into the full disk, checks what is left, frees the space
and goes on to success.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from imdb_tasks.errors import DiskFullError
from imdb_tasks.pipeline import Steps
from imdb_tasks.sources import fetching
from imdb_tasks.store import Store
from imdb_tasks.study import ArchiveSource, History, Study
from imdb_tasks.training import Checkpoint, Checkpoints
from scripts import local_airflow
from scripts.components import ComponentError
from scripts.home import Home


def fill(folder: Path, *, leave: int = 0) -> Path:
    """Write a file until the disk is full, but for so many bytes."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(4_096))
        except OSError:
            out.truncate(out.tell() // 4_096 * 4_096 - leave)
    return filler


def refused(action: Callable[[], object]) -> str:
    try:
        action()
    except DiskFullError as error:
        return str(error)
    raise AssertionError("the disk was not full")


def files(store: Store) -> set[str]:
    root = Path(store.where)
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    # Which run used what is noted before the work; the rest is what the work left behind.
    return {name for name in found if not name.startswith(("locks/", "refs/used/"))}


def airflow(folder: Path, _: str) -> None:
    """Start a local Airflow where it has too little room, and let it lose the rest of it later."""
    environment = {**os.environ, "IMDB_AIRFLOW_HOME": str(folder / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "scripts.local_airflow"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stdout + done.stderr
    [line] = done.stderr.splitlines()
    assert "the disk is full: expected 100 MB or more for Airflow's database and logs, found " in line, line

    home = Home(folder / "home")

    def end() -> None:
        with local_airflow.telling_of_a_full_disk(home):
            raise ComponentError("scheduler ended with code 1")

    filler = fill(folder, leave=100_000)
    assert "Free some space and give the same command again" in refused(end)
    filler.unlink()
    with pytest.raises(ComponentError, match="scheduler ended"):  # with space on the disk it is passed on
        end()


def checkpoint(folder: Path, _: str) -> None:
    store = Store(folder / "store")
    with store.exclusive("models", "m") as hold:
        checkpoints = Checkpoints(store, "m", hold)
        checkpoints.save(Checkpoint(History(), 1.0, [np.zeros(10, np.float32)], []))
        before = files(store)
        filler = fill(folder, leave=100_000)
        larger = Checkpoint(History(), 2.0, [np.zeros(100_000, np.float32)], [])
        message = refused(lambda: checkpoints.save(larger))
        assert "checkpoints/m.npz: the disk is full" in message, message
        assert files(store) == before
        found = checkpoints.load()
        assert found is not None
        assert found.wall_seconds == 1.0
        filler.unlink()
        checkpoints.save(larger)
        found = checkpoints.load()
        assert found is not None
        assert found.wall_seconds == 2.0


def arrays(folder: Path, study: str) -> None:
    steps = Steps(Study.model_validate_json(study), Store(folder / "store"))
    steps.fetch_reviews()
    steps.fetch_glove()
    before = files(steps.store)
    filler = fill(folder, leave=16_000)  # enough for a lock, not for the arrays
    message = refused(steps.prepare)
    assert "the disk is full" in message, message
    assert files(steps.store) == before
    filler.unlink()
    assert steps.prepare().file("x_train.npy").exists()


def download(folder: Path, url: str) -> None:
    store = Store(folder / "store")
    store.work_folder()
    before = files(store)
    filler = fill(folder, leave=300_000)
    message = refused(lambda: fetching.fetch(ArchiveSource(url=url), fetching.REVIEWS, store))
    assert "the disk is full" in message, message
    assert files(store) == before
    filler.unlink()
    assert fetching.fetch(ArchiveSource(url=url), fetching.REVIEWS, store).file("IMDB Dataset.csv").exists()


CASES = {"airflow": airflow, "checkpoint": checkpoint, "arrays": arrays, "download": download}

if __name__ == "__main__":
    CASES[sys.argv[2]](Path(sys.argv[1]), sys.argv[3])
