"""Test metrics of a trained variant."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imdb_tasks.study import THRESHOLD, TestMetrics, finite
from imdb_tasks.training import process

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


PREDICTIONS_REVISION = 3
"""Raise it when the same model and test reviews would give other probabilities or metrics."""


@dataclass(frozen=True)
class Evaluated:
    """Test metrics, and the probability of "positive" of every test review, float32 (reviews,)."""

    metrics: TestMetrics
    probabilities: "npt.NDArray[np.float32]"


def evaluate(model_file: Path, x_test: "npt.NDArray[np.int32]", y_test: "npt.NDArray[np.int8]") -> Evaluated:
    """Measure as ``keras.Model.evaluate`` does: mean binary cross-entropy, accuracy at 0.5, AUC over 200 thresholds.

    The accuracy is the exact share of the reviews that are counted as right; Keras computes it in float32, which can
    round to another tenth of a percent. The ``.keras`` file is loaded in Keras's safe mode: it may not bring code. All
    metrics are None where a probability is not finite.
    """
    process.load_keras()
    import keras

    model = keras.saving.load_model(model_file, compile=False, safe_mode=True)
    evaluated = evaluate_model(model, x_test, y_test)
    keras.utils.clear_session()
    return evaluated


def evaluate_model(model: Any, x_test: "npt.NDArray[np.int32]", y_test: "npt.NDArray[np.int8]") -> Evaluated:
    """Measure a model that is in memory; see ``evaluate``."""
    import numpy as np

    from imdb_tasks.training.engine import EVALUATION_BATCH, Batches, Engine

    engine = Engine(model, x_test, y_test)
    measured = engine.evaluate(engine.weights(), Batches.of(np.arange(len(x_test)), EVALUATION_BATCH))
    probabilities = measured.probabilities[: len(x_test)]
    if not np.isfinite(probabilities).all():
        return Evaluated(TestMetrics(loss=None, accuracy=None, auc=None), probabilities)
    right, rows = int(np.count_nonzero((probabilities > THRESHOLD) == (y_test == 1))), len(y_test)
    metrics = TestMetrics(
        loss=finite(measured.loss), accuracy=right / rows, auc=finite(measured.auc), right=right, rows=rows
    )
    return Evaluated(metrics, probabilities)
