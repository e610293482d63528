import pytest

from imdb_tasks.errors import SettingsError
from imdb_tasks.store import Store
from imdb_tasks.ui import runs
from tests.support.ages import write_ref_at


def note_run(store: Store, name: str, *, at: float, analysis: str = "a1") -> None:
    about = {
        "report": f"r-{name}",
        "headline": f"news of {name}",
        "analysis": analysis,
        "code": "abc",
    }
    write_ref_at(store, f"runs/{name}", about, at)


def test_runs_are_listed_newest_first_and_no_more_than_asked_for(store: Store) -> None:
    for number in range(5):
        note_run(store, f"run-{number}", at=1_000.0 + number)
    found, count = runs.newest_runs(store, 2)
    assert [run.id for run in found] == ["run-4", "run-3"]
    assert count == 5
    assert found[0].headline == "news of run-4"
    assert found[0].written.timestamp() == 1_004


def test_a_run_leads_to_the_analysis_that_its_report_was_made_of(store: Store) -> None:
    note_run(store, "manual__2026-11-23T00:00:00+00:00", at=1.0, analysis="a7")
    run = runs.find_run(store, "manual__2026-11-23T00:00:00+00:00")
    assert run
    assert (run.report, run.analysis) == ("r-manual__2026-11-23T00:00:00+00:00", "a7")


def test_there_is_no_run_where_none_was_noted(store: Store) -> None:
    assert runs.newest_runs(store, 10) == ([], 0)
    assert runs.find_run(store, "run") is None


@pytest.mark.parametrize("name", ["../runs", ".hidden", "a b", ""])
def test_what_cannot_be_a_run_is_refused(store: Store, name: str) -> None:
    with pytest.raises(SettingsError, match="cannot name an artifact"):
        runs.find_run(store, name)
