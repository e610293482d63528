import subprocess
import sys
from collections import Counter
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imdb_tasks.report.charts.accuracy import MOST_BARS
from imdb_tasks.report.charts.base import Chart
from imdb_tasks.report.charts.catalogue import MOST_SIZES, charts
from imdb_tasks.report.charts.curves import LOSS_CEILING, limits, spread
from imdb_tasks.report.charts.settings import Setting, settings_of
from imdb_tasks.report.charts.style import style_by_size, style_of
from imdb_tasks.study import Study, StudyResult, TrainingSettings
from tests.support.study_analysis import run_comparison, study_analysis
from tests.support.study_results import demo_result, study_result

FULL = study_result()


@cache
def all_charts() -> dict[str, Chart]:
    return {chart.name: chart for chart in charts(FULL, study_analysis(FULL, comparison=run_comparison(FULL)))}


def draw_all(result: StudyResult) -> tuple[Chart, ...]:
    return charts(result, study_analysis(result))


def settings() -> list[Setting]:
    return settings_of(FULL.variants, study_analysis(FULL))


def texts(chart: Chart) -> str:
    return " ".join(annotation.text for annotation in chart.figure.layout.annotations)


ORIGINAL = {
    "class-balance",
    "validation-accuracy",
    "batch-size-128",
    "batch-size-64",
    "batch-size-32",
    "overfitting",
    "best-batch-sizes",
    "together",
}
ADDED = {
    "test-accuracy",
    "effects",
    "effects-on-loss",
    "cost",
    "calibration",
    "confusion",
    "roc",
    "changes",
    "review-lengths",
}


def test_the_report_has_all_charts_of_the_original_and_those_that_weigh_it():
    assert all_charts().keys() == ORIGINAL | ADDED


@pytest.mark.parametrize("name", sorted(ORIGINAL | ADDED))
def test_every_chart_has_words_for_those_who_cannot_see_it(name):
    chart = all_charts()[name]
    assert chart.title
    assert chart.caption.endswith(".")
    assert len(chart.alternative) > 30


@pytest.mark.parametrize(
    "study",
    [
        Study(cells=("LSTM",)),
        Study(cells=("GRU",), units=(16,), batch_sizes=(8,)),
        Study(units=(256, 128, 64, 32, 16), batch_sizes=(512, 64)),
        Study(units=(32,), replicates=3),
        Study(training=TrainingSettings(epochs=1)),
    ],
    ids=["LSTM only", "one variant", "five sizes", "replicates", "one epoch"],
)
def test_any_grid_can_be_drawn(study):
    drawn = draw_all(study_result(study))
    assert sum(chart.name.startswith("batch-size-") for chart in drawn) == len(study.units)


def test_a_study_without_any_curve_still_has_the_charts_of_its_data():
    names = {variant.name: "no worker" for variant in Study().variants}
    drawn = draw_all(study_result(missing=names))
    assert [chart.name for chart in drawn] == [
        "test-accuracy",
        "validation-accuracy",
        "class-balance",
        "review-lengths",
    ]


def test_an_exploded_loss_does_not_flatten_the_scale():
    low, high = limits(settings(), "val_loss")
    assert 0 < low < 0.5
    assert high < LOSS_CEILING * 1.1


def test_the_scale_is_that_of_the_finished_variants():
    finished = [each for each in settings() if each.models[0].status == "finished"]
    assert limits(settings(), "val_accuracy") == limits(finished, "val_accuracy")


def test_a_scale_without_a_single_value_is_still_a_scale():
    low, high = limits([each for each in settings() if each.models[0].status == "missing"], "val_loss")
    assert low < high


def test_what_a_chart_cannot_show_is_written_on_it():
    assert "64: missing" in texts(all_charts()["validation-accuracy"])
    assert "128: diverged at epoch 7" in texts(all_charts()["validation-accuracy"])
    assert "diverged" in texts(all_charts()["test-accuracy"])


