import re

import pytest

from imdb_tasks.analysis import Analysis, Growth, RunComparison
from imdb_tasks.analysis.records import Change
from imdb_tasks.report.charts.looks import looks_chart
from imdb_tasks.report.growing import growth_text
from imdb_tasks.report.headline import subject
from imdb_tasks.study import StudyResult
from tests.support.growing import series


@pytest.fixture(scope="module")
def looks() -> tuple[tuple[StudyResult, Analysis], ...]:
    """Three looks of at most four: GRU is better, and of the other claims some stay open."""
    return series(looks=3, most=4)


def growth(analysis: Analysis) -> Growth:
    assert analysis.growth is not None
    return analysis.growth


def test_the_report_says_what_was_decided_now_what_is_open_and_what_that_would_take(looks) -> None:
    for number, (result, analysis) in enumerate(looks, 1):
        told = growth_text(result, growth(analysis))
        decided = len(growth(analysis).decided)
        replicates = "1 replicate" if number == 1 else f"{number} replicates"
        assert told.startswith(f"{decided} of 4 claims decided after {replicates}")
        assert ("; new: " in told) == bool(growth(analysis).news)
        for seen in growth(analysis).open:
            assert seen.title in told
        assert re.search(
            r"about \d+ more, .* of training|not even 50 replicates|could not be tested|not known yet", told
        )
        assert told.endswith("The next run goes on, to 4 at most.")


def test_at_the_end_of_a_series_it_says_that_nothing_is_trained_any_more(looks) -> None:
    result, analysis = looks[-1]
    done = growth(analysis).model_copy(update={"most": 3})
    assert growth_text(result, done).endswith("This is the end of the series: further runs train nothing.")


def test_the_subject_counts_what_was_decided_now(looks) -> None:
    for result, analysis in looks:
        count = len(growth(analysis).news)
        words = {0: "", 1: "1 claim newly decided; "}.get(count, f"{count} claims newly decided; ")
        assert re.fullmatch(rf"IMDB study( \(not the original\))?: {words}(use|no model) .*", subject(result, analysis))


def test_that_a_growing_study_has_more_replicates_than_before_is_no_news(looks) -> None:
    result, analysis = looks[1]
    grown = Change(where="settings", what="replicates", before="1", now="2")
    code = Change(where="code", what="revision", before="a", now="b")
    for changes, said in (((grown,), ""), ((grown, code), "; code changed, data unchanged")):
        comparison = RunComparison(
            previous_run="a", changes=changes, same_test_reviews=True, variants=(), summary="more of it"
        )
        told = subject(result, analysis.model_copy(update={"comparison": comparison}))
        assert told == subject(result, analysis) + said


def test_the_chart_has_a_panel_for_each_claim_and_a_point_for_each_look(looks) -> None:
    last = growth(looks[-1][1])
    chart = looks_chart(last)
    assert chart is not None
    with_effect = [seen for seen in last.looks[-1].seen if seen.effects]
    assert [list(trace.x) for trace in chart.figure.data] == [[1, 2, 3]] * len(with_effect)
    for trace, seen in zip(chart.figure.data, with_effect, strict=True):
        assert (trace.marker.symbol[-1] == "circle") == (seen.ruling in ("supported", "contradicted"))
    assert all(seen.title in chart.alternative for seen in with_effect)


def test_the_chart_shows_what_counts_as_the_same_where_that_decides(looks) -> None:
    """At the third look accuracies are shown to be the same, and the claim hangs on its other part."""
    bands = []
    for _, analysis in looks:
        chart = looks_chart(growth(analysis))
        assert chart is not None
        bands.append([(shape.y0, shape.y1) for shape in chart.figure.layout.shapes if shape.type == "rect"])
    assert bands == [[(-2.0, 2.0)], [(-2.0, 2.0)], []]  # points


def test_a_wide_early_interval_does_not_flatten_the_later_ones(looks) -> None:
    chart = looks_chart(growth(looks[-1][1]))
    assert chart is not None
    trace, axis = chart.figure.data[0], chart.figure.layout.yaxis
    low = trace.y[-1] - trace.error_y.arrayminus[-1]
    high = trace.y[-1] + trace.error_y.array[-1]
    assert axis.range[0] < low < high < axis.range[1]
    spread = max(*trace.y, high, 0.0) - min(*trace.y, low, 0.0)
    assert axis.range[1] - axis.range[0] == pytest.approx(1.5 * spread)
