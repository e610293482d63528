import html
import re

import pytest
from markupsafe import escape

from imdb_tasks.formatting import percent
from imdb_tasks.report import Made, first_screen, template_environment
from imdb_tasks.store import Store
from imdb_tasks.study import Study, StudyResult
from imdb_tasks.ui import InAirflow, RunQuery, pages, run_list, runs, training_page
from tests.support.ages import copied_without_times
from tests.support.reported import keep_conclusions
from tests.support.run_stores import keep_run, sample_result
from tests.support.study_results import analysis_of, study_result
from tests.ui.test_runs import note_run

ROOT = "/imdb-study"
NASTY = "<script>alert('1')</script>&\""


def grid(*units: int) -> StudyResult:
    study = Study(cells=("GRU",), units=units, batch_sizes=(32,))
    return study_result(study, diverged={}, exploding=(), missing={})


def run_of(store: Store, name: str) -> runs.Run:
    run = runs.find_run(store, name)
    assert run
    return run


def test_without_a_report_the_page_says_what_to_do(store: Store) -> None:
    assert "There is no report yet" in pages.study_page(store, ROOT)


def test_the_overview_leads_to_each_report_and_chooses_the_two_newest_runs(store: Store) -> None:
    for number in range(3):
        note_run(store, f"run-{number}", at=1_000.0 + number)
    page = pages.study_page(store, ROOT)
    assert page.index("news of run-2") < page.index("run-1") < page.index("run-0")
    assert 'href="/imdb-study/runs/run-0/report"' in page
    assert re.findall(r'name="(\w+)" value="([\w-]+)"[^>]* checked', page) == [("after", "run-2"), ("before", "run-1")]


def test_a_copy_of_the_store_without_file_times_gives_the_same_overview(store: Store, tmp_path) -> None:
    for name in ("b", "c", "a"):
        store.write_ref(f"runs/{name}", {"report": f"r-{name}", "headline": f"news of {name}", "analysis": "a1"})
    copy = copied_without_times(store, tmp_path / "copy")
    assert pages.study_page(copy, ROOT) == pages.study_page(store, ROOT)
    assert [run.id for run in runs.list_runs(copy).runs] == ["a", "c", "b"]
    assert run_of(copy, "c") == run_of(store, "c")


def test_a_single_run_has_nothing_to_be_compared_with(store: Store) -> None:
    note_run(store, "run", at=1.0)
    assert re.search(r"<button[^>]* disabled", pages.study_page(store, ROOT))


def test_of_many_runs_there_are_pages(store: Store, monkeypatch) -> None:
    monkeypatch.setattr(run_list, "PAGE_ROWS", 2)
    for number in range(3):
        note_run(store, f"run-{number}", at=1_000.0 + number)
    page = pages.study_page(store, ROOT)
    assert "Rows 1 to 2 of 3 runs" in page
    assert "run-0" not in page
    assert 'href="/imdb-study/?page=2">Next' in page
    last = pages.study_page(store, ROOT, RunQuery(page=9))
    assert "Rows 3 to 3 of 3 runs" in last
    assert "run-0" in last


def test_a_run_whose_result_is_gone_keeps_its_headline_and_a_line_says_so(store: Store) -> None:
    note_run(store, "run", at=1.0, analysis="pruned")
    page = pages.study_page(store, ROOT)
    assert page.count("news of run") == 2
    assert "Its result was pruned, is damaged, or has the form of another release." in page


def test_notes_that_cannot_be_read_are_counted_in_a_line(store: Store) -> None:
    note_run(store, "run", at=1.0)
    store.write_ref("runs/odd", {"analysis": "a"})
    assert "1 note of a run in the store cannot be read, so it is not listed." in pages.study_page(store, ROOT)


def test_the_headline_says_what_the_first_screen_of_the_report_says(store: Store) -> None:
    result = study_result()
    keep_run(store, "scheduled__1", result, at=1_000.0, code="77ab01c")
    keep_run(store, "manual__sample", sample_result(), at=2_000.0, study="s2")
    page = html.unescape(pages.study_page(store, ROOT)).replace("\N{NO-BREAK SPACE}", " ")
    said = first_screen(result, analysis_of(result), Made("1970-01-01 00:16 UTC", "scheduled__1", "77ab01c"))
    for words in (said.learned, said.use, said.price, said.limit, *(text for pair in said.trust for text in pair)):
        assert words in page
    made = {"Date": "1970-01-01 00:16 UTC", "Run": "scheduled__1", "Data": dict(said.made)["Data"], "Code": "77ab01c"}
    assert all(f"<dt>{name}</dt><dd>{words}</dd>" in page for name, words in made.items())
    for verdict in analysis_of(result).verdicts:
        assert verdict.reason in page
    assert "The newest run of the scheduled study" in page


def test_without_a_run_of_the_scheduled_study_a_sample_is_called_a_sample(store: Store) -> None:
    keep_run(store, "manual__sample", sample_result(), at=1.0)
    page = pages.study_page(store, ROOT)
    assert "The scheduled study has no report yet. This run is on the synthetic sample" in page


