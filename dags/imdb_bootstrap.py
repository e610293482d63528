"""Give an Airflow what its studies need of it, and say what is still missing: ``python dags/imdb_bootstrap.py SLOTS``.

It makes the pool of the training tasks, or changes its size, and then looks at what `plan` will look at in a scheduled
run. It may be run again at any time; docker-compose.yaml and deploy/helm do so at every start. What is missing does not
stop them: a connection can still be made in Airflow's pages.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
from collections.abc import Sequence

from imdb_preflight import check_ready

from imdb_tasks.errors import StudyError
from imdb_tasks.study import InstalledStudy, installed_studies, read_form

ABOUT_POOL = "Variants that train side by side"


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 1 if a pool could not be made."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("slots", type=int, help="how many variants train side by side, on all workers together")
    slots = reader.parse_args(arguments).slots
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    studies = installed_studies()
    for pool in sorted({study.settings.pool for study in studies}):
        # The command, not the model behind it: only the command is a public interface.
        command = [sys.executable, "-m", "airflow", "pools", "set", pool, str(slots), ABOUT_POOL]
        if subprocess.run(command, check=False).returncode:  # noqa: S603 - a number, a checked name, and our own words
            print(f"The pool {pool!r} was not made: see the message of `airflow pools set` above.", file=sys.stderr)
            return 1
        print(f"The pool {pool!r} has {slots} slots.")
    for study in studies:
        fault = fault_of_a_scheduled_run(study)
        print(
            f"{study.dag_id}: a scheduled run " + (f"would fail at `plan`: {fault}" if fault else "has what it needs.")
        )
    return 0


def fault_of_a_scheduled_run(installed: InstalledStudy) -> StudyError | None:
    """Return what `plan` would raise in a scheduled run that starts now; None if it would not."""
    from imdb_tasks.pipeline import Steps
    from imdb_tasks.store import Store

    # Outside of a task, Airflow looks for connections in its database only where this is set.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    try:
        installed.check()
        study, delivery = read_form(installed.form_of({}, scheduled=True), installed.form_defaults())
        steps = Steps(study, Store.from_environment(), installed.run_name("bootstrap"))
        check_ready(steps, delivery, installed.settings)
    except StudyError as error:
        return error
    return None


if __name__ == "__main__":
    sys.exit(main())
