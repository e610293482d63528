from urllib.parse import parse_qs

import pytest

from imdb_tasks.store import Store
from imdb_tasks.study import Study, TrainingSettings
from imdb_tasks.ui import InAirflow, run_list
from imdb_tasks.ui.run_list import RunQuery, RunRow, page_of, run_rows
from imdb_tasks.ui.runs import list_runs
from tests.support.ages import write_ref_at
from tests.support.run_stores import START, WEEK, keep_run, sample_result, varied
from tests.support.study_results import study_result

KNOWN = {"manual__short": InAirflow("manual", user="ada", note="Only to see")}
SHORT = Study(cells=("GRU",), units=(32,), batch_sizes=(32, 64), training=TrainingSettings(epochs=3))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[RunRow]:
    """Two scheduled runs, the second on other code; a short study, a sample, and a run whose result is gone."""
    store = Store(tmp_path_factory.mktemp("store") / "store")
    result = study_result()
    keep_run(store, "scheduled__1", result, at=START)
    keep_run(store, "scheduled__2", varied(result, 2), at=START + WEEK, code="77ab01c")
    keep_run(store, "manual__short", study_result(SHORT), at=START + 2 * WEEK, study="s2")
    keep_run(store, "manual__sample", sample_result(), at=START + 3 * WEEK, study="s3")
    write_ref_at(store, "runs/manual__gone", {"report": "r", "headline": "was good"}, START + 4 * WEEK)
    return run_rows(store, list_runs(store).runs, KNOWN)


def ids(rows: list[RunRow], query: RunQuery) -> list[str]:
    return [row.run.id.partition("__")[2] for row in page_of(rows, query).rows]


def test_each_row_says_what_kind_of_run_it_is_who_started_it_and_what_changed(rows: list[RunRow]) -> None:
    gone, sample, short, second, first = rows
    assert [row.kind for row in rows] == ["other", "sample", "other", "scheduled", "scheduled"]
    assert (short.started, short.note) == ("by ada", "Only to see")
    assert (second.started, second.before) == ("by the schedule", first.run)
    assert second.changed[0] == "code 3f9c2ab → 77ab01c"
    assert second.summary
    assert first.summary
    assert second.difference == second.summary.accuracy - first.summary.accuracy
    assert second.since.endswith("points; code 3f9c2ab → 77ab01c")
    assert first.since == sample.since == "first run of this study"
    assert (gone.summary, gone.since) == (None, "–")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (RunQuery(), ["gone", "sample", "short", "2", "1"]),
        (RunQuery(descending=False), ["1", "2", "short", "sample", "gone"]),
        (RunQuery(kind="scheduled"), ["2", "1"]),
        (RunQuery(kind="sample"), ["sample"]),
        (RunQuery(kind="other"), ["gone", "short"]),
        (RunQuery(like="scheduled__1"), ["2", "1"]),
        (RunQuery(like="nobody"), []),
        (RunQuery(text="ADA"), ["short"]),
        (RunQuery(text="only see"), ["short"]),
        (RunQuery(text="77ab01c"), ["2"]),
        (RunQuery(text="schedule 77ab01c"), ["2"]),
        (RunQuery(text="<script>"), []),
        (RunQuery(sort="run", descending=False), ["gone", "sample", "short", "1", "2"]),
        (RunQuery(sort="epochs", kind="scheduled"), ["2", "1"]),
        (RunQuery(sort="models", descending=False), ["short", "sample", "2", "1", "gone"]),
    ],
)
def test_rows_are_filtered_and_sorted(rows: list[RunRow], query: RunQuery, expected: list[str]) -> None:
    assert ids(rows, query) == expected


def test_sorted_by_accuracy_a_run_without_one_stays_last_either_way(rows: list[RunRow]) -> None:
    for descending in (True, False):
        page = page_of(rows, RunQuery(sort="accuracy", descending=descending))
        values = [row.summary.accuracy for row in page.rows if row.summary]
        assert values == sorted(values, reverse=descending)
        assert page.rows[-1].run.id == "manual__gone"


def test_a_page_beyond_the_last_is_the_last(rows: list[RunRow], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_list, "PAGE_ROWS", 2)
    page = page_of(rows, RunQuery(page=1_000_000))
    assert (page.query.page, page.last_page, page.first, page.count, page.all_count) == (3, 3, 5, 5, 5)
    assert [row.run.id for row in page.rows] == ["scheduled__1"]
    assert page_of([], RunQuery(page=3)).last_page == 1


def test_an_address_asks_for_what_it_was_made_of() -> None:
    query = RunQuery(text="ü & <b>", kind="sample", sort="run", descending=False, page=3)
    asked = {name: values[0] for name, values in parse_qs(query.address()[1:]).items()}
    assert RunQuery.model_validate(asked) == query
    assert RunQuery().address() == ""
    assert query.address(text="", kind="all", sort="reported", descending=True, page=1) == ""


def test_a_second_choice_of_the_same_column_turns_the_order_round() -> None:
    assert RunQuery(page=4).sorted_by("accuracy") == "?sort=accuracy"
    assert RunQuery(sort="accuracy").sorted_by("accuracy") == "?sort=accuracy&descending=false"
    assert RunQuery().sorted_by("run") == "?sort=run&descending=false"
