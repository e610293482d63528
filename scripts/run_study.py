"""Run the study on a local Airflow, from a cold start to the report and the mail. `make demo` and `make study`."""

import argparse
import contextlib
import datetime
import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from imdb_tasks.errors import SettingsError, StudyError
from imdb_tasks.formatting import count_of
from imdb_tasks.pipeline import Notes, ReportedRun, Steps
from imdb_tasks.sources import has_own_kaggle_credentials
from imdb_tasks.store import Store
from imdb_tasks.study import Study, read_form, read_growing, read_study
from imdb_tasks.typed_values import expanded
from scripts.checks import faults_of_message, faults_of_report, variants_of
from scripts.home import USER, recipients, training_slots
from scripts.local_airflow import DAG, LocalAirflow, run_locally, say
from scripts.mail_catcher import MailCatcher
from scripts.progress import FAILED, Display, Progress
from scripts.trainings import OVER, Trainings

EXAMPLE = """such as '{"units": [64]}'"""
INTERVAL = 2.0  # seconds between two looks at the run
LOG_TAIL = 15  # lines per failed task
SHOWN_FAILURES = 3
TOLERATED_SILENCE = 120.0  # seconds without an answer from a busy machine


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, run, and return the exit code."""
    options = parser().parse_args(arguments)
    try:
        conf = conf_of(options)
        read_form(conf)
        if conf["source"] == "folder" and not Path(conf["folder"]).exists():
            raise SettingsError(f"{conf['folder']} does not exist; set DATA to the folder with the data")
    except StudyError as error:  # now, not after Airflow's start
        print(error, file=sys.stderr)
        return 2
    return run_locally(lambda airflow, mail: _run(airflow, mail, conf, strict=options.strict))


def parser() -> argparse.ArgumentParser:
    """Return the reader of the command line."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--profile", default="full", help="quick, full or custom (default: %(default)s)")
    reader.add_argument("--source", help="kaggle, archives, folder or sample (default: what is there)")
    reader.add_argument("--data", help="folder with the reviews and the GloVe vectors, as downloaded")
    reader.add_argument("--params", default="{}", help="more fields of the trigger form, as a JSON object")
    reader.add_argument(
        "--assert", dest="strict", action="store_true", help="fail unless the report and the mail are complete"
    )
    return reader


def conf_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the values of the trigger form."""
    conf: dict[str, Any] = {"profile": options.profile, "recipients": list(recipients()), "notify": "always"}
    if options.data:
        conf |= {"source": "folder", "folder": str(Path(_expanded(options.data)).absolute())}
    else:
        conf["source"] = options.source or ("kaggle" if has_own_kaggle_credentials() else "archives")
    return {**conf, **_params(options.params)}


def _params(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"PARAMS: expected a JSON object, {EXAMPLE}, found {text!r:.80}: {error}") from error
    if not isinstance(found, dict):
        raise SettingsError(f"PARAMS: expected a JSON object, {EXAMPLE}, found {text!r:.80}")
    return found


def _expanded(data: str) -> str:
    try:
        return expanded(data)
    except ValueError as error:
        raise SettingsError(f"DATA: {error}; expected a folder") from error


def _run(airflow: LocalAirflow, mail: MailCatcher, conf: Mapping[str, Any], *, strict: bool) -> int:
    slots = training_slots()
    with saying_what_is_kept():
        airflow.api.end_unfinished_runs(DAG)
        airflow.api.unpause(DAG)
        try:
            run = airflow.api.trigger(DAG, conf)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 1
        steps = _steps(airflow, run, conf)
        grows = f", of at most {steps.growing.most} replicates" if steps.growing else ""
        about = f"profile {conf['profile']}, source {conf['source']}{grows}"
        say(f"Running {DAG}: {about}; {announcement(steps.study, slots)}")
        state, tasks = _follow(airflow, run, Trainings(steps, slots))
    report = _keep_report(airflow, run)
    faults = [] if state == "success" else [f"the run ended as {state}", *_failures(airflow, tasks)]
    faults += _missing(report, mail, conf)
    if strict and report:
        faults += faults_of_report(report, variants_of(steps.study))
        faults += [fault for path in mail.received for fault in faults_of_message(path)]
    _tell(airflow, report, mail)
    if faults:
        print("\n".join(["", "FAILED", *faults]), file=sys.stderr, flush=True)
        return 1
    say("Done.")
    return 0


def _steps(airflow: LocalAirflow, run: str, conf: Mapping[str, Any]) -> Steps:
    """Return the steps of a run; how many replicates a growing study has is known when the run is planned."""
    study, growing = read_study(conf), read_growing(conf)
    while growing and airflow.api.end(DAG, run) is None:
        airflow.components.check()
        with contextlib.suppress(httpx.TransportError, httpx.HTTPStatusError):  # a busy machine answers late
            if any(task["task_id"] == "plan" and task["state"] in OVER for task in airflow.api.tasks(DAG, run)):
                break
        time.sleep(INTERVAL)
    return Steps.of_run(study, Store(airflow.home.store), run, growing)


def announcement(study: Study, slots: int) -> str:
    """Return how much there is to train, and that it may be interrupted."""
    count = len(study.variants)
    together = f"{min(slots, count)} side by side" if min(slots, count) > 1 else "one at a time"
    return (
        f"{count_of(count, 'variant', 'variants')}, {count_of(study.training.epochs, 'epoch', 'epochs')} each, "
        f"{together}\n"
        "An estimate of the time follows after the first epochs. "
        "Ctrl-C stops the run; finished epochs are kept, and the same command goes on from there."
    )


@contextlib.contextmanager
def saying_what_is_kept() -> Iterator[None]:
    """Say, when Ctrl-C or its like ends the block, that nothing is lost; make's "Error 130" follows."""
    try:
        yield
    except SystemExit:
        say(
            "Interrupted: finished epochs are kept, and the same command goes on from there. "
            "An error that make reports next is this interruption."
        )
        raise


