"""The report page in a real browser: readable by everyone, on any screen, without any network."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from imdb_tasks.analysis import reported_accuracy
from imdb_tasks.report import build
from tests.support.reports import KINDS, unusual
from tests.support.study_analysis import material, run_comparison, study_analysis
from tests.support.study_results import study_result


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    result = study_result()
    analysis = study_analysis(result, comparison=run_comparison(result))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "save_pictures", lambda figures, target: "none were drawn for this test")
        build.write_report(material(result, analysis=analysis), folder)
    return folder / "report.html"


@dataclass
class Seen:
    """A page, and what it said and asked for while it was open."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


def show(browser: Browser, report: Path, *, width: int = 1_000, scheme: str = "light") -> Iterator[Seen]:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    seen = Seen(page)
    page.on("console", lambda message: seen.said.append(message.text))
    page.on("pageerror", lambda error: seen.said.append(str(error)))
    page.on("request", lambda request: seen.asked.append(request.url))
    page.goto(report.as_uri())
    yield seen
    page.close()


@pytest.fixture
def seen(browser: Browser, report: Path) -> Iterator[Seen]:
    yield from show(browser, report)


@pytest.fixture(params=["light", "dark"])
def in_either_scheme(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[Seen]:
    yield from show(browser, report, scheme=request.param)


@pytest.fixture
def on_a_phone(browser: Browser, report: Path) -> Iterator[Seen]:
    yield from show(browser, report, width=360)


def open_everything(page: Page) -> None:
    """Open every part of the page, and go down it until each chart is drawn."""
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    for chart in page.locator("[id^='chart-']").all():
        chart.scroll_into_view_if_needed()
        chart.locator(".main-svg").first.wait_for()


def ink(page: Page, selector: str) -> str:
    return page.evaluate(f"getComputedStyle(document.querySelector({selector!r})).color")


def test_axe_finds_nothing_with_every_part_open(in_either_scheme: Seen) -> None:
    open_everything(in_either_scheme.page)
    found = Axe().run(in_either_scheme.page)
    assert found.violations_count == 0, found.generate_report()


def test_the_page_neither_complains_nor_asks_for_anything(seen: Seen, report: Path) -> None:
    open_everything(seen.page)
    assert seen.said == []
    assert [url for url in seen.asked if not url.startswith(("data:", "blob:"))] == [report.as_uri()]


def test_every_chart_is_drawn_once_it_is_near(seen: Seen) -> None:
    drawn = seen.page.locator("[id^='chart-']:has(.main-svg)")
    seen.page.locator("#chart-test-accuracy .main-svg").first.wait_for()
    assert drawn.count() < seen.page.locator("[id^='chart-']").count()
    open_everything(seen.page)
    assert drawn.count() == seen.page.locator("[id^='chart-']").count() == 17


def test_no_chart_is_cut_by_its_own_edges(seen: Seen) -> None:
    open_everything(seen.page)
    outside = seen.page.evaluate(
        """() => [...document.querySelectorAll("[id^='chart-']")].flatMap((chart) => {
            const box = chart.getBoundingClientRect();
            return [...chart.querySelectorAll("text")].filter((text) => text.textContent.trim()).filter((text) => {
                const own = text.getBoundingClientRect();
                return own.left < box.left - 1 || own.right > box.right + 1 || own.bottom > box.bottom + 1;
            }).map((text) => chart.id + ": " + text.textContent);
        })"""
    )
    assert outside == []


def test_a_phone_shows_the_page_without_scrolling_sideways(on_a_phone: Seen) -> None:
    open_everything(on_a_phone.page)
    assert on_a_phone.page.evaluate("document.documentElement.scrollWidth") == 360
    assert on_a_phone.said == []


def test_a_phone_shows_the_first_answer_on_its_first_screen(on_a_phone: Seen) -> None:
    box = on_a_phone.page.locator(".lead").first.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 300


def test_a_first_screen_answers_the_three_questions(browser: Browser, report: Path) -> None:
    for seen in show(browser, report, width=1_280):
        for answer in seen.page.locator(".summary .lead").all():
            box = answer.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] < 800
        assert seen.page.locator(".summary .lead").count() == 3


@pytest.mark.parametrize("kind", KINDS)
def test_any_study_is_readable_by_everyone_on_any_screen(browser: Browser, tmp_path: Path, kind: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "save_pictures", lambda figures, target: "none were drawn for this test")
        build.write_report(unusual(kind), tmp_path)
    for seen in show(browser, tmp_path / "report.html", width=360):
        open_everything(seen.page)
        found = Axe().run(seen.page)
        assert found.violations_count == 0, found.generate_report()
        assert seen.page.evaluate("document.documentElement.scrollWidth") == 360
        assert seen.said == []


def test_a_click_in_the_legend_hides_what_it_names_and_another_shows_it(seen: Seen) -> None:
    chart, curves = (
        seen.page.locator("#chart-validation-accuracy"),
        seen.page.locator("#chart-validation-accuracy .scatterlayer .trace .js-line"),
    )
    chart.scroll_into_view_if_needed()
    entry = chart.locator(".legendtoggle").first
    entry.wait_for()
    before = curves.count()
    entry.click()
    expect(curves).to_have_count(before - 6)  # batches of 128: a curve in each of six panels
    entry.click()
    expect(curves).to_have_count(before)