def test_a_curve_that_leaves_the_scale_says_where_it_ends():
    result = study_result(Study(cells=("LSTM",)))
    chart = next(chart for chart in draw_all(result) if chart.name == "batch-size-64")
    assert "64: off scale, ends at 578,667" in texts(chart)


def test_a_variant_looks_the_same_in_every_chart():
    seen: dict[str, set[tuple[str, str, float]]] = {}
    for chart in all_charts().values():
        for trace in chart.figure.data if chart.name != "best-batch-sizes" else ():  # there, colour is layer size
            if trace.name and trace.type == "scatter" and "/" in trace.name and trace.line.color:
                seen.setdefault(trace.name, set()).add((trace.line.color, trace.line.dash, trace.line.width))
    assert len(seen) == 18
    assert all(len(looks) == 1 for looks in seen.values())


def test_a_ring_marks_the_epoch_of_the_lowest_validation_loss_in_loss_and_accuracy():
    losses = FULL.variants[0].training.history.val_loss
    chosen = losses.index(min(losses)) + 1
    rings = [trace for trace in all_charts()["batch-size-128"].figure.data if trace.marker.symbol == "circle-open"]
    assert [trace.x[0] for trace in rings].count(chosen) == 2
    assert min(losses) in [trace.y[0] for trace in rings]


def test_no_two_variants_of_the_study_look_the_same():
    styles = {style_of(variant, FULL.study) for variant in FULL.study.variants}
    assert len(styles) == 18


def test_a_batch_size_has_its_colour_in_any_grid():
    small = Study(batch_sizes=(32, 8))
    assert style_of(small.variants[0], small).colour == style_of(FULL.study.variants[2], FULL.study).colour


def test_a_few_epochs_are_drawn_as_points_and_many_as_lines():
    few = next(chart for chart in draw_all(demo_result()) if chart.name == "batch-size-32")
    assert {trace.mode for trace in few.figure.data if trace.name} == {"lines+markers"}
    assert {trace.mode for trace in all_charts()["batch-size-32"].figure.data if trace.name} == {"lines"}


def test_published_values_stand_beside_the_measured_ones():
    known = next(trace for trace in all_charts()["test-accuracy"].figure.data if trace.name == "published")
    assert dict(zip(known.y, known.x, strict=True))["GRU-32/64"] == 0.8632


def test_the_chart_of_another_study_has_no_published_mark():
    drawn = next(chart for chart in draw_all(demo_result()) if chart.name == "test-accuracy")
    assert "published" not in drawn.figure.to_json()


def test_the_measured_ones_have_error_bars():
    bars = [up for trace in all_charts()["test-accuracy"].figure.data for up in trace.error_x.array or ()]
    assert len(bars) == 15
    assert all(0.01 < up < 0.06 for up in bars)  # of 400 reviews


def test_a_huge_grid_shows_its_best_variants_and_says_so():
    study = Study(units=tuple(range(1, 41)), training=TrainingSettings(epochs=1))
    drawn = {chart.name: chart for chart in draw_all(study_result(study))}
    assert f"The {MOST_BARS} best of 240." in drawn["test-accuracy"].caption
    assert f"The first {MOST_SIZES} of 40 layer sizes." in drawn["validation-accuracy"].caption
    assert sum(name.startswith("batch-size-") for name in drawn) == MOST_SIZES


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.3))
def test_labels_are_kept_apart_in_order_and_on_the_scale(positions, gap):
    moved = spread(positions, gap, 0.0, 1.0)
    ordered = [y for _, y in sorted(zip(positions, moved, strict=True))]
    room = min(gap, 1 / len(positions))
    assert all(b - a >= room - 1e-9 for a, b in pairwise(ordered))
    assert all(-1e-9 <= y <= 1 + 1e-9 for y in moved)


def test_labels_that_do_not_touch_stay_where_they_are():
    assert spread([0.9, 0.1, 0.5], 0.1, 0.0, 1.0) == [0.9, 0.1, 0.5]


