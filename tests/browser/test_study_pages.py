"""*Study* and the comparison of two runs in a real browser: with one replicate and three, with divergence, with one
variant, with 200 settings, and with more runs than fit a page.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from imdb_tasks.store import Store
from imdb_tasks.study import Study, TrainingSettings
from imdb_tasks.ui import InAirflow, RunQuery, comparison_page, find_run, study_page
from tests.support.run_stores import START, WEEK, keep_run, sample_result, varied
from tests.support.shown_pages import DESK, PHONE, ROOT, Screen, Shown, shown
from tests.support.study_results import study_result

ONE = Study(cells=("GRU",), units=(32,), batch_sizes=(32,), training=TrainingSettings(epochs=3))
THREE = Study(replicates=3, training=TrainingSettings(epochs=12))
WIDE = Study(units=tuple(range(8, 88, 8)), batch_sizes=tuple(range(16, 176, 16)), training=TrainingSettings(epochs=12))
OPPOSITES = (DESK, Screen(width=360, scheme="dark"))
KNOWN = {
    "manual__one": InAirflow("manual", user="ada", note="only to <b>see</b>"),
    "scheduled__1": InAirflow("scheduled"),
}
MADE: dict[str, Callable[[], Study]] = {
    "one replicate": Study,
    "three replicates": lambda: THREE,
    "one variant": lambda: ONE,
    "200 settings": lambda: WIDE,
}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Store]:
    """One store for each kind of study, with two runs of it; the models that diverge are in the names of the grid."""
    made = {}
    for number, (name, study) in enumerate(MADE.items()):
        made[name] = Store(Path(tmp_path_factory.mktemp("stores"), str(number)))
        first = study_result(study(), diverged={"32_LSTM_128": 7, "8_LSTM_16": 3}, exploding={"64_LSTM_64"}, missing={})
        keep_run(made[name], "first", first, at=START)
        keep_run(made[name], "second", varied(first, number), at=START + WEEK, code="77ab01c")
    return made


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with 60 scheduled runs, an experiment, and a sample as the newest."""
    store = Store(tmp_path_factory.mktemp("busy") / "store")
    study = Study(training=TrainingSettings(epochs=3))
    for number in range(60):
        keep_run(store, f"scheduled__{number}", varied(study_result(study), number % 5), at=START + number * WEEK)
    keep_run(store, "manual__one", study_result(ONE), at=START + 61 * WEEK, study="s2")
    keep_run(store, "manual__sample", sample_result(), at=START + 62 * WEEK, study="s3")
    return store


def compared(store: Store) -> str:
    runs = [find_run(store, name) for name in ("first", "second")]
    assert all(runs)
    return comparison_page(store, *runs, ROOT)


def column(seen: Shown, number: int) -> list[str]:
    cells = seen.page.locator(f"table.runs tbody tr > :nth-child({number})").all_inner_texts()
    return [text.split("\n")[0] for text in cells]


@pytest.mark.parametrize("screen", OPPOSITES, ids=str)
@pytest.mark.parametrize("made", MADE)
def test_both_pages_are_there_for_everybody(
    browser: Browser, stores: dict[str, Store], made: str, screen: Screen
) -> None:
    pages = {"": study_page(stores[made], ROOT), "compare": compared(stores[made])}
    for path in pages:
        with shown(browser, pages, path, screen) as seen:
            assert seen.axe() == []
            assert seen.faults == []
            assert not seen.is_wider_than_the_screen()


@pytest.mark.parametrize("screen", OPPOSITES, ids=str)
def test_a_long_list_is_there_for_everybody(browser: Browser, busy: Store, screen: Screen) -> None:
    with shown(browser, {"": study_page(busy, ROOT, known=KNOWN)}, screen=screen) as seen:
        assert seen.axe() == []
        assert seen.faults == []
        assert not seen.is_wider_than_the_screen()


def test_the_headline_is_of_the_scheduled_study_and_the_rows_say_what_each_run_was(
    browser: Browser, busy: Store
) -> None:
    with shown(browser, {"": study_page(busy, ROOT, known=KNOWN)}) as seen:
        assert "scheduled__59" in seen.page.inner_text("section[aria-labelledby=latest]")
        rows = seen.page.locator("table.runs tbody tr")
        assert rows.count() == 50
        sample, experiment, scheduled = (rows.nth(number).inner_text() for number in range(3))
        assert "sample" in sample
        assert "quick, 3 epochs, 1 replicate" in sample
        assert "1 diverged" in sample
        assert "another study" in experiment
        assert "started by ada" in experiment
        assert "“only to <b>see</b>”" in experiment
        assert "scheduled study" in scheduled
        assert "started by the schedule" in scheduled


def test_the_list_is_sorted_filtered_and_paged_with_the_keyboard_alone(browser: Browser, busy: Store) -> None:
    queries = {
        "": RunQuery(),
        "?sort=accuracy": RunQuery(sort="accuracy"),
        "?page=2": RunQuery(page=2),
        "?text=&kind=sample&sort=reported&descending=true": RunQuery(kind="sample"),
    }
    pages = {path: study_page(busy, ROOT, query, KNOWN) for path, query in queries.items()}
    for scripts in (True, False):
        with shown(browser, pages, screen=Screen(scripts=scripts)) as seen:
            seen.page.get_by_role("link", name="Accuracy").focus()
            seen.page.keyboard.press("Enter")
            seen.page.wait_for_url("**/?sort=accuracy")
            found = column(seen, 7)
            assert found == sorted(found, reverse=True)
            assert seen.page.locator("th[aria-sort=descending]").inner_text().startswith("Accuracy")
            seen.page.goto(seen.page.url.partition("?")[0])
            seen.page.get_by_role("link", name="Next").focus()
            seen.page.keyboard.press("Enter")
            seen.page.wait_for_url("**/?page=2")
            assert seen.page.locator("table.runs tbody tr").count() == 12
            seen.page.get_by_label("Study", exact=True).select_option("sample")
            seen.page.get_by_label("Text").press("Enter")
            seen.page.wait_for_url("**/?text=&kind=sample*")
            assert seen.page.locator("table.runs tbody tr").count() == 1
            assert seen.faults == []


def test_every_run_of_the_trend_has_a_point_within_the_chart(browser: Browser, busy: Store) -> None:
    for screen in (DESK, PHONE):
        with shown(browser, {"": study_page(busy, ROOT)}, screen=screen) as seen:
            chart = seen.page.locator("figure.trend svg")
            box = chart.bounding_box()
            assert box
            points = [point.bounding_box() for point in chart.locator("circle").all()]
            assert len(points) == 60
            assert all(p and box["y"] - 6 <= p["y"] <= box["y"] + box["height"] for p in points)
            labels = [text.bounding_box() for text in chart.locator("text").all()]
            assert all(label and label["x"] >= 0 for label in labels)


def test_the_curves_of_both_runs_lie_over_each_other(browser: Browser, stores: dict[str, Store]) -> None:
    lines = {"one replicate": (18, 1), "three replicates": (18, 3), "one variant": (1, 1), "200 settings": (24, 1)}
    for made, (settings, replicates) in lines.items():
        with shown(browser, {"compare": compared(stores[made])}, "compare") as seen:
            loss = seen.page.locator("ul.panels").first
            assert loss.locator("li").count() == settings
            first = loss.locator("li").first
            assert first.locator("polyline.before").count() == first.locator("polyline.after").count() == replicates