def test_a_name_in_the_legend_brings_its_curves_to_the_fore(seen: Seen) -> None:
    chart = seen.page.locator("#chart-validation-accuracy")
    chart.scroll_into_view_if_needed()
    chart.locator(".legendtoggle").first.hover()
    faint = chart.locator(".scatterlayer .trace[style*='opacity: 0.12']")
    expect(faint.first).to_be_attached()
    assert faint.count() > 10
    seen.page.mouse.move(0, 0)
    expect(faint).to_have_count(0)


def test_curves_can_be_drawn_over_steps_and_over_time(seen: Seen) -> None:
    chart = seen.page.locator("#chart-together")
    seen.page.locator("summary", has_text="in one view").click()
    chart.locator(".main-svg").first.wait_for()
    for axis, title, end in (("step", "Training step", 100_000), ("training time", "Training time", 1_920)):
        seen.page.get_by_label(axis, exact=True).check()
        chart.locator(".xtitle", has_text=title).wait_for()
        reach = seen.page.evaluate("document.getElementById('chart-together').layout.xaxis.range[1]")
        assert reach == pytest.approx(1.03 * end)


def saved(seen: Seen, name: str) -> bytes:
    with seen.page.expect_download() as download:
        seen.page.get_by_role("button", name=name).click()
    return Path(download.value.path()).read_bytes()


def test_table_and_curves_can_be_saved_as_csv_and_json(seen: Seen) -> None:
    everything = json.loads(saved(seen, "All, JSON"))
    models = list(csv.DictReader(io.StringIO(saved(seen, "Models, CSV").decode())))
    curves = list(csv.DictReader(io.StringIO(saved(seen, "Curves, CSV").decode())))
    result = study_result()
    assert [row["accuracy"] for row in models] == [
        "" if reported_accuracy(row) is None else repr(reported_accuracy(row)) for row in result.variants
    ]
    assert [each["model"] for each in everything["models"]] == [row["model"] for row in models]
    assert len(curves) == sum(row.training.history.epochs for row in result.variants if row.training)
    assert float(curves[99]["val_loss"]) == result.variants[0].training.history.val_loss[-1]


def test_each_chart_can_be_saved_as_a_picture(seen: Seen) -> None:
    seen.page.locator("#chart-test-accuracy .main-svg").first.wait_for()
    assert saved(seen, "Save “Test accuracy of every setting” as PNG").startswith(b"\x89PNG")
    assert b"<svg" in saved(seen, "Save “Test accuracy of every setting” as SVG")


def test_the_table_is_sorted_with_the_keyboard(seen: Seen) -> None:
    table = seen.page.locator("table[data-records=models]")
    head = table.locator("th[data-key=accuracy]")
    head.locator("button").focus()
    for order, reverse in (("descending", True), ("ascending", False)):
        seen.page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == order
        shown = [cell.partition(" ")[0] for cell in table.locator("tbody tr td:nth-child(2)").all_inner_texts()]
        known = [float(text) for text in shown if text[:1].isdigit()]
        assert known == sorted(known, reverse=reverse)
        assert len(known) == 15
        assert not any(text[:1].isdigit() for text in shown[15:])  # those without an accuracy stay at the end


def test_print_begins_with_a_summary_of_two_sheets(browser: Browser, report: Path) -> None:
    for seen in show(browser, report, width=718):  # an A4 sheet less its margins, at 96 dots per inch
        seen.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        seen.page.emulate_media(media="print")
        edges = seen.page.evaluate(
            """["accuracy", "claims"].map((id) => document.getElementById(id))
            .map((part) => [part.getBoundingClientRect().top + scrollY, getComputedStyle(part).breakBefore])"""
        )
        (first, before_first), (second, before_second) = edges
        assert (before_first, before_second) == ("page", "page")
        assert first < 1_047
        assert second - first < 1_047


def test_everything_can_be_reached_and_opened_with_the_keyboard(seen: Seen) -> None:
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.textContent") == "Skip to the result"
    closed = seen.page.locator("details:not([open])")
    before = closed.count()
    closed.first.locator("summary").focus()
    seen.page.keyboard.press("Enter")
    assert closed.count() == before - 1


def test_dark_mode_turns_page_and_charts(in_either_scheme: Seen) -> None:
    page = in_either_scheme.page
    page.locator("#chart-test-accuracy .main-svg").first.wait_for()
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert ink(page, "body") == ("rgb(230, 232, 235)" if dark else "rgb(27, 31, 36)")
    fill = page.evaluate("getComputedStyle(document.querySelector('#chart-test-accuracy .xtick text')).fill")
    assert fill == ink(page, "body")


def test_a_change_of_scheme_redraws_the_charts(seen: Seen) -> None:
    tick = seen.page.locator("#chart-test-accuracy .xtick text").first
    expect(tick).to_have_css("fill", "rgb(27, 31, 36)")
    seen.page.emulate_media(color_scheme="dark")
    expect(tick).to_have_css("fill", "rgb(230, 232, 235)")


def test_print_has_every_part_and_every_chart_in_light(browser: Browser, report: Path) -> None:
    for seen in show(browser, report, scheme="dark"):
        opened = seen.page.locator("details[open]").count()
        printed = seen.page.pdf()
        assert printed.startswith(b"%PDF")
        seen.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert seen.page.locator("details:not([open])").count() == 0
        assert seen.page.locator("[id^='chart-']:has(.main-svg)").count() == 17
        seen.page.emulate_media(media="print", color_scheme="dark")
        assert ink(seen.page, "body") == "rgb(27, 31, 36)"
        seen.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert seen.page.locator("details[open]").count() == opened
