import datetime
import re

import pytest

from imdb_tasks.analysis import Interval
from imdb_tasks.formatting import percent
from imdb_tasks.pipeline import ReportedRun
from imdb_tasks.ui.run_list import RunRow
from imdb_tasks.ui.runs import Run
from imdb_tasks.ui.trend import HEIGHT, trend
from tests.ui.test_runs import summary

DAY = datetime.datetime(2026, 1, 5, tzinfo=datetime.UTC)


def row(number: int, accuracy: float | None, *, code: str = "a", half: float | None = 0.007) -> RunRow:
    run = Run(f"run-{number}", DAY + datetime.timedelta(days=number), ReportedRun(report="r", code=code))
    interval = None if accuracy is None or half is None else Interval(low=accuracy - half, high=accuracy + half)
    facts = summary(accuracy=accuracy, interval=interval)
    return RunRow(run, "scheduled", facts, "", "", None, (), None)


def test_points_go_from_the_oldest_run_to_the_newest_and_higher_is_better() -> None:
    chart = trend([row(2, 0.87), row(1, 0.85), row(0, 0.86, code="before")])
    assert chart
    assert [point.x for point in chart.points] == [0, 50, 100]
    first, second, third = (point.y for point in chart.points)
    assert third < first < second
    assert [point.code_changed for point in chart.points] == [False, True, False]
    assert chart.alternative == (
        "Test accuracy of 3 runs: 86.0 % in the oldest, 87.0 % in the newest; lowest 85.0 %, highest 87.0 %."
    )


@pytest.mark.parametrize("accuracies", [(0.5, 0.5), (0.0, 1.0), (0.861, 0.8612), (0.01, 0.012), (1.0, 1.0)])
def test_points_intervals_and_labels_lie_within_the_chart_and_no_label_stands_twice(accuracies) -> None:
    for half in (None, 0.007):
        chart = trend([row(number, value, half=half) for number, value in enumerate(accuracies)])
        assert chart
        for point in chart.points:
            assert 0 <= point.high <= point.y <= point.low <= HEIGHT
        texts = [tick.text for tick in chart.ticks]
        assert 1 <= len(texts) == len(set(texts)) <= 5
        assert all(-0.1 <= tick.y <= HEIGHT + 0.1 for tick in chart.ticks)


def test_a_run_without_an_accuracy_is_left_out_and_one_point_is_no_trend() -> None:
    assert trend([row(1, None), row(0, 0.86)]) is None
    assert trend([]) is None
    chart = trend([row(2, 0.87), row(1, None), row(0, 0.86)])
    assert chart
    assert len(chart.points) == 2


def test_of_many_runs_the_newest_are_shown() -> None:
    chart = trend([row(number, 0.86) for number in range(100, 0, -1)])
    assert chart
    assert (len(chart.points), chart.left_out) == (60, 40)
    assert chart.newest.run.id == "run-100"


def test_every_accuracy_of_ten_thousand_reviews_is_written_as_everywhere_else() -> None:
    for right in range(0, 10_001, 7):
        chart = trend([row(1, right / 10_000, half=None), row(0, 0.5, half=None)])
        assert chart
        assert re.search(r": (.*)$", chart.points[-1].text)[1] == percent(right / 10_000)  # type: ignore[index]
