"""The report page in a real browser: readable by everyone, on any screen, without any network."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from imdb_tasks.report import build
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
    assert drawn.count() == seen.page.locator("[id^='chart-']").count() == 15


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


def test_a_phone_shows_the_recommendation_on_its_first_screen(on_a_phone: Seen) -> None:
    box = on_a_phone.page.locator(".headline").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 400


def test_everything_can_be_reached_and_opened_with_the_keyboard(seen: Seen) -> None:
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.textContent") == "Skip to the result"
    seen.page.locator("summary").first.focus()
    seen.page.keyboard.press("Enter")
    assert seen.page.locator("details").first.get_attribute("open") is not None


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
        printed = seen.page.pdf()
        assert printed.startswith(b"%PDF")
        seen.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert seen.page.locator("details:not([open])").count() == 0
        assert seen.page.locator("[id^='chart-']:has(.main-svg)").count() == 15
        seen.page.emulate_media(media="print", color_scheme="dark")
        assert ink(seen.page, "body") == "rgb(27, 31, 36)"
        seen.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert seen.page.locator("details[open]").count() == 0
