"""The runs that have a report."""

import datetime
from dataclasses import dataclass

from imdb_tasks.pipeline import Notes, ReportedRun
from imdb_tasks.store import Store


@dataclass(frozen=True)
class Run:
    """A run that has a report; ``written`` is when it was recorded, in UTC."""

    id: str
    written: datetime.datetime
    headline: str
    report: str
    analysis: str | None


def newest_runs(store: Store, limit: int) -> tuple[list[Run], int]:
    """Return at most ``limit`` runs, the newest first, and how many there are in all."""
    times, notes = store.ref_times(ReportedRun.folder), Notes(store).all(ReportedRun)
    newest = list(reversed(notes.items()))[:limit]
    return [_run(name, note, times.get(name, 0.0)) for name, note in newest], len(notes)


def find_run(store: Store, run_id: str) -> Run | None:
    """Return the run of this id; None if it has no report, or not yet.

    Raises:
        SettingsError: this cannot be the id of a run.

    """
    note = Notes(store).read(ReportedRun, run_id)
    return _run(run_id, note, store.ref_time(f"{ReportedRun.folder}/{run_id}")) if note else None


def _run(name: str, note: ReportedRun, written: float) -> Run:
    at = datetime.datetime.fromtimestamp(written, datetime.UTC)
    return Run(id=name, written=at, headline=note.headline, report=note.report, analysis=note.analysis)
