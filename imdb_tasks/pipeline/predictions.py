"""What a model says of the test reviews: a training asks its own model, ``evaluate`` those that were not asked."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from imdb_tasks.pipeline.workspace import Workspace
from imdb_tasks.store import Entry, Lock, write_json

if TYPE_CHECKING:
    from imdb_tasks.corpus import Arrays
    from imdb_tasks.training import Evaluated

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TestReviews:
    """The arrays, which a step opens at most once, and only if it has to ask a model."""

    __test__ = False  # pytest would take it for tests

    find: Callable[[], Entry]

    @cached_property
    def arrays(self) -> "Arrays":
        """The arrays of the corpus."""
        from imdb_tasks.corpus import Arrays

        return Arrays.load(self.find().path)


def find_predictions(work: Workspace, model: str, test_reviews: TestReviews, verified: Entry | None = None) -> Entry:
    """Return what the model of a key says of the test reviews; ask its file if that is not in the store."""

    def ask() -> "Evaluated":
        from imdb_tasks.training import evaluate

        entry = verified or work.need("models", model, step="train")
        return evaluate(entry.file("model.keras"), test_reviews.arrays.x_test, test_reviews.arrays.y_test)

    return keep_predictions(work, model, ask)


def keep_predictions(work: Workspace, model: str, ask: "Callable[[], Evaluated]") -> Entry:
    """Return what the model of a key says of the test reviews; ``ask`` if that is not in the store."""

    def make(key: str, hold: Lock) -> None:
        import numpy as np

        said = ask()
        with work.store.publish("predictions", key, {"inputs": [f"models/{model}"]}, hold=hold) as folder:
            np.save(folder / "probabilities.npy", said.probabilities, allow_pickle=False)
            write_json(folder / "metrics.json", said.metrics.model_dump(mode="json"))
        log.info("models/%s: %s", model, said.metrics)

    return work.once("predictions", work.keys.predictions(model), make, step="evaluate")
