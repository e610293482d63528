import re

import pytest

from imdb_tasks import live, runs, views
from imdb_tasks.store import Store
from imdb_tasks.study import Study
from tests.study_results import study_result
from tests.test_runs import note_run

ROOT = "/imdb-study"
NASTY = "<script>alert('1')</script>&\""


def evaluated(store: Store, key: str, study: Study | None = None) -> None:
    with store.publish("evaluations", key, {}) as folder:
        folder.joinpath("result.json").write_text(study_result(study).model_dump_json())


def run_of(store: Store, name: str) -> runs.Run:
    run = runs.find(store, name)
    assert run
    return run


def test_without_a_report_the_page_says_what_to_do(store: Store) -> None:
    assert "There is no report yet" in views.overview(store, ROOT)


def test_the_overview_leads_to_each_report_and_chooses_the_two_newest_runs(store: Store) -> None:
    for number in range(3):
        note_run(store, f"run-{number}", at=1_000.0 + number)
    page = views.overview(store, ROOT)
    assert page.index("news of run-2") < page.index("run-1") < page.index("run-0")
    assert 'href="/imdb-study/runs/run-0/report"' in page
    assert re.findall(r'name="(\w+)" value="([\w-]+)"[^>]* checked', page) == [("after", "run-2"), ("before", "run-1")]


def test_a_single_run_has_nothing_to_be_compared_with(store: Store) -> None:
    note_run(store, "run", at=1.0)
    assert re.search(r"<button[^>]* disabled", views.overview(store, ROOT))


def test_of_many_runs_the_newest_are_shown_and_the_rest_is_counted(store: Store, monkeypatch) -> None:
    monkeypatch.setattr(views, "SHOWN_RUNS", 2)
    for number in range(3):
        note_run(store, f"run-{number}", at=1_000.0 + number)
    page = views.overview(store, ROOT)
    assert "The newest 2 of 3 runs" in page
    assert "run-0" not in page


def test_two_runs_are_compared_with_signs_and_in_points(store: Store) -> None:
    evaluated(store, "e1", Study(cells=("GRU",), units=(64,), batch_sizes=(32,)))
    evaluated(store, "e2", Study(cells=("GRU",), units=(64, 32), batch_sizes=(32,)))
    note_run(store, "first", at=1.0, evaluation="e1")
    note_run(store, "second", at=2.0, evaluation="e2")
    page = views.compared(store, run_of(store, "first"), run_of(store, "second"), ROOT)
    assert "The same data." in page
    assert ">64, 32</td>" in page
    assert "not in this run" in page
    assert "GRU-32/32" in page


def test_a_run_whose_result_is_gone_is_named(store: Store) -> None:
    evaluated(store, "e1")
    note_run(store, "first", at=1.0)
    note_run(store, "second", at=2.0, evaluation="gone")
    page = views.compared(store, run_of(store, "first"), run_of(store, "second"), ROOT)
    assert "The results of second are not in the store any more" in page


@pytest.mark.parametrize("page", ["study", "message", "curves"])
def test_nothing_from_outside_becomes_markup(store: Store, page: str) -> None:
    store.write_ref("runs/run", {"report": "r", "headline": NASTY, "code": NASTY})
    made = {
        "study": lambda: views.overview(store, ROOT),
        "message": lambda: views.message(NASTY, ROOT),
        "curves": lambda: views.curves(live.Live(variant=NASTY, state=NASTY, ended=True), ROOT, f"x{NASTY}"),
    }[page]()
    assert "&lt;script&gt;alert" in made
    assert "<script>alert" not in made


def test_no_page_brings_scripts_or_styles_of_its_own(store: Store) -> None:
    note_run(store, "run", at=1.0)
    for page in (views.overview(store, ROOT), views.curves(live.Live(variant="v", state="s", ended=True), ROOT, "x")):
        assert re.findall(r"<script(?![^>]* src=)|<style| style=| on\w+=", page) == []
        assert "http" not in page
