from functools import cache

import pytest

from imdb_tasks.analysis import Analysis
from imdb_tasks.analysis.evidence import Interval
from imdb_tasks.report.charts.effects import _blocks, accuracy_effects, loss_effects
from tests.support.study_analysis import study_analysis
from tests.support.study_results import analysis_of, study_result


@cache
def analysis() -> Analysis:
    return study_analysis(study_result())


def lines(chart):
    return [(trace.x[0], trace.x[1], trace.line.width) for trace in chart.figure.data if trace.mode == "lines"]


def points(chart):
    return [(trace.x[0], trace.marker.symbol) for trace in chart.figure.data if trace.mode == "markers"]


def notes(chart):
    return [annotation.text for annotation in chart.figure.layout.annotations]


def test_accuracies_are_in_percentage_points_with_their_numbers_beside_them():
    chart = accuracy_effects(analysis())
    assert [round(x, 1) for x, _ in points(chart)] == [11.3, 0.4, -0.3]
    assert notes(chart) == ["+11.3 (+9.8 to +13.1)", "+0.4 (−1.1 to +2.2)", "−0.3 (−1.8 to +1.5)"]


def test_the_wide_interval_is_thin_and_that_of_the_reviews_alone_thick():
    (low, high, thin), (inner_low, inner_high, thick), *_ = lines(accuracy_effects(analysis()))
    assert low < inner_low < inner_high < high
    assert thin < thick


def test_only_what_is_told_from_none_is_filled():
    assert [symbol for _, symbol in points(accuracy_effects(analysis()))] == ["circle", "circle-open", "circle-open"]


def test_other_outcomes_have_panels_of_their_own():
    chart = loss_effects(analysis())
    assert any(note.startswith("<b>overfitting") for note in notes(chart))
    assert any(note.startswith("<b>roughness") for note in notes(chart))


def test_an_exploded_loss_is_clipped_and_does_not_flatten_the_others():
    huge = {"estimate": 3e5, "interval": Interval(low=1.0, high=6e5)}
    effects = tuple(
        each.model_copy(update=huge) if each.outcome == "overfitting" and each.factor == "cell" else each
        for each in analysis().effects
    )
    chart = loss_effects(analysis().model_copy(update={"effects": effects}))
    places = points(chart)
    assert places[0][1] == "triangle-right"
    assert all(abs(x) < 1 for x, _ in places)


@pytest.mark.parametrize("draw", [accuracy_effects, loss_effects])
def test_a_grid_without_a_contrast_has_no_chart(draw):
    assert draw(analysis().model_copy(update={"effects": ()})) is None


def test_an_effect_without_an_interval_is_a_point_alone():
    effects = tuple(each.model_copy(update={"interval": None}) for each in analysis().effects)
    chart = accuracy_effects(analysis().model_copy(update={"effects": effects}))
    assert lines(chart) == []
    assert notes(chart)[0] == "+11.3"


def test_layer_and_batch_sizes_of_the_same_numbers_keep_their_own_intervals() -> None:
    real = analysis_of(study_result())
    [block] = _blocks(real, ("accuracy",))
    for effect, inner in zip(block.effects, block.inner, strict=True):
        assert inner is not None
        assert (inner.factor, inner.first, inner.second) == (effect.factor, effect.first, effect.second)
        assert inner.estimate == pytest.approx(effect.estimate, abs=1e-9)
