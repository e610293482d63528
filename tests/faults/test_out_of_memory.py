"""A training that cannot have the memory it needs: the others finish, report and mail say what is missing."""

import contextlib
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from imdb_tasks.pipeline import Steps
from imdb_tasks.study import read_form
from tests.support.whole_airflow import FinishedRun, WholeAirflow

ROOT = Path(__file__).parents[2]
# Four tries, each a start of TensorFlow, after the start of a whole Airflow.
pytestmark = [pytest.mark.thorough, pytest.mark.timeout(1_800)]

SMALL, LARGE = "GRU, 4 units, batches of 48", "GRU, 1024 units, batches of 48"
ROOM = 3 << 30  # bytes above what the small variant needs; the large one asks for about 9 GB in one piece


@pytest.fixture(scope="module")
def form(small_form: dict[str, Any]) -> dict[str, Any]:
    """Two variants, of which one keeps 4,000 steps of 1,024 units for its gradients."""
    return {**small_form, "units": [4, 1_024], "batch_sizes": [48], "max_tokens": 4_000}


@pytest.fixture(scope="module")
def needed(form: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> int:
    """Return the address space, in bytes, of a process that trains the small variant."""
    study, _ = read_form({**form, "notify": "never"})
    arguments = [study.model_dump_json(), str(tmp_path_factory.mktemp("needed")), "4_GRU_48"]
    command = [sys.executable, "-m", "tests.support.out_of_memory", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@contextmanager
def at_most(whole: WholeAirflow, limit: int) -> Iterator[None]:
    """Let no task, and nothing else of this Airflow, have more address space."""
    processes = whole.airflow.components.alive()
    before = {pid: resource.prlimit(pid, resource.RLIMIT_AS) for pid in processes}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        for pid in {*before, *whole.airflow.components.alive()}:  # those that began meanwhile inherited it
            with contextlib.suppress(ProcessLookupError):
                _, hard = resource.prlimit(pid, resource.RLIMIT_AS)
                resource.prlimit(pid, resource.RLIMIT_AS, before.get(pid, (hard, hard)))


@pytest.fixture(scope="module")
def run(whole: WholeAirflow, form: dict[str, Any], needed: int) -> FinishedRun:
    with at_most(whole, needed + ROOM):
        return whole.finished({**form, "recipients": ["memory@example.org"]})


def test_the_other_variant_finishes_and_the_run_fails_after_report_and_mail(run: FinishedRun) -> None:
    states = run.states()
    assert (states.pop(LARGE), states.pop("check_complete")) == ("failed", "failed")
    assert set(states.values()) == {"success"}
    assert run.state == "failed"


def test_report_and_mail_say_what_is_missing_and_why(run: FinishedRun, whole: WholeAirflow) -> None:
    ref = whole.store.read_ref(f"runs/{run.run_id}")
    assert ref is not None
    report = whole.store.need("reports", ref["report"], step="report")
    mails = [message for message in whole.mail.taken if message["To"] == "memory@example.org"]
    [mail] = [message for message in mails if "failed" not in message["Subject"]]
    body = mail.get_body(("plain",))
    assert body is not None
    for text in (report.file("report.html").read_text("utf8"), body.get_content()):
        assert "GRU-1024/48" in text
        assert "missing" in text
        assert "Out of memory" in " ".join(text.split())


def test_once_there_is_memory_only_the_missing_variant_is_trained(
    run: FinishedRun, whole: WholeAirflow, form: dict[str, Any]
) -> None:
    """Here: once less is asked for. The small variant's result is there, whatever became of the large one."""
    steps = Steps(read_form({**form, "notify": "never"})[0], whole.store)
    small, large = steps.study.variants
    assert steps.store.find("models", steps.keys.model(small)) is not None
    assert steps.store.find("models", steps.keys.model(large)) is None
    again = whole.finished({**form, "units": [4]})
    assert again.state == "success"
    log = "\n".join(whole.airflow.api.log(again.task(SMALL)))
    assert "is already in the store" in log


def test_the_failed_task_was_tried_again_and_its_log_says_why(run: FinishedRun, whole: WholeAirflow) -> None:
    task = run.task(LARGE)
    assert task["try_number"] == 4
    assert "Out of memory" in json.dumps(whole.airflow.api.log(task))
