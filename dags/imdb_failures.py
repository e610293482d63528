"""What failed in a run, and why: each task leaves the sentence of its last error, and the DAG's callback collects them.

A callback of a task runs in the task's process and knows the error; one of the DAG runs in the dag-processor, which
need not reach the store. An XCom goes from one to the other; Airflow deletes it when the task is run again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from imdb_notices import Run, tell

from imdb_tasks.errors import StudyError
from imdb_tasks.formatting import count_of, one_line

if TYPE_CHECKING:
    from imdb_tasks.report import Notice, Trouble

log = logging.getLogger(__name__)

ERROR = "error"  # the key of the XCom
CHECK = "check_complete"  # the task that fails a run without all variants
NO_WORD = "it ended without an error of its own: it was stopped, or its process or its machine was lost; see its log"
ADVICE = (
    "Finished results are kept. When the cause is gone, clear the failed tasks with those downstream: only what is "
    "missing is computed."
)
TRAINED_SINCE = (
    "All variants are trained now, but the report is older than the last of them. Clear the task 'evaluate' with those "
    "downstream: no training runs again."
)
REASONS = {"timed_out": "it took longer than a run may", "all_tasks_deadlocked": "none of its tasks can run"}
_LONGEST = 1_500  # characters of a sentence
_ASKED = 50  # failed tasks whose error is looked up; the rest are named


@dataclass(frozen=True)
class TaskState:
    """A task of a run and its state; ``map_index`` is None where the task is not mapped."""

    task_id: str
    map_index: int | None
    label: str
    state: str

    def log_of(self, run: Run) -> str:
        """Return the address of its log; "" where Airflow does not know its own."""
        mapped = "" if self.map_index is None else f"/mapped/{self.map_index}"
        return f"{run.address}/tasks/{self.task_id}{mapped}" if run.address else ""


def note_error(context: Any) -> None:
    """Leave the sentence of the error that a task has ended with. Airflow calls it when no try is left."""
    if error := context.get("exception"):
        context["ti"].xcom_push(ERROR, sentence_of(error))


def sentence_of(error: object) -> str:
    """Return what an error says; of one from elsewhere only its type, because it may quote a secret."""
    name = type(error).__name__
    if isinstance(error, StudyError):
        return f"{name}: {one_line(str(error), _LONGEST)}"
    return f"{name}: not an error of this project; its log says more"


def tell_failure(context: Any) -> None:
    """Tell everyone concerned which tasks of a run have failed, and why. Airflow calls it in the dag-processor."""
    given = context.get("dag_run")
    conf, kind = (given.conf, given.run_type) if given else (None, "")
    run = Run.of(context["dag"].dag_id, context["run_id"], conf, kind)
    tell(_Failure(run, context).notice, run, context)


@dataclass(frozen=True)
class _Failure:
    """A failed run, as the context of the DAG's callback shows it."""

    run: Run
    context: Any

    @property
    def notice(self) -> Notice:
        from imdb_tasks.report import Notice

        failed = [task for task in self._tasks if task.state == "failed"]
        where = failed[0].label if len(failed) == 1 else count_of(len(failed), "task", "tasks")
        reason = REASONS.get(self.context.get("reason"))
        return Notice(
            subject="IMDB study: the run failed" + (f" ({where})" if failed else ""),
            opening=f"The run {self.run.run_id} of {self.run.dag_id} has failed" + (f": {reason}." if reason else "."),
            link=self.run.address,
            # After "clear only failed", the check runs beside the training that it misses.
            advice=TRAINED_SINCE if [task.task_id for task in failed] == [CHECK] else ADVICE,
            troubles=tuple(self._troubles(failed)),
            not_run=tuple(task.label for task in self._tasks if task.state == "upstream_failed"),
        )

    @cached_property
    def _tasks(self) -> list[TaskState]:
        """All tasks in the order of the DAG; nothing if Airflow cannot be asked, for the mail must go out."""
        try:
            states = self.context["ti"].get_task_states(dag_id=self.run.dag_id, run_ids=[self.run.run_id])
            found = states[self.run.run_id].items()
        except Exception as error:
            log.warning("the states of the tasks are not known (%s)", type(error).__name__)
            return []
        ids = [task.task_id for task in self.context["dag"].topological_sort()]
        tasks = [self._task(name, str(state), ids) for name, state in found if _is_of(name, ids)]
        return sorted(tasks, key=lambda task: (ids.index(task.task_id), task.map_index or 0))

    def _task(self, name: str, state: str, ids: Sequence[str]) -> TaskState:
        """Read a name such as ``train_3``, as Airflow calls the mapped tasks here."""
        if name in ids:
            return TaskState(name, None, name, state)
        task_id, _, index = name.rpartition("_")
        return TaskState(task_id, int(index), self._titles.get(int(index), name), state)

    @cached_property
    def _titles(self) -> dict[int, str]:
        try:
            return {index: variant.title for index, variant in enumerate(self.run.study.variants)}
        except StudyError:  # `plan` has refused the form, and says so
            return {}

    def _troubles(self, failed: Sequence[TaskState]) -> Iterable[Trouble]:
        """Yield the failed tasks, those with the same error together."""
        from imdb_tasks.report import Trouble

        reasons: dict[str, list[TaskState]] = {}
        for number, task in enumerate(failed):
            reasons.setdefault(self._error(task) if number < _ASKED else "See their logs.", []).append(task)
        for reason, tasks in reasons.items():
            yield Trouble(tuple(task.label for task in tasks), reason, tasks[0].log_of(self.run))

    def _error(self, task: TaskState) -> str:
        """Return the sentence that a task has left."""
        try:
            left = self.context["ti"].xcom_pull(
                task_ids=task.task_id, dag_id=self.run.dag_id, run_id=self.run.run_id, key=ERROR,
                map_indexes=task.map_index,
            )  # fmt: skip
        except Exception as error:
            log.warning("the error of %s is not known (%s)", task.label, type(error).__name__)
            return "its error is not known; see its log"
        return str(left) if left else NO_WORD


def _is_of(name: str, ids: Sequence[str]) -> bool:
    """Tell whether the DAG has the task, mapped or not: a run may be older than the DAG."""
    task_id, _, index = name.rpartition("_")
    return name in ids or (task_id in ids and index.isdecimal())
