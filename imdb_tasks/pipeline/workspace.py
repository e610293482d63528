"""What every step works with: a study, the store that it lives in, and the run that works on it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from imdb_tasks.pipeline.keys import Keys
from imdb_tasks.pipeline.notes import Notes
from imdb_tasks.store import Entry, Lock, Store
from imdb_tasks.study import Growing, Study

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Workspace:
    """A study in a store. ``run_id`` marks progress and the run's report; it changes no key.

    ``growing`` says how the study grows, if it does; ``study`` has the replicates of this run.
    """

    study: Study
    store: Store
    run_id: str = "by-hand"
    growing: Growing | None = None

    @cached_property
    def keys(self) -> Keys:
        """Where the study's artifacts lie."""
        return Keys(self.study, self.store)

    @cached_property
    def notes(self) -> Notes:
        """The refs of the store, by their types."""
        return Notes(self.store)

    @property
    def name_of_study(self) -> str:
        """Fingerprint by which runs are told to be of one study; those of a growing one differ in their replicates."""
        return self.keys.line if self.growing else self.keys.identity

    def find(self, kind: str, key: str) -> Entry | None:
        """Return the entry as ``Store.find`` does; prune keeps it while this run lives."""
        self.store.note_use(kind, key, by=self.run_id)
        return self.store.find(kind, key)

    def need(self, kind: str, key: str, *, step: str) -> Entry:
        """Return the entry as ``Store.need`` does; prune keeps it while this run lives."""
        self.store.note_use(kind, key, by=self.run_id)
        return self.store.need(kind, key, step=step)

    def cached(self, kind: str, key: str) -> Entry | None:
        """Return the entry if it is in the store, and say so in the log."""
        entry = self.find(kind, key)
        if entry:
            self.store.release_stale(kind, key)
            log.info("%s/%s is already in the store", kind, key)
        return entry

    def once(self, kind: str, key: str, make: Callable[[str, Lock], None], *, step: str) -> Entry:
        """Return the entry; if it is not there, have it made, by one process at a time."""
        if entry := self.cached(kind, key):
            return entry
        with self.store.exclusive(kind, key) as hold:
            # Whoever had the lock before may have made it.
            if entry := self.cached(kind, key):
                return entry
            make(key, hold)
        return self.store.need(kind, key, step=step)

    def corpus(self) -> Entry:
        """Return the arrays and the data card, verified."""
        return self.need("arrays", self.keys.corpus(), step="prepare")
