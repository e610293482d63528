"""A study run step by step in this process, up to where a test begins, and copies of one that was run before."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from imdb_tasks.pipeline import Steps
from imdb_tasks.store import Store
from imdb_tasks.study import Study

RUN = "run-1"


def prepared(study: Study, store: Store, run_id: str = RUN) -> Steps:
    """Run a study until its arrays are there."""
    steps = Steps(study, store, run_id)
    steps.fetch_reviews()
    steps.fetch_glove()
    steps.prepare()
    return steps


def evaluated(study: Study, store: Store, run_id: str = RUN) -> Steps:
    """Run a study until its models are trained and measured."""
    steps = prepared(study, store, run_id)
    for variant in study.variants:
        steps.train(variant)
    steps.evaluate()
    return steps


def reached(study: Study, store: Store, run_id: str = RUN) -> Steps:
    """Run a study to its report."""
    steps = evaluated(study, store, run_id)
    steps.report()
    return steps


@dataclass(frozen=True)
class FinishedStudy:
    """A study that was run once for all tests, kept as it was at three stages. Each test works on a copy of its own.

    Its report has no pictures: the run had no browser.
    """

    study: Study
    folder: Path

    @staticmethod
    def run(study: Study, folder: Path) -> None:
        """Run the study in an empty folder and keep the store at each stage."""
        prepared(study, Store(folder / "prepared"))
        evaluated(study, Store(_copied(folder / "prepared", folder / "evaluated")))
        reached(study, Store(_copied(folder / "evaluated", folder / "reported")))

    def prepared(self, root: Path, study: Study | None = None) -> Steps:
        """Copy the store as it was when the arrays were there. Another ``study`` must have the same corpus."""
        return self._at("prepared", root, study)

    def evaluated(self, root: Path) -> Steps:
        """Copy the store as it was when the models were trained and measured."""
        return self._at("evaluated", root)

    def reported(self, root: Path) -> Steps:
        """Copy the store of the finished study."""
        return self._at("reported", root)

    def _at(self, stage: str, root: Path, study: Study | None = None) -> Steps:
        return Steps(study or self.study, Store(_copied(self.folder / stage, root)), RUN)


def _copied(stage: Path, root: Path) -> Path:
    return Path(shutil.copytree(stage, root, dirs_exist_ok=True))
