"""A store is copied without the times of its files, or a clock is set back: what was last, and what was before."""

import datetime
from pathlib import Path

import pytest

from imdb_tasks.pipeline import NOTES, Steps, last_evaluation
from imdb_tasks.store import PrunePolicy, Store, list_entries, prune_store
from imdb_tasks.store import store as stores
from imdb_tasks.study import Study
from imdb_tasks.ui import list_runs, study_page
from tests.support.ages import copied_without_times
from tests.support.refs import latest_ref
from tests.support.stepping import prepared

pytestmark = pytest.mark.slow  # trains three models for the copies


@pytest.fixture(scope="module")
def ran(tiny_study: Study, tmp_path_factory: pytest.TempPathFactory) -> Steps:
    """Three runs whose names, in their order, are not the order of time; the last one has no report yet.

    Each has one more of the study's models than the one before.
    """
    store = Store(tmp_path_factory.mktemp("ran") / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROWSER_PATH", "/no-such-browser")
        with_models(tiny_study, 1, store, "run-c").report()
        with_models(tiny_study, 2, store, "run-a").report()
    return with_models(tiny_study, 3, store, "run-b")


def with_models(study: Study, count: int, store: Store, run_id: str) -> Steps:
    """Train the first models of a study of three, and evaluate them."""
    steps = prepared(study.model_copy(update={"cells": ("GRU",), "batch_sizes": (16, 8, 4)}), store, run_id)
    for variant in steps.study.variants[:count]:
        steps.train(variant)
    steps.evaluate()
    return steps


def entries(store: Store) -> set[str]:
    return {entry.name for entry in list_entries(store)}


def test_a_copy_without_file_times_has_the_same_last_run_and_the_same_run_before(
    ran: Steps, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("BROWSER_PATH", "/no-such-browser")
    copy = copied_without_times(ran.store, tmp_path / "copy")
    assert last_evaluation(copy).key == last_evaluation(ran.store).key == ran.evaluate().key
    assert study_page(copy, "/root") == study_page(ran.store, "/root")
    assert [run.id for run in list_runs(copy).runs] == ["run-a", "run-c"]
    Steps(ran.study, copy, "run-b").report()
    notes = copy.refs("analysed")
    assert list(notes.values())[-1]["previous"]["run"] == "run-a"
    assert [run.id for run in list_runs(copy).runs] == ["run-b", "run-a", "run-c"]


def test_prune_keeps_the_same_in_the_copy(ran: Steps, tmp_path: Path) -> None:
    copies = [copied_without_times(ran.store, tmp_path / name) for name in ("one", "two")]
    for path in Path(copies[0].where, "refs", "runs").iterdir():
        path.touch()  # a copy in the middle of which a second went by
    policy = PrunePolicy(runs=1, days=0)
    one, two = (prune_store(copy, policy, NOTES, dry_run=False) for copy in copies)
    assert one.entries == two.entries == prune_store(ran.store, policy, NOTES, dry_run=True).entries != []
    assert entries(copies[0]) == entries(copies[1])
    kept = copies[0].refs("runs")["run-a"]
    assert f"reports/{kept['report']}" in entries(copies[0])


def test_what_was_written_after_a_clock_was_set_back_stands_where_its_time_says(store: Store, monkeypatch) -> None:
    noon = datetime.datetime(2026, 10, 25, 12, tzinfo=datetime.UTC)
    for name, minutes in (("b", 0), ("c", 60), ("a", 60), ("d", 30)):  # set back by half an hour before the last one
        moment = noon + datetime.timedelta(minutes=minutes)
        monkeypatch.setattr(stores, "now", lambda moment=moment: moment)
        store.write_ref(f"evaluated/{name}", {"key": name})
    assert list(store.refs("evaluated")) == ["b", "d", "a", "c"]
    assert latest_ref(store, "evaluated") == {"key": "c"}
    monkeypatch.undo()
    store.write_ref("evaluated/b", {"key": "b"})
    assert latest_ref(store, "evaluated") == {"key": "b"}
