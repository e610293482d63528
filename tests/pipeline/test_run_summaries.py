import pytest

from imdb_tasks.analysis import summarise
from imdb_tasks.pipeline import Notes, ReportedRun, find_result, summary_of
from imdb_tasks.store import Store
from imdb_tasks.study import StudyResult
from tests.support.run_stores import START, keep_run
from tests.support.study_results import analysis_of, study_result


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return study_result()


def noted(store: Store, name: str = "run") -> ReportedRun:
    note = Notes(store).read(ReportedRun, name)
    assert note
    return note


def test_the_noted_summary_is_taken_and_nothing_else_is_read(store: Store, result: StudyResult) -> None:
    summary = summarise(result, analysis_of(result))
    Notes(store).write(ReportedRun(report="r", summary=summary), "run")
    assert summary_of(store, "run", noted(store)) == summary


def test_of_an_earlier_release_a_run_is_summed_up_from_its_result(store: Store, result: StudyResult) -> None:
    keep_run(store, "run", result, at=START)
    assert summary_of(store, "run", noted(store)) == summarise(result, analysis_of(result))


def test_without_the_evaluation_in_the_note_the_analysis_leads_to_it(store: Store, result: StudyResult) -> None:
    keep_run(store, "run", result, at=START)
    note = noted(store).model_copy(update={"evaluation": None})
    assert find_result(store, note) == result


def test_a_result_that_is_gone_damaged_or_of_another_form_gives_none(store: Store, result: StudyResult) -> None:
    keep_run(store, "run", result, at=START)
    keep_run(store, "damaged", result, at=START)
    entry = store.files.fetch_entry("evaluations/e-damaged")
    assert entry
    entry.joinpath("result.json").write_text("{}")
    with store.publish("evaluations", "odd", {}) as folder:
        folder.joinpath("result.json").write_text('{"weather": "fine"}')
    for evaluation in ("gone", "e-damaged", "odd"):
        note = noted(store).model_copy(update={"evaluation": evaluation})
        assert find_result(store, note) is None
        assert summary_of(store, "run", note) is None
    assert store.files.fetch_entry("evaluations/e-damaged")  # who only looks moves nothing


def test_a_run_found_later_is_not_taken_for_gone(store: Store, result: StudyResult) -> None:
    note = ReportedRun(report="r-run", analysis="a-run", evaluation="e-run")
    assert summary_of(store, "run", note) is None
    keep_run(store, "run", result, at=START)
    assert summary_of(store, "run", note) is not None


def test_a_summary_of_another_form_is_worked_out_again(store: Store, result: StudyResult) -> None:
    keep_run(store, "run", result, at=START)
    value = store.read_ref("runs/run")
    assert value
    store.write_ref("runs/run", {**value, "summary": {"weather": "fine"}})
    assert noted(store).summary is None
    assert summary_of(store, "run", noted(store)) == summarise(result, analysis_of(result))
