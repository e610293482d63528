"""How far the trainings of a run are, by the notes in the store."""

from dataclasses import dataclass

from imdb_tasks.errors import MissingInputError
from imdb_tasks.pipeline.notes import Progress, Training
from imdb_tasks.pipeline.workspace import Workspace
from imdb_tasks.study import Variant


@dataclass(frozen=True)
class RunProgress:
    """The trainings of a run; ``running`` has the epoch of each that has begun and not ended, 0 before its first."""

    prepared: bool
    variants: int
    ended: int
    running: dict[Variant, int]

    @property
    def begun(self) -> int:
        """How many trainings have begun; some of them may have ended."""
        return self.ended + len(self.running)


def progress_of(work: Workspace) -> RunProgress:
    """Return how far the run is. A training whose process was killed counts as running."""
    ended, running = 0, {}
    for variant in work.study.variants:
        training = work.notes.read(Training, f"{work.run_id}/{variant.name}")
        if training is None:
            continue
        noted = work.notes.read(Progress, training.model)
        if training.cached or (noted and noted.status != "training"):
            ended += 1
        else:
            running[variant] = noted.epoch if noted else 0
    return RunProgress(_is_prepared(work), len(work.study.variants), ended, running)


def _is_prepared(work: Workspace) -> bool:
    try:
        return work.store.find("arrays", work.keys.corpus()) is not None
    except MissingInputError:  # the sources are not fetched
        return False
