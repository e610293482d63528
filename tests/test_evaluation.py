from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from imdb_tasks import runtime

runtime.configure_process()

import keras  # noqa: E402

from imdb_tasks import models  # noqa: E402
from imdb_tasks.evaluation import measure, predict  # noqa: E402
from imdb_tasks.results import TestMetrics  # noqa: E402
from imdb_tasks.study import TrainingSettings, Variant  # noqa: E402


def test_metrics_of_a_constant_input_are_golden() -> None:
    probabilities = np.float32([0.9, 0.8, 0.3, 0.1])
    result = measure(probabilities, np.int8([1, 0, 1, 0]))
    assert result.accuracy == pytest.approx(0.5)
    assert result.auc == pytest.approx(0.75, abs=0.01)
    assert result.loss == pytest.approx(-np.log([0.9, 0.2, 0.3, 0.9]).mean(), rel=1e-5)


def test_metrics_agree_with_scikit_learn_within_the_200_thresholds() -> None:
    draw = np.random.default_rng(1)
    truth = draw.integers(0, 2, 2_000).astype(np.int8)
    probabilities = np.clip(truth * 0.3 + draw.random(2_000) * 0.7, 0.001, 0.999).astype(np.float32)
    result = measure(probabilities, truth)
    assert result.auc == pytest.approx(roc_auc_score(truth, probabilities), abs=0.002)
    assert result.loss == pytest.approx(log_loss(truth, probabilities.astype(float)), rel=1e-4)
    assert result.accuracy == pytest.approx(((probabilities > 0.5) == truth).mean())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_probabilities_that_are_not_finite_have_no_metrics(bad: float) -> None:
    assert measure(np.float32([0.2, bad]), np.int8([0, 1])) == TestMetrics(loss=None, accuracy=None, auc=None)


def test_a_saved_model_predicts_what_it_predicted_before(tmp_path: Path) -> None:
    matrix = np.random.default_rng(0).normal(size=(20, 100)).astype(np.float32)
    model = models.build(Variant(cell="LSTM", units=4, batch_size=4), TrainingSettings(), matrix, max_tokens=5)
    ids = np.random.default_rng(0).integers(0, 20, (7, 5)).astype(np.int32)
    model.save(tmp_path / "model.keras")
    expected = model.predict(ids, verbose=0)[:, 0]
    np.testing.assert_allclose(predict(tmp_path / "model.keras", ids), expected, rtol=1e-6)


def test_a_model_file_that_brings_code_is_refused(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((5,)), keras.layers.Lambda(lambda x: x)]).save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="unsafe|safe_mode"):
        predict(tmp_path / "model.keras", np.zeros((1, 5), np.int32))
