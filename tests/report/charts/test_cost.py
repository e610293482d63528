from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_tasks.report.charts.base import Chart
from imdb_tasks.report.charts.cost import compute, cost_chart, front
from imdb_tasks.report.table import setting_rows, table_rows
from imdb_tasks.study import Study, StudyResult, TrainingRecord
from tests.support.study_analysis import study_analysis
from tests.support.study_results import study_result


def chart_of(result: StudyResult) -> Chart | None:
    analysis = study_analysis(result)
    return cost_chart(setting_rows(table_rows(result, analysis), analysis), result)


POINTS = st.lists(st.tuples(st.floats(1, 1e6), st.floats(0, 1)), min_size=1, max_size=20)


@cache
def chart() -> Chart:
    return chart_of(study_result())


@given(POINTS)
def test_no_point_is_cheaper_and_as_accurate_as_one_of_the_front(points):
    chosen = front(points)
    for index in chosen:
        cost, accuracy = points[index]
        assert not any((c <= cost and a > accuracy) or (c < cost and a >= accuracy) for c, a in points)


@given(POINTS)
def test_every_other_point_is_beaten_by_one_of_the_front(points):
    chosen = front(points)
    for cost, accuracy in points:
        assert any(points[i][0] <= cost and points[i][1] >= accuracy for i in chosen)


def test_the_front_is_named_for_those_who_cannot_see_it():
    assert chart().alternative == "Test accuracy against parameters. No smaller setting equals GRU-32/64."


def test_a_setting_far_below_the_best_is_clipped_and_counted():
    assert "Triangles at the bottom: 4 below the scale." in chart().caption
    clipped = [trace for trace in chart().figure.data if trace.marker.symbol == "triangle-down-open"]
    assert len(clipped) == 4 * 3


def test_every_finished_model_has_its_interval_in_every_panel_unless_it_is_clipped():
    assert sum(trace.error_y.array is not None for trace in chart().figure.data) == (15 - 4) * 3


def test_time_is_drawn_where_it_differs_by_more_than_its_noise_and_memory_not_below_a_half():
    titles = [axis.title.text for axis in chart().figure.select_xaxes()]
    assert titles == [
        "Trainable parameters (log scale)",
        "Compute of a training, TFLOP (log scale)",
        "Training time without compilation, seconds (log scale)",
    ]
    assert "no more than its noise: peak memory." in chart().caption


def test_equal_times_are_not_drawn():
    result = study_result()
    unsteady = [
        each.model_copy(update={"training": with_times(each.training, (1.0, 9.0, 2.0, 7.0) * 25)})
        if each.training
        else each
        for each in result.variants
    ]
    drawn = chart_of(result.model_copy(update={"variants": tuple(unsteady)}))
    assert len(list(drawn.figure.select_xaxes())) == 2


def with_times(record: TrainingRecord, seconds: tuple[float, ...]) -> TrainingRecord:
    history = record.history.model_copy(update={"seconds": seconds[: record.history.epochs]})
    return record.model_copy(update={"history": history})


def test_the_compute_is_that_of_the_matrix_products():
    variant = next(each for each in Study().variants if each.name == "32_GRU_64")
    step, head = 3 * 32 * (100 + 32), 32 * 32 + 32
    assert compute(variant, study_result()) == pytest.approx(6 * (100 * step + head) * 32_000 * 100 / 1e12)


def test_costs_that_differ_much_are_on_a_log_scale_with_round_ticks():
    time = chart().figure.layout["xaxis3"]
    assert time.type == "log"
    assert list(time.ticktext) == ["500", "1,000", "2,000"]


def test_names_do_not_collide_and_stay_inside_of_their_panel():
    for axis in ("x", "x2", "x3"):
        low, high = chart().figure.layout[f"xaxis{axis[1:]}"].range
        places = [note.ax for note in chart().figure.layout.annotations if note.xref == axis]
        assert places
        assert all(low < place < high for place in places)


def test_without_a_finished_variant_there_is_nothing_to_draw():
    assert chart_of(study_result(missing={variant.name: "no worker" for variant in Study().variants})) is None


@pytest.mark.parametrize("study", [Study(units=(32,), batch_sizes=(64,)), Study(cells=("GRU",), units=(7, 9))])
def test_any_grid_can_be_drawn(study):
    assert chart_of(study_result(study)).figure.data
