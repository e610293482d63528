from imdb_tasks.report.charts.since_last_run import MOST_LINES, changes_chart
from tests.support.study_analysis import run_comparison
from tests.support.study_results import study_result

RESULT = study_result()
COMPARISON = run_comparison(RESULT)


def test_every_common_variant_has_its_difference_with_an_interval():
    chart = changes_chart(COMPARISON, RESULT.study)
    points = [trace for trace in chart.figure.data if trace.mode == "markers"]
    assert len(points) == 15
    assert all(trace.error_x.array[0] > 0 for trace in points)
    assert chart.caption.startswith("0 variants of 15 changed significantly.")


def test_what_moved_is_told_to_those_who_cannot_see_it():
    chart = changes_chart(run_comparison(RESULT, beyond=True), RESULT.study)
    assert "15 variants of 15 changed significantly; GRU-128/128 −0.1 points" in chart.alternative


def test_other_test_reviews_are_said_to_allow_no_test():
    apart = tuple(each.model_copy(update={"interval": None}) for each in COMPARISON.variants)
    chart = changes_chart(COMPARISON.model_copy(update={"same_test_reviews": False, "variants": apart}), RESULT.study)
    assert "the differences are not tested" in chart.caption


def test_runs_without_a_common_variant_have_no_chart():
    assert changes_chart(COMPARISON.model_copy(update={"variants": ()}), RESULT.study) is None


def test_a_huge_grid_is_cut():
    many = COMPARISON.model_copy(update={"variants": COMPARISON.variants * 5})
    assert len(many.variants) > MOST_LINES
    chart = changes_chart(many, RESULT.study)
    assert chart.figure.layout.height < 2_000