def test_importing_the_reporting_modules_imports_neither_plotly_nor_a_browser():
    code = (
        "import sys, imdb_tasks.report.mail;"
        "print([m for m in ('plotly', 'kaleido', 'numpy', 'jinja2') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_grid_that_was_never_published_has_its_variants_on_the_axis() -> None:
    own = study_result(Study(units=(16,), batch_sizes=(16,)), diverged={}, exploding=(), missing={})
    drawn = next(chart for chart in draw_all(own) if chart.name == "test-accuracy")
    assert drawn.figure.layout.yaxis.type == "category"
    assert drawn.figure.layout.yaxis.categoryarray == ("LSTM-16/16", "GRU-16/16")


THRICE = study_result(Study(units=(32,), replicates=3), diverged={"32_LSTM_128_r1": 7}, exploding=(), missing={})


def test_replicates_are_one_line_with_a_tick_for_each() -> None:
    drawn = next(chart for chart in draw_all(THRICE) if chart.name == "test-accuracy")
    ticks = [y for trace in drawn.figure.data if trace.marker.size == 10 and trace.showlegend is False for y in trace.y]
    means = [y for trace in drawn.figure.data if (trace.name or "").startswith("batch") for y in trace.y]
    assert sorted(means) == sorted({variant.label for variant in THRICE.study.variants if not variant.replicate})
    assert Counter(ticks) == dict.fromkeys(means, 3) | {"LSTM-32/128": 2}


def test_a_training_that_diverged_is_never_a_point_on_the_accuracy_axis() -> None:
    for result in (FULL, THRICE):
        drawn = next(chart for chart in draw_all(result) if chart.name == "test-accuracy")
        names = {label for trace in drawn.figure.data if trace.name != "published" for label in trace.y}
        lost = {row.variant.label for row in result.variants if row.status != "finished" and result is FULL}
        assert not names & lost
        beside = [note for note in drawn.figure.layout.annotations if "diverged" in note.text or "fail" in note.text]
        assert beside
        assert all((note.xref, note.x) == ("paper", 1) for note in beside)


def test_replicates_are_thin_lines_behind_their_mean_with_one_label() -> None:
    drawn = next(chart for chart in draw_all(THRICE) if chart.name == "batch-size-32")
    curves = [trace for trace in drawn.figure.data if trace.mode in ("lines", "lines+markers")]
    assert Counter(trace.line.width for trace in curves) == {1: 3 * 3 * 2, 1.5: 3 * 2}
    ends = [note.text.partition("</span> ")[2] for note in drawn.figure.layout.annotations if "batch" in note.text]
    assert Counter(ends) == {"batch 128": 2, "batch 64": 2, "batch 32": 2}


def test_the_chance_line_is_that_of_the_constant_answer() -> None:
    drawn, chance = all_charts()["test-accuracy"].figure, study_analysis(FULL).choice.baseline.accuracy
    assert [shape.x0 for shape in drawn.layout.shapes] == [chance]
    low, high = drawn.layout.xaxis.range
    assert low < chance < high


def test_the_best_batch_sizes_are_coloured_by_layer_size() -> None:
    curves = [trace for trace in all_charts()["best-batch-sizes"].figure.data if trace.name]
    assert len({trace.line.color for trace in curves}) == 3
    assert {trace.line.color for trace in curves if "GRU-32/" in trace.name} == {
        style_by_size(next(v for v in FULL.study.variants if v.units == 32), FULL.study).colour
    }


def test_one_view_has_every_curve_with_its_own_entry_in_the_legend() -> None:
    traces = all_charts()["together"].figure.data
    assert len(traces) == 17  # one is missing
    assert all(trace.showlegend and trace.legendgroup == trace.name for trace in traces)


def test_curves_know_how_many_steps_and_seconds_their_epochs_took() -> None:
    traces = [trace for trace in all_charts()["batch-size-128"].figure.data if trace.name]
    assert {trace.name: trace.meta["step"] for trace in traces} == {
        "GRU-128/128": 250,
        "GRU-128/64": 500,
        "GRU-128/32": 1_000,
    }
    assert {trace.meta["time"] for trace in traces} == {19.2}
