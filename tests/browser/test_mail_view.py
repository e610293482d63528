"""The mail as a reader's program shows it: its pictures beside it, in a narrow and a wide window, light and dark."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from imdb_tasks.report import build, mail
from imdb_tasks.report.charts import png
from tests.support.reports import KINDS, unusual
from tests.support.study_analysis import material
from tests.support.study_results import study_result


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The HTML part of a composed mail; like a mail program, it takes the pictures from the other parts."""
    folder = tmp_path_factory.mktemp("report")
    about = build.write_report(material(study_result()), folder)
    message = mail.compose_mail(folder, about, sender="a@example.org", recipients=["b@example.org"], identity="run r")
    pictures = {
        part["Content-ID"].strip("<>"): base64.b64encode(part.get_content()).decode()
        for part in message.walk()
        if part["Content-ID"]
    }
    html = message.get_body(("html",)).get_content()
    file = folder / "shown.html"
    file.write_text(re.sub(r"cid:([^\"]+)", lambda found: f"data:image/png;base64,{pictures[found[1]]}", html), "utf8")
    return file


@pytest.fixture(params=[(360, "light"), (360, "dark"), (800, "light"), (800, "dark")], ids=lambda p: f"{p[0]}-{p[1]}")
def page(request: pytest.FixtureRequest, browser: Browser, shown: Path) -> Iterator[Page]:
    width, scheme = request.param
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(shown.as_uri())
    yield page
    page.close()


def test_axe_finds_nothing(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_the_mail_fits_its_window_and_shows_its_pictures(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    widths = page.evaluate("[...document.images].map((image) => image.naturalWidth)")
    assert widths == [1_050] * 4


def test_the_first_screen_has_the_main_result_and_the_first_ruling(page: Page) -> None:
    for text in ("Supported: GRU performs better than LSTM.", "supported"):
        box = page.get_by_text(text).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 800


def test_text_and_ground_follow_the_scheme(page: Page) -> None:
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(20, 23, 28)" if dark else "rgb(255, 255, 255)")


@pytest.mark.parametrize("kind", KINDS)
def test_the_mail_of_any_study_fits_a_phone(browser: Browser, tmp_path: Path, kind: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "save_pictures", lambda figures, target: "none were drawn for this test")
        build.write_report(unusual(kind), tmp_path)
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.goto((tmp_path / "mail.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.close()


def test_pictures_are_legible_on_a_phone(page: Page) -> None:
    shrunk = page.evaluate("Math.min(...[...document.images].map((image) => image.clientWidth))") / png.WIDTH
    assert 12 * shrunk >= 9  # pixels; the smallest words are of 12 pixels


def test_words_engine_keeps_the_layout(browser: Browser, shown: Path, tmp_path: Path) -> None:
    """Outlook shows a mail with Word: it reads conditional comments, and neither media queries nor max-width."""
    html = re.sub(r"<style>\n:root.*?</style>", "", shown.read_text("utf8"), flags=re.DOTALL)
    html = html.replace("<!--[if mso]>", "").replace("<![endif]-->", "")
    html = re.sub(r"(max-width|border-radius|word-break):[^;\"]*;?", "", html)
    html = re.sub(r"(<img[^>]*?)width:100%;", r"\1", html)
    (tmp_path / "word.html").write_text(html, "utf8")
    page = browser.new_page(viewport={"width": 1_000, "height": 800})
    page.goto((tmp_path / "word.html").as_uri())
    widest = page.evaluate("Math.max(...[...document.querySelectorAll('td, p, img, h1, h2')].map(e => e.clientWidth))")
    assert widest <= 640
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontFamily").startswith("Arial")
    page.close()
