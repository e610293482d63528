"""The runs that have a report: which there are, what each was, and which one the study's headline is about.

Nothing here repairs: what a page finds damaged is for the next run to mend.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imdb_tasks.analysis import RunSummary
from imdb_tasks.formatting import count_of
from imdb_tasks.pipeline import Notes, ReportedRun, summary_of
from imdb_tasks.store import Store
from imdb_tasks.study import installed_studies, study_of_run

# What Airflow puts in front of the ids of runs that nobody named; it lets no other run be called so.
SCHEDULED, _BACKFILL, _BY_HAND = "scheduled__", "backfill__", "manual__"


@dataclass(frozen=True)
class Run:
    """A run that has a report, by its name in the store; ``written`` is when it was recorded, in UTC."""

    id: str
    written: datetime.datetime
    note: ReportedRun

    @property
    def dag_id(self) -> str:
        """The DAG that it is a run of."""
        return study_of_run(self.id)[0]

    @property
    def id_in_airflow(self) -> str:
        """Its id among the runs of that DAG."""
        return study_of_run(self.id)[1]

    @property
    def scheduled(self) -> bool:
        """Whether Airflow's schedule started it."""
        return self.id_in_airflow.startswith(SCHEDULED)


@dataclass(frozen=True)
class InAirflow:
    """What Airflow knows of a run: its type, such as ``manual``, who triggered it, and the note that people left."""

    kind: str
    user: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class ListedRuns:
    """All runs, the newest first, and how many notes of runs could not be read."""

    runs: tuple[Run, ...]
    unreadable: int


def list_runs(store: Store) -> ListedRuns:
    """Return every run that has a report."""
    found = Notes(store).look(ReportedRun)
    runs = tuple(_run(name, note, at) for name, note, at in reversed(found) if note)
    return ListedRuns(runs, len(found) - len(runs))


def find_run(store: Store, run_id: str) -> Run | None:
    """Return the run of this id; None if it has no report, or not yet.

    Raises:
        SettingsError: this cannot be the id of a run.

    """
    note = Notes(store).read(ReportedRun, run_id)
    return _run(run_id, note, store.ref_time(f"{ReportedRun.folder}/{run_id}")) if note else None


def scheduled_study(store: Store, runs: Sequence[Run]) -> frozenset[str]:
    """Return the ids of the runs of the scheduled study, whoever started them.

    That is the study that the schedule of the first DAG has run, or where it has run none yet, the original study with
    its whole grid. Experiments and samples beside it are other studies, and so are those of other DAGs.
    """
    first = installed_studies()[0].dag_id
    scheduled = [run for run in runs if run.scheduled and run.dag_id == first]
    if scheduled:
        studies = {run.note.study for run in scheduled} - {None}
        names = {run.id for run in scheduled}
        return frozenset(run.id for run in runs if run.id in names or run.note.study in studies)
    summaries = {run.id: summary_of(store, run.id, run.note) for run in runs}
    return frozenset(name for name, each in summaries.items() if each and each.profile == "full" and each.original)


def headline_run(store: Store, runs: Sequence[Run]) -> Run | None:
    """Return the newest run of the scheduled study; where there is none, the newest of all.

    A run by hand that has fewer replicates than the newest scheduled one says less, and is passed over.
    """
    scheduled = scheduled_study(store, runs)
    mine = [run for run in runs if run.id in scheduled]
    newest = next((run for run in mine if run.scheduled), None)
    least = _replicates(store, newest) if newest else 0
    return next((run for run in mine if run == newest or _replicates(store, run) >= least), runs[0] if runs else None)


def _replicates(store: Store, run: Run) -> int:
    summary = summary_of(store, run.id, run.note)
    return summary.replicates if summary else 0


def started(run: Run, known: Mapping[str, InAirflow]) -> str:
    """Say who or what started a run, such as ``by the schedule``; what Airflow no longer knows, its id may tell."""
    there = known.get(run.id)
    kind = there.kind if there else ""
    if run.scheduled or kind == "scheduled":
        return "by the schedule"
    backfill = " as a backfill" if kind == "backfill" or run.id_in_airflow.startswith(_BACKFILL) else ""
    if there and there.user:
        return f"by {there.user}{backfill}"
    if backfill:
        return backfill.strip()
    if kind == "manual" or run.id_in_airflow.startswith(_BY_HAND):
        return "by hand"
    return f"as {kind.replace('_', ' ')}" if kind else "outside Airflow, or its record was deleted"


def changes_since(run: Run, now: RunSummary, before: Run, was: RunSummary) -> list[str]:
    """Say what differs from an earlier run of the same study, of the same data and settings but for replicates."""
    found = [f"code {before.note.code} → {run.note.code}"] if before.note.code != run.note.code else []
    if was.replicates != now.replicates:
        found.append(f"replicates {was.replicates} → {now.replicates}")
    if was.backend != now.backend:
        found.append(f"backend {was.backend} → {now.backend}")
    names = [name for name in now.versions if name in was.versions and was.versions[name] != now.versions[name]]
    found += [f"{name} {was.versions[name]} → {now.versions[name]}" for name in names]
    if was.setting != now.setting:
        found.append(f"best setting {was.setting or 'none'} → {now.setting or 'none'}")
    for name, old, new in (("diverged", was.diverged, now.diverged), ("missing", was.missing, now.missing)):
        if old != new:
            found.append(f"{name} {old} → {new}")
    rulings = sum(was.rulings.get(title, ruling) != ruling for title, ruling in now.rulings.items())
    return [*found, count_of(rulings, "other ruling", "other rulings")] if rulings else found


def _run(name: str, note: ReportedRun, written: float) -> Run:
    return Run(name, datetime.datetime.fromtimestamp(written, datetime.UTC), note)
