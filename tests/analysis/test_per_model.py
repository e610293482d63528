import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

from imdb_tasks.analysis.bootstrap import Predictions
from imdb_tasks.analysis.estimates import wilson
from imdb_tasks.analysis.measuring import measure
from imdb_tasks.analysis.per_model import calibration, confusion, failure_rates, roc
from imdb_tasks.study import Variant
from tests.support.study_results import opinions, study_result

VARIANT = Variant(cell="GRU", units=32, batch_size=64)


def predictions(probabilities: list[float], labels: list[int]) -> Predictions:
    return Predictions((VARIANT.name,), np.array(labels, np.int8), np.array([probabilities], np.float32))


def test_calibration_of_six_reviews_by_hand():
    found = calibration(predictions([0.05, 0.15, 0.15, 0.95, 0.95, 1.0], [0, 0, 1, 1, 1, 1]), VARIANT)
    assert [(b.low, b.count, b.positive_share) for b in found.bins] == [(0.0, 1, 0.0), (0.1, 2, 0.5), (0.9, 3, 1.0)]
    assert found.brier == pytest.approx((0.05**2 + 0.15**2 + 0.85**2 + 2 * 0.05**2 + 0) / 6)
    assert found.ece == pytest.approx((1 * 0.05 + 2 * 0.35 + 3 * (1 - 2.9 / 3)) / 6, abs=1e-6)


def test_one_class_is_calibrated_too():
    assert calibration(predictions([0.9, 0.8], [1, 1]), VARIANT).brier == pytest.approx((0.01 + 0.04) / 2)


def test_confusion_counts_the_four_cases_and_half_is_negative():
    found = confusion(predictions([0.9, 0.5, 0.6, 0.1, 0.2], [1, 1, 0, 0, 0]), VARIANT)
    assert (found.true_positive, found.false_negative, found.false_positive, found.true_negative) == (1, 1, 1, 2)


def test_precision_recall_and_f1_are_those_of_scikit_learn():
    said, labels = [0.9, 0.5, 0.6, 0.1, 0.7, 0.8], [1, 1, 0, 0, 1, 1]
    found = confusion(predictions(said, labels), VARIANT)
    expected = precision_recall_fscore_support(labels, [p > 0.5 for p in said], average="binary")[:3]
    assert (found.precision, found.recall, found.f1) == pytest.approx(expected)


def test_a_model_that_never_says_positive_has_no_precision():
    found = confusion(predictions([0.1, 0.2], [1, 0]), VARIANT)
    assert (found.precision, found.recall, found.f1) == (None, 0.0, 0.0)


def test_a_roc_curve_has_few_points_and_the_area_of_all():
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 5_000)
    said = np.clip(0.5 + 0.2 * (labels - 0.5) + 0.2 * random.standard_normal(5_000), 0, 1)
    tested = predictions(said.tolist(), labels.tolist())
    found = roc(tested, VARIANT)
    assert len(found.false_positive_rate) == len(found.true_positive_rate) <= 101
    area = np.trapezoid(found.true_positive_rate, found.false_positive_rate)
    assert area == pytest.approx(roc_auc_score(labels, tested.row(VARIANT.name)), abs=0.002)


def test_one_class_has_no_roc_curve():
    assert roc(predictions([0.9, 0.8], [1, 1]), VARIANT) is None


def test_failures_are_counted_of_those_trained_by_level():
    result = study_result()
    rates = {(rate.factor, rate.level): rate for rate in failure_rates(measure(result, opinions(result), 20))}
    lstm = rates["cell", "LSTM"]
    assert (lstm.failed, lstm.diverged, lstm.trained) == (3, 2, 8)  # one exploded; the ninth is missing
    assert lstm.interval.low < lstm.rate < lstm.interval.high
    assert (rates["cell", "GRU"].failed, rates["batch_size", 128].failed) == (0, 1)


def test_a_share_of_none_still_has_an_interval():
    interval = wilson(0 / 9, 9)
    assert interval.low == pytest.approx(0.0, abs=1e-12)
    assert interval.high == pytest.approx(0.2991, abs=5e-5)
