"""A worker that is killed with SIGKILL again and again, at random moments, until a number of kills.

    python -m tests.support.killed_worker STUDY-JSON STORE KILLS

Each of its lives runs the steps of the study from the beginning, so that it goes on from what the lives before have
left; a life that reaches the end makes the next one begin another study, with the next seed. The last life is not
killed. What a life imports was imported before it was forked: it is killed at its work, and hundreds of lives take
minutes. The last line of output says how many studies were finished, and how many kills came while an entry was made.
"""

import importlib
import json
import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

from imdb_tasks.store import Store
from imdb_tasks.study import Study, TrainingSettings
from imdb_tasks.training import process
from tests.support.stepping import reached

LONGEST = 7.0  # seconds between two kills: two epochs or a whole study, depending on what there is to compile
IMPORTED = ("pandas", "plotly.graph_objects", "sklearn.model_selection", "imdb_tasks.corpus", "imdb_tasks.report")


def main() -> None:
    """Live and die."""
    text, root, kills = sys.argv[1:]
    study, store = Study.model_validate_json(text), Store(root)
    process.load_keras()
    for module in IMPORTED:
        importlib.import_module(module)
    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on forks beside threads
    draw = random.Random(7)
    seed, killed, at_work = study.training.seed, 0, 0
    while True:
        last = killed == int(kills)
        ended = live(with_seed(study, seed), store, None if last else draw.uniform(0, LONGEST))
        if not ended:
            killed += 1
            at_work += bool(list(Path(root, "locks").glob("*.claim")))
        elif last:
            break
        else:
            seed += 1
    print(json.dumps({"studies": seed - study.training.seed + 1, "killed": killed, "at_work": at_work}))


def with_seed(study: Study, seed: int) -> Study:
    """Return the study with another seed: other models on the same arrays."""
    settings = {**study.training.model_dump(), "seed": seed}
    return study.model_copy(update={"training": TrainingSettings.model_validate(settings)})


def live(study: Study, store: Store, seconds: float | None) -> bool:
    """Run the study in a process that is killed after so many seconds; return whether it came to its end before."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            reached(study, store, f"life-{os.getpid()}")
            code = 0
        finally:
            os._exit(code)
    until = None if seconds is None else time.monotonic() + seconds
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            if os.waitstatus_to_exitcode(status):
                raise RuntimeError(f"a life failed with {os.waitstatus_to_exitcode(status)}; see above")
            return True
        if until is not None and time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return False
        time.sleep(0.01)


if __name__ == "__main__":
    main()
