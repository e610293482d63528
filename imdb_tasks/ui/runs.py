"""The runs that have a report."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imdb_tasks.store import Store


@dataclass(frozen=True)
class Run:
    """A run as it noted itself when its report was there; ``written`` is in UTC."""

    id: str
    written: datetime.datetime
    headline: str
    report: str
    analysis: str | None


def newest_runs(store: Store, limit: int) -> tuple[list[Run], int]:
    """Return at most ``limit`` runs, the newest first, and how many there are in all."""
    times = store.ref_times("runs")
    newest = list(reversed(times))[:limit]
    found = (_read(store, name, times[name]) for name in newest)
    return [run for run in found if run], len(times)


def find_run(store: Store, run_id: str) -> Run | None:
    """Return the run of this id; None if it has no report, or not yet.

    Raises:
        SettingsError: this cannot be the id of a run.

    """
    note = store.read_ref(f"runs/{run_id}")
    return _as_run(run_id, note, store.ref_times("runs").get(run_id, 0.0)) if note else None


def _read(store: Store, name: str, written: float) -> Run | None:
    note = store.read_ref(f"runs/{name}")
    return _as_run(name, note, written) if note else None


def _as_run(name: str, note: Mapping[str, Any], written: float) -> Run:
    return Run(
        id=name,
        written=datetime.datetime.fromtimestamp(written, datetime.UTC),
        headline=note.get("headline", ""),
        report=note["report"],
        analysis=note.get("analysis"),
    )
