import pytest

from imdb_tasks.analysis import RunComparison, best_model
from imdb_tasks.analysis.records import Candidate, Change
from imdb_tasks.report.headline import headline, subject
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


def test_the_subject_of_a_first_run_says_what_to_use_and_who_is_lost():
    assert subject_after(None) == "IMDB study: use GRU-32/64, 86.2 %; 2 diverged, 1 missing"


@pytest.mark.parametrize(
    ("comparison", "news"),
    [
        (changed(), "use GRU-32/64, 86.2 % (+0.1 points); 2 diverged, 1 missing; data unchanged"),
        (
            changed("code", "settings", "results"),
            "use GRU-32/64, 86.2 % (+0.1 points); 2 diverged, 1 missing; settings and code changed, data unchanged",
        ),
        (
            changed("data", same_test_reviews=False),
            "use GRU-32/64, 86.2 % (+0.1 points); 2 diverged, 1 missing; data changed",
        ),
        (changed(variants=()), "use GRU-32/64, 86.2 %; 2 diverged, 1 missing; data unchanged"),
    ],
    ids=["nothing", "settings and code", "data", "no model in common"],
)
def test_the_subject_says_what_changed_since_the_previous_run(comparison, news):
    assert subject_after(comparison) == f"IMDB study: {news}"


def test_the_subject_of_a_short_run_says_that_it_is_not_the_original():
    result = demo_result()
    assert subject(result, study_analysis(result)).startswith("IMDB study (not the original): use GRU-128/32, ")


@pytest.mark.parametrize("status", ["missing", "diverged"])
def test_a_study_in_which_nothing_finished_says_so(status):
    result = nothing_finished(status)
    analysis = study_analysis(result)
    assert best_model(result.variants) is None
    assert subject(result, analysis) == f"IMDB study: no model has a test result; 18 {status}"
    assert headline(result, analysis) == f"No model has a test result: 18 {status}."


def test_the_headline_says_what_to_use_and_what_that_rests_on():
    result = study_result()
    assert headline(result, study_analysis(result)) == (
        "Use GRU-32/64: 86.2 % of 10,000 test reviews right (95 % interval 82.5 to 89.3 %)."
    )


def test_the_headline_recommends_a_cheaper_setting_with_its_own_accuracy():
    result = study_result()
    analysis = study_analysis(result)
    large = next(each for each in analysis.standings if each.variant.name == "128_GRU_128")
    small = next(each for each in analysis.standings if each.variant.name == "32_GRU_64")
    candidate = Candidate(
        variant=small.variant,
        trainable_parameters=small.trainable_parameters,
        accuracy=small.accuracy,
        loss=0.001,
        loss_limit=0.0083,
        good_enough=True,
    )
    changed = {
        "choice": analysis.choice.model_copy(update={"variant": large.variant}),
        "recommendation": analysis.recommendation.model_copy(update={"use": small.variant, "candidates": (candidate,)}),
    }
    said = headline(result, analysis.model_copy(update=changed))
    assert said == headline(result, analysis)


def test_what_is_no_better_than_the_constant_answer_is_not_advised():
    result = study_result()
    analysis = study_analysis(result)
    nothing = analysis.recommendation.model_copy(update={"use": None, "why": "No model is shown to be better."})
    changed = analysis.model_copy(update={"recommendation": nothing})
    assert headline(result, changed) == "No model is shown to be better."
    assert "no model shown to be better than always “negative”" in subject(result, changed)


def test_the_headline_of_replicates_is_about_their_mean():
    result = study_result(Study(units=(32,), replicates=3))
    assert "in the mean of 3 trainings" in headline(result, study_analysis(result))
