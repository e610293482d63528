from functools import cache

from imdb_tasks.analysis import Analysis
from imdb_tasks.report.charts.calibration import calibration_chart, confusion_chart, roc_chart
from tests.support.study_analysis import study_analysis
from tests.support.study_results import study_result


@cache
def analysis() -> Analysis:
    return study_analysis(study_result())


def test_a_calibration_has_a_point_with_its_interval_for_every_bin():
    bins = analysis().calibration.bins
    diagonal, curve, counts = calibration_chart(analysis().calibration).figure.data
    assert diagonal.x == diagonal.y == (0, 1)
    assert list(curve.y) == [each.positive_share for each in bins]
    assert [y + up for y, up in zip(curve.y, curve.error_y.array, strict=True)] == [b.interval.high for b in bins]
    assert list(counts.y) == [each.count for each in bins]


def test_a_calibration_says_where_it_is_furthest_from_the_truth():
    chart = calibration_chart(analysis().calibration)
    assert "Furthest from the line: where it says" in chart.alternative
    assert f"{analysis().calibration.ece:.3f} (ECE)" in chart.caption


def test_a_confusion_counts_every_review_once():
    right, wrong = confusion_chart(analysis().confusion).figure.data
    counts = analysis().confusion
    assert sum(right.x) + sum(wrong.x) == 400
    positive = counts.true_positive + counts.false_negative
    assert right.text[0] == f"{counts.true_positive} right ({100 * counts.true_positive / positive:.1f} %)"
    assert wrong.x[0] == counts.false_negative


def test_a_class_without_reviews_can_be_drawn():
    empty = analysis().confusion.model_copy(update={"true_negative": 0, "false_positive": 0})
    assert "negative reviews: 0 right" in confusion_chart(empty).alternative


def test_a_roc_curve_goes_from_corner_to_corner_and_names_its_area():
    chance, curve = roc_chart(analysis().roc, 0.9321).figure.data
    assert chance.x == chance.y == (0, 1)
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    assert "0.9321 (AUC)" in roc_chart(analysis().roc, 0.9321).caption
