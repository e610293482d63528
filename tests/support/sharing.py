"""What is made once for all processes of a test run (pytest-xdist starts several)."""

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

ALONE = "master"  # pytest-xdist's name for the only process of a run that it does not distribute


def folder_of_all(factory: pytest.TempPathFactory, worker: str) -> Path:
    """Return the temporary folder that every process of this test run sees under the same path."""
    own = factory.getbasetemp()
    return own if worker == ALONE else own.parent


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Return ``folder``. The process that asks first makes it, the others wait; it is there whole or not at all."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            draft = folder.with_suffix(".draft")
            shutil.rmtree(draft, ignore_errors=True)  # of a process that failed
            draft.mkdir()
            make(draft)
            draft.rename(folder)
    return folder
