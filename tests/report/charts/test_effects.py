from functools import cache

import pytest

from imdb_tasks.analysis import Analysis
from imdb_tasks.analysis.evidence import Interval
from imdb_tasks.report.charts.effects import accuracy_effects, loss_effects
from tests.support.study_analysis import study_analysis
from tests.support.study_results import study_result


@cache
def analysis() -> Analysis:
    return study_analysis(study_result())


def lines(chart):
    return [(trace.x[0], trace.x[1], trace.line.width) for trace in chart.figure.data if trace.mode == "lines"]


def points(chart):
    return [(trace.x[0], trace.marker.symbol) for trace in chart.figure.data if trace.mode == "markers"]


def labels(chart):
    """The words beside each effect, from the top: what is compared, and its numbers."""
    return [text for axis in chart.figure.select_yaxes() for text in axis.ticktext[::-1]]


def notes(chart):
    return [annotation.text for annotation in chart.figure.layout.annotations]


def test_accuracies_are_in_percentage_points_with_their_numbers_beside_them():
    chart = accuracy_effects(analysis())
    effects = [effect for effect in analysis().effects if effect.outcome == "accuracy"]
    assert [x for x, _ in points(chart)] == pytest.approx([100 * effect.estimate for effect in effects])
    interval = effects[0].interval
    expected = [f"{100 * value:+.1f}" for value in (effects[0].estimate, interval.low, interval.high)]
    assert labels(chart)[0] == "GRU − LSTM<br><b>{} ({} to {})</b>".format(*expected)


def test_only_what_is_told_from_none_is_filled():
    told = tuple(
        effect.model_copy(update={"p_corrected": 0.001 if effect.factor == "cell" else 0.2})
        for effect in analysis().effects
        if effect.outcome == "accuracy"
    )
    chart = accuracy_effects(analysis().model_copy(update={"effects": told}))
    assert [symbol for _, symbol in points(chart)] == ["circle"] + ["circle-open"] * 6


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
    clipped = [x for x, symbol in points(chart) if symbol == "triangle-right"]
    [edge] = clipped
    others = [e for e in effects if e.outcome == "overfitting" and e.factor != "cell"]
    assert edge <= 2.2
    assert edge < 15 * max(abs(end) for each in others for end in (each.interval.low, each.interval.high))


@pytest.mark.parametrize("draw", [accuracy_effects, loss_effects])
def test_a_grid_without_a_contrast_has_no_chart(draw):
    assert draw(analysis().model_copy(update={"effects": ()})) is None


def test_an_effect_without_an_interval_is_a_point_alone():
    effects = tuple(each.model_copy(update={"interval": None}) for each in analysis().effects)
    chart = accuracy_effects(analysis().model_copy(update={"effects": effects}))
    assert lines(chart) == []
    assert "(" not in labels(chart)[0]


def test_a_ratio_is_drawn_on_a_scale_of_factors():
    chart = loss_effects(analysis())
    ticks = next(axis.ticktext for axis in chart.figure.select_xaxes() if axis.ticktext)
    assert "×1" in ticks
