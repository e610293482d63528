from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    import keras

from imdb_tasks.study import (
    TestMetrics,
    TrainingSettings,
    Variant,
)
from imdb_tasks.training import model as models
from imdb_tasks.training.evaluation import evaluate

REVIEWS = 1_001  # more than one batch, and the last is not full


@pytest.fixture
def ids() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 20, (REVIEWS, 5)).astype(np.int32)


@pytest.fixture
def labels(ids) -> np.ndarray:
    return (ids.sum(axis=1) % 3 > 0).astype(np.int8)


def saved_model(folder: Path, *, fill: float | None = None) -> "keras.Model":
    matrix = np.random.default_rng(0).normal(size=(20, 100)).astype(np.float32)
    model = models.build(Variant(cell="LSTM", units=4, batch_size=4), TrainingSettings(), matrix, max_tokens=5)
    if fill is not None:
        model.set_weights([np.full(weight.shape, fill) for weight in model.get_weights()])
    model.save(folder / "model.keras")
    return model


def test_a_saved_model_has_the_metrics_and_predictions_that_keras_gives_it(tmp_path, ids, labels) -> None:
    model = saved_model(tmp_path)
    found = evaluate(tmp_path / "model.keras", ids, labels)
    expected = model.evaluate(ids, labels.astype(np.float32)[:, None], verbose=0, return_dict=True)
    np.testing.assert_allclose(found.probabilities, model.predict(ids, verbose=0)[:, 0], rtol=1e-5)
    for name, value in expected.items():
        assert getattr(found.metrics, name) == pytest.approx(value, rel=1e-5), name


def test_metrics_agree_with_scikit_learn_within_the_200_thresholds(tmp_path, ids, labels) -> None:
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

    saved_model(tmp_path)
    found = evaluate(tmp_path / "model.keras", ids, labels)
    assert found.metrics.auc == pytest.approx(roc_auc_score(labels, found.probabilities), abs=0.01)
    assert found.metrics.loss == pytest.approx(log_loss(labels, found.probabilities.astype(float)), rel=1e-4)
    assert found.metrics.accuracy == pytest.approx(accuracy_score(labels, found.probabilities > 0.5))


def test_the_accuracy_is_the_exact_share_of_the_reviews_that_are_counted_as_right(tmp_path, ids, labels) -> None:
    saved_model(tmp_path)
    found = evaluate(tmp_path / "model.keras", ids, labels)
    metrics = found.metrics
    assert metrics.right == ((found.probabilities > 0.5) == labels).sum()
    assert metrics.rows == REVIEWS
    assert metrics.accuracy == metrics.right / metrics.rows != float(np.float32(metrics.accuracy))


def test_metrics_of_a_model_that_always_says_one_half_are_golden(tmp_path, ids, labels) -> None:
    saved_model(tmp_path, fill=0.0)
    metrics = evaluate(tmp_path / "model.keras", ids, labels).metrics
    assert metrics.loss == pytest.approx(np.log(2), rel=1e-5)
    assert metrics.accuracy == pytest.approx((labels == 0).mean())
    assert metrics.auc == pytest.approx(0.5)


def test_probabilities_that_are_not_finite_have_no_metrics(tmp_path, ids, labels) -> None:
    saved_model(tmp_path, fill=float("nan"))
    assert evaluate(tmp_path / "model.keras", ids, labels).metrics == TestMetrics(loss=None, accuracy=None, auc=None)


def test_a_model_file_that_brings_code_is_refused(tmp_path, ids, labels) -> None:
    import keras

    keras.Sequential([keras.Input((5,)), keras.layers.Lambda(lambda x: x)]).save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="unsafe|safe_mode"):
        evaluate(tmp_path / "model.keras", ids, labels)
