"""The headline of *Study*: what the first screen of the run's report says, from the records in the store."""

from collections.abc import Mapping
from typing import Any

from imdb_tasks.pipeline import find_conclusions, find_result
from imdb_tasks.report import Made, first_screen
from imdb_tasks.store import Store
from imdb_tasks.study import ruling_scope
from imdb_tasks.ui.runs import Run


def answers(store: Store, run: Run) -> Mapping[str, Any] | None:
    """Return what the template of the report's first screen names; None where the run's records cannot be read."""
    concluded = find_conclusions(store, run.id, run.note.analysis, repair=False) if run.note.analysis else None
    result = find_result(store, run.note)
    if concluded is None or result is None:
        return None
    made = Made(f"{run.written:%Y-%m-%d %H:%M} UTC", run.id, run.note.code or "not noted")
    found = first_screen(result, concluded.analysis, made)
    data = dict(found.made)["Data"]
    return {
        "summary": found,
        # A report names the run that made it first; here it is this very run, whoever was the first.
        "made": (("Date", made.date), ("Run", made.run), ("Data", data), ("Code", made.code)),
        "analysis": concluded.analysis,
        "ruling_scope": ruling_scope(result),
    }
