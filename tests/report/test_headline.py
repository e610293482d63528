import pytest

from imdb_tasks.analysis import RunComparison, best_model
from imdb_tasks.analysis.records import Change
from imdb_tasks.report.headline import headline, savings, subject
from imdb_tasks.study import Study, StudyResult
from tests.support.study_analysis import run_comparison, study_analysis
from tests.support.study_results import demo_result, study_result


def nothing_finished(status: str) -> StudyResult:
    names = {variant.name: "no worker" for variant in Study().variants}
    if status == "diverged":
        return study_result(diverged=dict.fromkeys(names, 1), missing={})
    return study_result(missing=names)


def subject_after(comparison: RunComparison | None) -> str:
    result = study_result()
    return subject(result, study_analysis(result, comparison=comparison))


def changed(*where: str, **update: object) -> RunComparison:
    changes = tuple(Change(where=each, what="it", before="a", now="b") for each in where)
    return run_comparison(study_result()).model_copy(update={"changes": changes, **update})


def test_the_subject_of_a_first_run_says_the_best_and_who_is_lost():
    assert subject_after(None) == "IMDB study: GRU-32/64 best at 86.2 %; 2 diverged, 1 missing"


@pytest.mark.parametrize(
    ("comparison", "news"),
    [
        (changed(), "GRU-32/64 best at 86.2 % (+0.1, not significant); 2 diverged, 1 missing; data unchanged"),
        (
            changed("code", "settings", "results"),
            "GRU-32/64 best at 86.2 % (+0.1, not significant); 2 diverged, 1 missing;"
            " settings and code changed, data unchanged",
        ),
        (
            changed("data", same_test_reviews=False),
            "GRU-32/64 best at 86.2 % (+0.1, other test reviews); 2 diverged, 1 missing; data changed",
        ),
        (changed(variants=()), "GRU-32/64 best at 86.2 %; 2 diverged, 1 missing; data unchanged"),
    ],
    ids=["nothing", "settings and code", "data", "no model in common"],
)
def test_the_subject_says_what_changed_since_the_previous_run(comparison, news):
    assert subject_after(comparison) == f"IMDB study: {news}"


def test_the_subject_says_when_a_change_is_beyond_noise():
    assert "(+0.1, significant)" in subject_after(run_comparison(study_result(), beyond=True))


def test_the_subject_of_a_short_run_says_that_it_is_not_the_original():
    result = demo_result()
    assert subject(result, study_analysis(result)).startswith("IMDB study (not the original): GRU-128/32 best at ")


@pytest.mark.parametrize("status", ["missing", "diverged"])
def test_a_study_in_which_nothing_finished_says_so(status):
    result = nothing_finished(status)
    analysis = study_analysis(result)
    assert best_model(result.variants) is None
    assert subject(result, analysis) == f"IMDB study: no variant has a test result; 18 {status}"
    assert headline(result, analysis) == f"No variant has a test result: 18 {status}."


def test_the_headline_names_the_best_and_its_margin():
    result = study_result()
    assert headline(result, study_analysis(result)) == (
        "GRU-32/64 is the most accurate, 86.2 % ± 0.7 points; no cheaper setting is statistically indistinguishable"
        " from it."
    )


def test_the_headline_recommends_the_cheaper_one_where_the_best_cannot_be_told_from_it():
    result = study_result()
    analysis = study_analysis(result)
    large = next(each.variant for each in analysis.standings if each.variant.name == "128_GRU_128")
    advice = analysis.recommendation.model_copy(update={"best": large})
    said = headline(result, analysis.model_copy(update={"recommendation": advice}))
    assert said == (
        "GRU-128/128 is the most accurate, 86.1 % ± 0.7 points; GRU-32/64, at 86.2 %, is cheaper and statistically"
        " indistinguishable from it."
    )
    assert savings(analysis, advice) == "6 % of the trainable parameters and 25 % of the training time"


def test_the_headline_of_replicates_claims_no_margin_of_one_model():
    result = study_result(Study(units=(32,), replicates=3))
    assert "±" not in headline(result, study_analysis(result))
