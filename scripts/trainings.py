"""The trainings of a run, as Airflow and the store know them."""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from imdb_tasks.pipeline import Steps
from imdb_tasks.study import Variant
from scripts.estimate import Estimate, Training, estimate
from scripts.progress import ENDED, FAILED, TRAIN

Ref = Mapping[str, Any]
OVER = ("success", "skipped", "removed", *FAILED)


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
        noted = {name: ref for key, ref in store.refs("progress").items() if (name := self._names.get(key))}
        refs = tuple(_of_run(ref, begun[name], run) for name, ref in noted.items() if name in begun)
        starts = [started for task in mapped.values() if (started := _time(task["start_date"]))]
        if not starts:
            return Look(refs)
        trainings = [
            self.training(variant, mapped.get(index), noted.get(variant.name), now)
            for index, variant in enumerate(study.variants)
        ]
        return Look(refs, estimate(trainings, self.slots, (now - min(starts)).total_seconds()))

    def training(
        self, variant: Variant, task: Mapping[str, Any] | None, ref: Ref | None, now: datetime.datetime
    ) -> Training:
        """Return one training from its task instance and its progress ref, which an earlier run may have written."""
        task = task or {"state": None, "start_date": None, "end_date": None}
        ended = task["state"] in OVER or (ref is not None and ref["status"] in ENDED)
        began = _time(task["start_date"])
        return Training(
            variant,
            self.steps.study.training.epochs,
            "ended" if ended else "running" if task["state"] == "running" else "waiting",
            ref["epoch"] if ref else 0,
            tuple(ref["history"]["seconds"]) if ref and ref["run_id"] == self.steps.run_id else (),
            ((_time(task["end_date"]) or now) - began).total_seconds() if began else 0.0,
        )


def _of_run(ref: Ref, begun: Ref, run: str) -> Ref:
    """Return the ref as this run's: its task has taken up what an earlier run left."""
    return {**ref, "run_id": run, "status": "cached" if begun["cached"] else ref["status"]}


def _time(text: str | None) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(text) if text else None