def _follow(airflow: LocalAirflow, run: str, trainings: Trainings) -> tuple[str, list[dict[str, Any]]]:
    """Show the run's progress until it ends; return its state and its task instances."""
    heard = time.monotonic()
    with Display() as display:
        while True:
            airflow.components.check()
            try:
                state, tasks = airflow.api.state(DAG, run), airflow.api.tasks(DAG, run)
                heard = time.monotonic()
                look = trainings.look(tasks, datetime.datetime.now(datetime.UTC))
                display.update(Progress.of_run(run, tasks, look.refs, look.estimate))
                if state in ("success", "failed"):
                    return state, tasks
            except (httpx.TransportError, httpx.HTTPStatusError):
                # A busy machine answers late; one that has stopped answering does not.
                if time.monotonic() - heard > TOLERATED_SILENCE:
                    raise
            time.sleep(INTERVAL)


def _keep_report(airflow: LocalAirflow, run: str) -> Path | None:
    """Copy the run's report to a place that stays the same from run to run."""
    store = Store(airflow.home.store)
    noted = Notes(store).read(ReportedRun, run)
    entry = store.find("reports", noted.report) if noted else None
    if entry is None:
        return None
    place = airflow.home.root / "report"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(entry.path, place)
    return place / "report.html"


def _missing(report: Path | None, mail: MailCatcher, conf: Mapping[str, Any]) -> list[str]:
    faults = [] if report and report.is_file() else ["there is no report"]
    # With "on change", silence may be the right answer.
    if conf["notify"] == "always" and not mail.received:
        faults.append("no mail was received")
    return faults


def _failures(airflow: LocalAirflow, tasks: list[dict[str, Any]]) -> list[str]:
    failed = sorted((task for task in tasks if task["state"] in FAILED), key=lambda task: task["end_date"] or "9999")
    causes = [task for task in failed if task["state"] == "failed"]
    lines = [f"  {task['state']}: {_name(task)}" for task in failed]
    for task in causes[:SHOWN_FAILURES]:
        lines += [f"--- the end of the log of {_name(task)}", *_without_groups(airflow.api.log(task))[-LOG_TAIL:]]
    return lines


def _without_groups(log: list[str]) -> list[str]:
    return [line for line in log if "::group::" not in line and "::endgroup::" not in line]


def _name(task: Mapping[str, Any]) -> str:
    label = task.get("rendered_map_index") or (task["map_index"] if task["map_index"] >= 0 else None)
    return str(task["task_id"]) if label is None else f"{task['task_id']} [{label}]"


def _tell(airflow: LocalAirflow, report: Path | None, mail: MailCatcher) -> None:
    """Say where everything is."""
    say("")
    if report:
        say(f"Report     {report.as_uri()}")
    for path in mail.received:
        say(f"Mail       {path}")
    say(f"Logs       {airflow.home.logs}")
    say(f"Airflow    make ui, then sign in as {USER} with the password in {airflow.home.passwords}")


if __name__ == "__main__":
    sys.exit(main())
