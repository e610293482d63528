from imdb_tasks.analysis import summarise
from imdb_tasks.study import Study, StudyResult
from tests.support.run_stores import sample_result
from tests.support.study_results import analysis_of, study_result


def test_a_run_is_told_by_its_result_and_its_analysis() -> None:
    result = study_result()
    analysis = analysis_of(result)
    found = summarise(result, analysis)
    assert (found.profile, found.sample, found.original) == ("full", False, True)
    assert (found.epochs, found.replicates, found.models) == (100, 1, 18)
    assert (found.missing, found.diverged) == (1, 2)
    assert found.failed == sum(not curve.converged for curve in analysis.curves) > found.diverged
    assert analysis.choice
    assert found.setting == analysis.choice.variant.label
    assert (found.accuracy, found.interval) == (analysis.choice.accuracy, analysis.choice.interval)
    assert found.rulings == {verdict.title: verdict.ruling for verdict in analysis.verdicts}
    assert found.versions == {"keras": "3.15.1", "tensorflow": "2.21.0"}


def test_a_sample_and_another_study_are_told_from_the_original() -> None:
    sample = summarise(sample_result(), None)
    assert (sample.profile, sample.sample, sample.original) == ("quick", True, False)
    assert "a synthetic sample, no real reviews" in sample.deviations
    other = summarise(study_result(Study(cells=("GRU",))), None)
    assert (other.profile, other.sample, other.original) == ("custom", False, True)


def test_without_an_analysis_setting_and_accuracy_are_those_that_it_would_choose() -> None:
    for study in (Study(), Study(replicates=3)):
        result = study_result(study)
        alone, analysed = summarise(result, None), summarise(result, analysis_of(result))
        assert alone.setting == analysed.setting
        assert alone.accuracy is not None
        assert (alone.interval, alone.failed, alone.rulings) == (None, None, {})


def test_where_every_model_diverged_there_is_no_accuracy() -> None:
    study = Study(cells=("GRU",), units=(32,), batch_sizes=(32,))
    result = study_result(study, diverged={"32_GRU_32": 3}, exploding=(), missing={})
    found = summarise(result, None)
    assert (found.setting, found.accuracy, found.diverged) == (None, None, 1)


def test_a_summary_comes_back_from_json_as_it_was() -> None:
    result: StudyResult = study_result()
    found = summarise(result, analysis_of(result))
    assert type(found).model_validate_json(found.model_dump_json()) == found