def test_a_headline_without_readable_conclusions_is_the_noted_one(store: Store) -> None:
    keep_run(store, "scheduled__1", study_result(), at=1.0)
    store.remove("analyses", "a-scheduled__1")
    page = pages.study_page(store, ROOT)
    assert '<p class="lead">news of scheduled__1</p>' in page
    assert "the report has them" in page


def rows_of(page: str) -> dict[str, list[str]]:
    """Return the cells of each model's row."""
    table = page.partition("on the test reviews</h2>")[2].partition("</table>")[0]
    found = re.findall(r'<tr><th scope="row">([^<]*)</th>(.*?)</tr>', table, re.DOTALL)
    return {name: re.findall(r"<td[^>]*>([^<]*)</td>", cells) for name, cells in found}


def compared(store: Store, before: StudyResult, after: StudyResult) -> str:
    for at, (name, result) in enumerate((("first", before), ("second", after))):
        keep_run(store, name, result, at=1.0 + at)
    return pages.comparison_page(store, run_of(store, "first"), run_of(store, "second"), ROOT)


def test_two_runs_are_compared_with_what_changed_and_what_is_beyond_noise(store: Store) -> None:
    page = compared(store, grid(64), grid(64, 32))
    assert "The same data." in page
    assert ">64, 32</td>" in page
    [same] = rows_of(page).values()
    assert same[0] == same[1]
    assert same[2:5] == ["0.0", "0.0 to 0.0", "no"]
    assert "<summary>1 model of the run after only</summary>" in page
    assert "of the run before only" not in page


def test_what_a_variant_came_to_stands_where_it_has_no_accuracy(store: Store) -> None:
    rows = rows_of(compared(store, study_result(), study_result()))
    assert rows["LSTM-32/128"][:2] == ["diverged", "diverged"]
    assert rows["LSTM-128/64"] == ["missing", "missing", *["–"] * 7]
    assert len(rows) == 18


def test_on_other_test_reviews_differences_are_shown_without_intervals(store: Store) -> None:
    after = grid(64)
    card = after.data_card.model_copy(update={"reviews_sha256": "ff" * 32})
    page = compared(store, grid(64), after.model_copy(update={"data_card": card}))
    assert "shown but not tested" in page
    assert "Beyond the reviews" not in page
    assert rows_of(page)["GRU-64/32"][2] == "0.0"


def test_a_run_whose_result_is_gone_is_named(store: Store) -> None:
    keep_conclusions(store, "a1", study_result())
    note_run(store, "first", at=1.0)
    note_run(store, "second", at=2.0, analysis="gone")
    page = pages.comparison_page(store, run_of(store, "first"), run_of(store, "second"), ROOT)
    assert "Of second there is nothing to compare" in page


def test_losses_auc_and_accuracies_are_those_of_the_stored_result(store: Store) -> None:
    result = study_result()
    rows = rows_of(compared(store, result, result))
    for row in result.variants:
        if row.test:
            cells = rows[row.variant.label]
            assert cells[:2] == [percent(row.test.accuracy)] * 2
            assert cells[5:] == [number(row.test.loss)] * 2 + [number(row.test.auc)] * 2


def number(value: float | None) -> str:
    return template_environment(escape=True).filters["number"](value)


def test_rulings_stand_side_by_side_with_their_reasons(store: Store) -> None:
    before, after = study_result(), grid(64)
    page = compared(store, before, after)
    for verdict in (*analysis_of(before).verdicts, *analysis_of(after).verdicts):
        assert verdict.ruling in page
        assert str(escape(verdict.reason.replace(" %", "\N{NO-BREAK SPACE}%"))) in page


def test_without_the_results_the_conclusions_are_still_compared(store: Store) -> None:
    page = compared(store, grid(64), grid(64))
    assert "Learning curves</h2>" in page
    store.remove("evaluations", "e-first")
    page = pages.comparison_page(store, run_of(store, "first"), run_of(store, "second"), ROOT)
    assert "Of first only the conclusions are left" in page
    assert "Learning curves</h2>" not in page
    [cells] = rows_of(page).values()
    assert cells[5] == cells[7] == "–"
    assert cells[6] != "–"


@pytest.mark.parametrize("page", ["study", "message", "curves"])
def test_nothing_from_outside_becomes_markup(store: Store, page: str) -> None:
    store.write_ref("runs/run", {"report": "r", "headline": NASTY, "code": NASTY})
    made = {
        "study": lambda: pages.study_page(store, ROOT, known={"run": InAirflow("manual", user=NASTY, note=NASTY)}),
        "message": lambda: pages.message_page(NASTY, ROOT),
        "curves": lambda: pages.curves_page(
            training_page.TrainingProgress(variant=NASTY, state=NASTY, ended=True), ROOT, f"x{NASTY}"
        ),
    }[page]()
    assert "&lt;script&gt;alert" in made
    assert "<script>alert" not in made


def test_no_page_brings_scripts_or_styles_of_its_own(store: Store) -> None:
    note_run(store, "run", at=1.0)
    for page in (
        pages.study_page(store, ROOT),
        pages.curves_page(training_page.TrainingProgress(variant="v", state="s", ended=True), ROOT, "x"),
    ):
        assert re.findall(r"<script(?![^>]* src=)|<style| style=| on\w+=", page) == []
        assert "http" not in page
