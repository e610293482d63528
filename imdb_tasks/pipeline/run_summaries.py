"""A run in a few facts: noted with its report, or worked out for the runs of earlier releases."""

from functools import lru_cache

from imdb_tasks.analysis import RunSummary, summarise
from imdb_tasks.errors import MissingInputError
from imdb_tasks.pipeline.conclusions import find_conclusions, find_result
from imdb_tasks.pipeline.notes import ReportedRun
from imdb_tasks.store import Store

_KEPT = 2_000  # in memory: what lies under a key never changes


def summary_of(store: Store, name: str, run: ReportedRun) -> RunSummary | None:
    """Return what the run of this id was and came to; None if its result is gone, damaged, or of another form."""
    if run.summary:
        return run.summary
    try:
        return _worked_out(store.where, name, run)
    except MissingInputError:
        return None


@lru_cache(_KEPT)
def _worked_out(where: str, name: str, run: ReportedRun) -> RunSummary:
    """Raise MissingInputError where nothing is found: only what is found is remembered."""
    store = Store(where)
    result = find_result(store, run)
    if result is None:
        raise MissingInputError(f"{where} has no readable result of the run {name}")
    concluded = find_conclusions(store, name, run.analysis, repair=False) if run.analysis else None
    return summarise(result, concluded.analysis if concluded else None)
