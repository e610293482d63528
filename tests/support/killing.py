"""A training process that kills itself with SIGKILL, at a moment that its command line names.

    python -m tests.support.killing STUDY-JSON STORE VARIANT MOMENT TIMES

SIGKILL cannot be caught: what is on the disk afterwards is what a machine that dies would leave. TIMES counts from 1:
the kill comes when the moment comes for that time.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from imdb_tasks.pipeline import Steps
from imdb_tasks.store import Store, claims, locks
from imdb_tasks.study import Study
from imdb_tasks.training import process

NEVER, SLOWLY, SLOWLY_ELSEWHERE = "never", "slowly", "slowly, on a machine of its own"


def main() -> None:
    study, root, variant, moment, times = sys.argv[1:]
    steps = Steps(Study.model_validate_json(study), Store(root))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    locks.BEAT, locks.STALE, locks.PAUSE = 0.2, 2.0, 0.2  # seconds
    process.load_keras()
    MOMENTS[moment](int(times))
    steps.train(steps.variant(variant))


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def in_the_middle_of_an_epoch(times: int) -> None:
    from imdb_tasks.training.engine import Engine

    original = Engine.train
    calls = iter(range(1, 1_000))

    def train(self: Any, *arguments: Any) -> Any:
        if next(calls) == times:
            threading.Timer(0.01, kill).start()
            while True:
                original(self, self.start(), arguments[1])
        return original(self, *arguments)

    Engine.train = train


def slowly(times: int) -> None:
    """Not killed at all: each epoch takes some seconds longer, so that others can come in between."""
    from imdb_tasks.training.engine import Engine

    original = Engine.train

    def train(self: Any, *arguments: Any) -> Any:
        time.sleep(5)
        return original(self, *arguments)

    Engine.train = train


def slowly_elsewhere(times: int) -> None:
    """As a process that cannot be seen from this machine; only its beat tells that it lives."""
    claims.machine = lambda: "another machine"
    slowly(times)


def around_a_call(
    owner: Any, name: str, concerns: Callable[..., bool], *, after: bool = False
) -> Callable[[int], None]:
    """Return a way to be killed before, or after, a call of a function that ``concerns`` what is meant."""

    def arrange(times: int) -> None:
        original = getattr(owner, name)
        calls = iter(range(1, 1_000))

        def patched(*arguments: Any, **more: Any) -> Any:
            meant = concerns(*arguments) and next(calls) == times
            if meant and not after:
                kill()
            result = original(*arguments, **more)
            if meant:
                kill()
            return result

        setattr(owner, name, patched)

    return arrange


def a_checkpoint_file(descriptor: int) -> bool:
    return Path(f"/proc/self/fd/{descriptor}").readlink().parent.name == "checkpoints"


def a_new_checkpoint(path: Path, *_: Any) -> bool:
    return path.parent.name == "checkpoints" and path.name.startswith(".")


def the_checkpoint(path: Path, *_: Any) -> bool:
    return path.parent.name == "checkpoints" and not path.name.startswith(".")


def a_file_of_the_result(descriptor: int) -> bool:
    return a_model(Path(f"/proc/self/fd/{descriptor}").readlink().parent)


def a_model(path: Path, *_: Any) -> bool:
    return path.parent.name == "work" and path.name.startswith("models-")


MOMENTS: dict[str, Callable[[int], None]] = {
    NEVER: lambda times: None,
    SLOWLY: slowly,
    SLOWLY_ELSEWHERE: slowly_elsewhere,
    "in the middle of an epoch": in_the_middle_of_an_epoch,
    "before a checkpoint is flushed": around_a_call(os, "fsync", a_checkpoint_file),
    "before a checkpoint is moved into place": around_a_call(Path, "replace", a_new_checkpoint),
    "after a checkpoint is moved into place": around_a_call(Path, "replace", a_new_checkpoint, after=True),
    "while the result is flushed": around_a_call(os, "fsync", a_file_of_the_result),
    "before the result is moved into place": around_a_call(Path, "rename", a_model),
    "after the result is moved into place": around_a_call(Path, "rename", a_model, after=True),
    "before the checkpoint is removed": around_a_call(Path, "unlink", the_checkpoint),
}

if __name__ == "__main__":
    main()
