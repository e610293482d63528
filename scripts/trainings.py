"""The trainings of a run, as Airflow and the store know them."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from imdb_tasks.pipeline import Steps
from imdb_tasks.study import Variant
from scripts.estimate import Estimate, State, Training, estimate
from scripts.progress import ENDED, FAILED, TRAIN

Ref = Mapping[str, Any]
OVER = ("success", "skipped", "removed", *FAILED)


@dataclass(frozen=True)
class Noted:
    """A progress ref, and when it was written, in seconds since 1970."""

    ref: Ref
    written: float


@dataclass(frozen=True)
class Look:
    """What a run's trainings have noted by now: of each that has begun its ref, and an estimate for all."""

    refs: tuple[Ref, ...] = ()
    estimate: Estimate | None = None


@dataclass(frozen=True)
class Trainings:
    """The trainings of the run ``steps.run_id``, ``slots`` of them side by side."""

    steps: Steps
    slots: int

    @cached_property
    def _names(self) -> dict[str, str]:
        """The variants' names by their models' keys, in the order of the grid. Needs the fetched sources."""
        return {self.steps.keys.model(variant): variant.name for variant in self.steps.study.variants}

    def look(self, tasks: Iterable[Mapping[str, Any]], now: datetime.datetime) -> Look:
        """Combine the run's task instances with the notes in the store."""
        tasks = list(tasks)
        if not any(task["task_id"] == "prepare" and task["state"] == "success" for task in tasks):
            return Look()  # the models' keys are not known, or are those of older data
        mapped = {task["map_index"]: task for task in tasks if task["task_id"] == TRAIN and task["map_index"] >= 0}
        run, store, study = self.steps.run_id, self.steps.store, self.steps.study
        begun = store.refs(f"trainings/{run}")
        listed = {name: ref for ref in store.listed_refs("progress") if (name := self._names.get(ref.name))}
        noted = {name: Noted(ref.value, ref.written) for name, ref in listed.items() if ref.value is not None}
        states = {study.variants[index].name: task["state"] for index, task in mapped.items()}
        refs = tuple(
            {**each.ref, "run_id": run, "status": _status(each.ref, begun[name], states.get(name))}
            for name, each in noted.items()
            if name in begun  # then its task has taken up what an earlier run left
        )
        starts = [started for task in mapped.values() if (started := _time(task["start_date"]))]
        if not starts:
            return Look(refs)
        trainings = [
            self.training(variant, mapped.get(index), noted.get(variant.name), now)
            for index, variant in enumerate(study.variants)
        ]
        return Look(refs, estimate(trainings, self.slots, (now - min(starts)).total_seconds()))

    def training(
        self, variant: Variant, task: Mapping[str, Any] | None, noted: Noted | None, now: datetime.datetime
    ) -> Training:
        """Return one training from its task instance and its progress, which an earlier run may have noted."""
        epochs = self.steps.study.training.epochs
        done = noted.ref["epoch"] if noted else 0
        if (noted and noted.ref["status"] in ENDED) or (task and task["state"] in OVER):
            state: State = "ended"
        else:
            state = "running" if task and task["state"] == "running" else "waiting"
        own = noted is not None and noted.ref["run_id"] == self.steps.run_id
        began = _time(task["start_date"]) if task and state != "waiting" else None
        until = noted.written if noted and own else now.timestamp()
        elapsed = until - began.timestamp() if began else 0.0
        seconds = _last_within(elapsed, noted.ref["history"]["seconds"]) if noted and own else ()
        return Training(variant, epochs, state, done, seconds, elapsed)


def _last_within(elapsed: float, seconds: Sequence[float]) -> tuple[float, ...]:
    """Return the epochs that a task of so many seconds can have run; those before came with the checkpoint.

    Where earlier epochs are short, a few of them may pass for its own, in place of its start.
    """
    first = len(seconds)
    while first and (elapsed := elapsed - seconds[first - 1]) >= 0:
        first -= 1
    return tuple(seconds[first:])


def _status(ref: Ref, begun: Ref, task_state: str | None) -> str:
    if begun["cached"]:
        return "cached"
    return "failed" if task_state in FAILED and ref["status"] not in ENDED else str(ref["status"])


def _time(text: str | None) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(text) if text else None
