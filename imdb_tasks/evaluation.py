"""Test metrics of a trained variant."""

from pathlib import Path
from typing import TYPE_CHECKING

from imdb_tasks import runtime
from imdb_tasks.results import TestMetrics

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


_BATCH = 512


def predict(model_file: Path, x_test: "npt.NDArray[np.int32]") -> "npt.NDArray[np.float32]":
    """Return the probability of "positive", float32 (reviews,), for ids int32 (reviews, max_tokens).

    The ``.keras`` file is loaded in Keras's safe mode: it may not bring code.
    """
    runtime.load_keras()
    import keras
    import numpy as np

    model = keras.saving.load_model(model_file, compile=False, safe_mode=True)
    probabilities = model.predict(np.ascontiguousarray(x_test), batch_size=_BATCH, verbose=0)
    keras.utils.clear_session()
    return np.asarray(probabilities, dtype=np.float32)[:, 0]


def measure(probabilities: "npt.NDArray[np.float32]", y_test: "npt.NDArray[np.int8]") -> TestMetrics:
    """Measure as the original does, with Keras's own metrics: mean binary cross-entropy, accuracy at 0.5, and AUC over
    200 thresholds. All are None where a probability is not finite.
    """
    import numpy as np

    if not np.isfinite(probabilities).all():
        return TestMetrics(loss=None, accuracy=None, auc=None)
    runtime.load_keras()
    import keras

    truth = y_test.astype(np.float32)
    metrics = {
        "loss": keras.metrics.BinaryCrossentropy(),
        "accuracy": keras.metrics.BinaryAccuracy(),
        "auc": keras.metrics.AUC(),
    }
    for metric in metrics.values():
        metric.update_state(truth[:, None], probabilities[:, None])
    return TestMetrics(**{name: float(metric.result()) for name, metric in metrics.items()})
