"""The steps of a study, one method for each task of the DAG.

fetch -> prepare -> train (one per variant) -> evaluate -> report -> deliver. Each finds its inputs in the store, does
nothing if its result is there, and publishes at once; so each can be run alone, in any process, by any scheduler or by
hand.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from imdb_tasks.analysis import Growth
from imdb_tasks.errors import SettingsError
from imdb_tasks.pipeline import data, delivery, evaluation, reporting, tracking, training
from imdb_tasks.pipeline.growing import growth_of, plan_replicates, planned_study
from imdb_tasks.pipeline.keys import Keys
from imdb_tasks.pipeline.notes import Notes
from imdb_tasks.pipeline.progress import RunProgress, progress_of
from imdb_tasks.pipeline.workspace import Workspace
from imdb_tasks.sources import KaggleCredentials
from imdb_tasks.store import Entry, Store
from imdb_tasks.study import Growing, Study, Variant


@dataclass(frozen=True)
class Steps:
    """All steps of a study. ``run_id`` marks progress and the run's report; it changes no key.

    Of a growing study, ``study`` has the replicates that were planned for the run.
    """

    study: Study
    store: Store
    run_id: str = "by-hand"
    growing: Growing | None = None

    @classmethod
    def plan(cls, study: Study, store: Store, run_id: str, growing: Growing | None) -> "Steps":
        """Return the steps of a run, and decide how many replicates it has if its study grows."""
        chosen = plan_replicates(study, store, run_id, growing) if growing else study
        return cls(chosen, store, run_id, growing)

    @classmethod
    def of_run(cls, study: Study, store: Store, run_id: str, growing: Growing | None) -> "Steps":
        """Return the steps of a run: as it was planned or, before that, of the replicates that the series has."""
        return cls(planned_study(study, store, run_id, growing) if growing else study, store, run_id, growing)

    @cached_property
    def _work(self) -> Workspace:
        return Workspace(self.study, self.store, self.run_id, self.growing)

    @property
    def growth(self) -> Growth | None:
        """The looks that were taken, this run's included once it has its report; None if the study does not grow."""
        return growth_of(self.study, self.store, self.growing) if self.growing else None

    @property
    def keys(self) -> Keys:
        """Where the study's artifacts lie."""
        return self._work.keys

    @property
    def notes(self) -> Notes:
        """The refs of the store, by their types."""
        return self._work.notes

    def looks(self) -> dict[str, Any]:
        """Return the looks at a growing study and its rulings, as JSON; nothing of another."""
        growth = self.growth
        if growth is None or not growth.looks:
            return {}
        rulings = {seen.claim: seen.ruling for seen in growth.looks[-1].seen}
        return {"looks": [look.replicates for look in growth.looks], "rulings": rulings}

    def variant(self, name: str) -> Variant:
        """Return the variant of the grid with this name."""
        for variant in self.study.variants:
            if variant.name == name:
                return variant
        raise SettingsError(f"the grid has no variant {name!r}; it has {[v.name for v in self.study.variants]}")

    def will_ask_kaggle(self) -> bool:
        """Tell whether the fetches have to ask Kaggle: for a dataset not in the store, or its newest version."""
        return data.will_ask_kaggle(self._work)

    def fetch_reviews(self, credentials: KaggleCredentials | None = None) -> Entry:
        """Make sure that the reviews are in the store."""
        return data.fetch_reviews(self._work, credentials)

    def fetch_glove(self, credentials: KaggleCredentials | None = None) -> Entry:
        """Make sure that the vectors are in the store."""
        return data.fetch_glove(self._work, credentials)

    def prepare(self) -> Entry:
        """Make the arrays and the data card."""
        return data.prepare(self._work)

    def train(self, variant: Variant) -> Entry:
        """Train one variant; if its result is there, Keras is not even imported."""
        model = training.train(self._work, variant)
        tracking.publish_training(self._work, variant, model)
        return model

    def progress(self) -> RunProgress:
        """Return how far the trainings of this run are."""
        return progress_of(self._work)

    def evaluate(self) -> Entry:
        """Measure every trained variant on the test reviews; a variant without a model is listed as missing."""
        return evaluation.evaluate(self._work)

    def report(self) -> Entry:
        """Make the report page and the parts of the mail, and note them as this run's report."""
        entry = reporting.report(self._work)
        tracking.publish_report(self._work)
        return entry

    def check_complete(self) -> None:
        """Raise ``IncompleteStudyError`` if variants are missing from the study's result."""
        evaluation.check_complete(self._work)

    def reported(self) -> Entry:
        """Return the report on the study as it was last evaluated."""
        return delivery.last_report(self._work)

    def result_has_changed(self) -> bool:
        """Tell whether the last evaluation differs from the one that was last mailed."""
        return delivery.result_has_changed(self._work)

    def is_mailed(self, report: str) -> bool:
        """Return whether this run has mailed this report, so that a retried task does not mail it again."""
        return delivery.is_mailed(self._work, report)

    def record_mailed(self, report: str) -> None:
        """Remember that this run has mailed the report of this key, and with it the last evaluation."""
        delivery.record_mailed(self._work, report)
