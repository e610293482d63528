import pytest

from imdb_tasks.analysis import RunSummary
from imdb_tasks.errors import SettingsError
from imdb_tasks.store import Store
from imdb_tasks.study import LocalSource, Study, TrainingSettings
from imdb_tasks.ui import runs
from imdb_tasks.ui.runs import InAirflow
from tests.support.ages import write_ref_at
from tests.support.run_stores import START, WEEK, keep_run, sample_result
from tests.support.study_results import study_result


def note_run(store: Store, name: str, *, at: float, analysis: str = "a1") -> None:
    about = {
        "report": f"r-{name}",
        "headline": f"news of {name}",
        "analysis": analysis,
        "code": "abc",
    }
    write_ref_at(store, f"runs/{name}", about, at)


def run_named(store: Store, name: str) -> runs.Run:
    note_run(store, name, at=1.0)
    run = runs.find_run(store, name)
    assert run
    return run


def test_runs_are_listed_newest_first(store: Store) -> None:
    for number in range(5):
        note_run(store, f"run-{number}", at=1_000.0 + number)
    found = runs.list_runs(store)
    assert [run.id for run in found.runs] == [f"run-{number}" for number in (4, 3, 2, 1, 0)]
    assert found.unreadable == 0
    assert found.runs[0].note.headline == "news of run-4"
    assert found.runs[0].written.timestamp() == 1_004


def test_a_damaged_note_and_one_of_another_form_are_counted_and_left_where_they_are(store: Store) -> None:
    note_run(store, "good", at=1.0)
    store.write_ref("runs/odd", {"analysis": "a"})
    store.files.write("refs/runs/damaged.json", b"{}")
    found = runs.list_runs(store)
    assert [run.id for run in found.runs] == ["good"]
    assert found.unreadable == 2
    assert store.files.read("refs/runs/damaged.json") == b"{}"


def test_a_run_leads_to_the_analysis_that_its_report_was_made_of(store: Store) -> None:
    note_run(store, "manual__2026-11-23T00:00:00+00:00", at=1.0, analysis="a7")
    run = runs.find_run(store, "manual__2026-11-23T00:00:00+00:00")
    assert run
    assert (run.note.report, run.note.analysis) == ("r-manual__2026-11-23T00:00:00+00:00", "a7")


def test_there_is_no_run_where_none_was_noted(store: Store) -> None:
    assert runs.list_runs(store) == runs.ListedRuns((), 0)
    assert runs.find_run(store, "run") is None
    assert runs.headline_run(store, ()) is None


def headline_of(store: Store) -> str | None:
    run = runs.headline_run(store, runs.list_runs(store).runs)
    return run.id if run else None


def test_the_headline_is_the_newest_run_of_the_study_that_the_schedule_runs(store: Store) -> None:
    keep_run(store, "scheduled__2026-01-05", study_result(), at=START)
    keep_run(store, "manual__the-same-again", study_result(), at=START + WEEK)
    short = Study(training=TrainingSettings(epochs=12))
    keep_run(store, "manual__an-experiment", study_result(short), at=START + 2 * WEEK, study="s2")
    keep_run(store, "manual__a-sample", sample_result(), at=START + 3 * WEEK, study="s3")
    assert headline_of(store) == "manual__the-same-again"


def test_a_run_by_hand_with_fewer_replicates_does_not_take_the_headline_of_a_study_that_grew(store: Store) -> None:
    grown = Study(replicates=2)
    keep_run(store, "scheduled__2026-01-05", study_result(), at=START)
    keep_run(store, "scheduled__2026-01-12", study_result(grown), at=START + WEEK)
    keep_run(store, "manual__once", study_result(), at=START + 2 * WEEK)
    assert headline_of(store) == "scheduled__2026-01-12"
    keep_run(store, "manual__grown", study_result(grown), at=START + 3 * WEEK)
    assert headline_of(store) == "manual__grown"


def test_before_the_first_scheduled_run_the_headline_is_a_run_of_the_default_study_on_real_data(store: Store) -> None:
    keep_run(store, "the-study-from-a-folder", full_study(), at=START)
    keep_run(store, "another-grid", study_result(Study(cells=("GRU",))), at=START + WEEK, study="s2")
    keep_run(store, "a-sample", sample_result(), at=START + 2 * WEEK, study="s3")
    assert headline_of(store) == "the-study-from-a-folder"


def full_study():
    return study_result(Study(reviews=LocalSource(path="/data"), glove=LocalSource(path="/data")))


def test_where_there_is_nothing_but_a_sample_the_headline_is_its_newest_run(store: Store) -> None:
    keep_run(store, "first", sample_result(), at=START)
    keep_run(store, "second", sample_result(), at=START + WEEK)
    assert headline_of(store) == "second"


@pytest.mark.parametrize(
    ("name", "known", "told"),
    [
        ("scheduled__2026-01-05T00:00:00+00:00", None, "by the schedule"),
        ("mine", InAirflow("scheduled"), "by the schedule"),
        ("manual__1", InAirflow("manual", user="ada"), "by ada"),
        ("manual__1", InAirflow("manual"), "by hand"),
        ("manual__1", None, "by hand"),
        ("backfill__1", None, "as a backfill"),
        ("backfill__1", InAirflow("backfill", user="ada"), "by ada as a backfill"),
        ("asset_triggered__1", InAirflow("asset_triggered"), "as asset triggered"),
        ("by-hand-2026-11-23T00:00:00Z", None, "outside Airflow, or its record was deleted"),
    ],
)
def test_who_or_what_started_a_run_is_said(store: Store, name: str, known: InAirflow | None, told: str) -> None:
    run = run_named(store, name)
    assert runs.started(run, {run.id: known} if known else {}) == told


def summary(**facts: object) -> RunSummary:
    usual = {
        "profile": "full",
        "sample": False,
        "original": True,
        "deviations": (),
        "epochs": 100,
        "replicates": 1,
        "models": 18,
        "missing": 0,
        "diverged": 1,
        "failed": 2,
        "setting": "GRU-32/64",
        "accuracy": 0.86,
        "interval": None,
        "backend": "tensorflow",
        "versions": {"keras": "3.15.0", "numpy": "2.4"},
        "rulings": {"a": "supported", "b": "not decided"},
    }
    return RunSummary.model_validate({**usual, **facts})


def test_what_changed_since_the_run_before_is_said(store: Store) -> None:
    run = run_named(store, "run")
    before = runs.Run("before", run.written, run.note.model_copy(update={"code": "old"}))
    now = summary(
        backend="jax",
        versions={"keras": "3.15.1", "numpy": "2.4"},
        setting="GRU-64/64",
        diverged=0,
        missing=3,
        rulings={"a": "contradicted", "b": "not decided", "c": "supported"},
    )
    assert runs.changes_since(run, now, before, summary()) == [
        "code old → abc",
        "backend tensorflow → jax",
        "keras 3.15.0 → 3.15.1",
        "best setting GRU-32/64 → GRU-64/64",
        "diverged 1 → 0",
        "missing 0 → 3",
        "1 other ruling",
    ]
    assert runs.changes_since(run, summary(), run, summary()) == []


@pytest.mark.parametrize("name", ["../runs", ".hidden", "a b", ""])
def test_what_cannot_be_a_run_is_refused(store: Store, name: str) -> None:
    with pytest.raises(SettingsError, match="cannot name an artifact"):
        runs.find_run(store, name)
