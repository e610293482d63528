"""How many replicates a run of a growing study has: decided once, by its plan, and noted for every later step.

All runs of such a study are one *series*. It begins anew, with no look taken, where data, settings, claims or a
revision of the code that computes results differ.
"""

import logging
import time

from imdb_tasks.analysis import Analysis, Growth, read_claims
from imdb_tasks.errors import MissingInputError
from imdb_tasks.pipeline.keys import REVISIONS, Keys
from imdb_tasks.pipeline.notes import Notes, Planned, ReportedRun, Series
from imdb_tasks.pipeline.workspace import Workspace
from imdb_tasks.store import Store
from imdb_tasks.study import Growing, Study, fingerprint
from imdb_tasks.training import backend

log = logging.getLogger(__name__)

_CLAIM = 600.0  # seconds; what a run has planned before, and not reported, is left to the next run


def plan_replicates(study: Study, store: Store, run_id: str, growing: Growing) -> Study:
    """Return the study with the replicates that a run is to have, and note them for the run.

    These are those of the last look and ``step`` more; no more than ``most``, and none where every claim is decided. A
    run that was planned before has the same number again. What another run has planned just now, and not reported yet,
    is taken for there.
    """
    notes, key = Notes(store), series_key(study, store, growing)
    with store.exclusive("series", key or "new"):
        noted = notes.read(Planned, run_id)
        if noted is None or noted.series not in (key, None):  # None: planned before the data were there
            taken = _taken(notes, key, run_id)
            noted = Planned(series=key, replicates=_next(_looks(notes, key, growing), taken, growing))
            notes.write(noted, run_id)
            log.info("this run has %d of at most %d replicates", noted.replicates, growing.most)
    return study.with_replicates(noted.replicates)


def planned_study(study: Study, store: Store, run_id: str, growing: Growing) -> Study:
    """Return the study with the replicates that were planned for a run.

    A run without a plan, such as that of `airflow tasks test`, has those of the series' last look, at least one.
    """
    notes = Notes(store)
    if noted := notes.read(Planned, run_id):
        return study.with_replicates(noted.replicates)
    return study.with_replicates(max(1, growth_of(study, store, growing).replicates))


def growth_of(study: Study, store: Store, growing: Growing) -> Growth:
    """Return the looks that were taken at a series."""
    return _looks(Notes(store), series_key(study, store, growing), growing)


def record_look(work: Workspace, growing: Growing, analysis: Analysis) -> None:
    """Note the look that an analysis took, unless another run has taken one meanwhile: the next run looks again."""
    key, replicates = series_key(work.study, work.store, growing), work.study.replicates
    if analysis.growth is None or key is None or not analysis.growth.has_look(replicates):
        return
    with work.store.exclusive("series", key):
        known = _looks(work.notes, key, growing)
        if known.before(replicates) != analysis.growth.before(replicates):
            log.warning("the look at %d replicates is not counted: another run has taken one meanwhile", replicates)
        elif not known.has_look(replicates + 1):
            work.notes.write(Series(growth=analysis.growth), key)


def series_key(study: Study, store: Store, growing: Growing) -> str | None:
    """Return the name of a series; None before its data were fetched for the first time."""
    try:
        line = Keys(study, store).line
    except MissingInputError:
        return None
    revisions = {name: REVISIONS[name] for name in ("arrays", "models", "predictions", "evaluations", "analyses")}
    return fingerprint("series", line, backend(), growing.most, read_claims().fingerprint(), revisions)


def _looks(notes: Notes, key: str | None, growing: Growing) -> Growth:
    noted = notes.read(Series, key) if key else None
    return noted.growth if noted else Growth(most=growing.most)


def _next(growth: Growth, taken: int, growing: Growing) -> int:
    if growth.ended:
        return growth.replicates
    return min(max(growth.replicates, taken) + growing.step, growing.most)


def _taken(notes: Notes, key: str | None, run_id: str) -> int:
    """Return the most replicates that another run has planned just now, and not reported yet."""
    return max(
        (
            plan.replicates
            for name, plan, written in notes.look(Planned)
            if plan and plan.series == key and name != run_id and written > time.time() - _CLAIM
            if notes.read(ReportedRun, name) is None
        ),
        default=0,
    )
