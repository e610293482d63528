"""Airflow's pages in a real browser without an Airflow: under their own policy, with their own style and scripts."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route

from imdb_tasks.resources import PLOTLY_JS, STATIC
from plugins.imdb_study_pages.answers import POLICY

ROOT = "/imdb-study"
SITE = "http://airflow.test"
TYPES = {".css": "text/css", ".js": "text/javascript"}


@dataclass(frozen=True)
class Screen:
    """What a page is looked at with."""

    width: int = 1_280
    scheme: str = "light"
    scripts: bool = True


DESK, PHONE = Screen(), Screen(width=360)
SCREENS = (DESK, PHONE, Screen(scheme="dark"), Screen(width=360, scheme="dark"))


@dataclass
class Shown:
    """A page that is open, and what the browser had to complain about."""

    page: Page
    faults: list[str] = field(default_factory=list)

    def axe(self) -> list[str]:
        found = Axe().run(self.page).response["violations"]
        return [f"{fault['id']}: {fault['nodes'][0]['html']}" for fault in found]

    def is_wider_than_the_screen(self) -> bool:
        return self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


@contextmanager
def shown(
    browser: Browser,
    pages: Mapping[str, str],
    path: str = "",
    screen: Screen = DESK,
    *,
    data: Mapping[str, Any] | None = None,
) -> Iterator[Shown]:
    """Open ``path`` of ``pages``, which lie below ``ROOT``; ``data`` is what the page's script hears of a training."""
    context = browser.new_context(
        viewport={"width": screen.width, "height": 800},
        color_scheme=screen.scheme,
        java_script_enabled=screen.scripts,
    )
    page = context.new_page()
    seen = Shown(page)
    page.on("console", lambda said: seen.faults.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: seen.faults.append(str(error)))

    def answer(route: Route) -> None:
        url = urlsplit(route.request.url)
        asked = url.path.removeprefix(f"{ROOT}/")
        if asked.startswith("static/"):
            name = asked.removeprefix("static/")
            file = PLOTLY_JS if name == PLOTLY_JS.name else STATIC / name
            route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix])
        elif asked == "training":
            route.fulfill(body=json.dumps(data), content_type="application/json")
        elif (whole := f"{asked}?{url.query}" if url.query else asked) in pages:
            headers = {"Content-Security-Policy": POLICY}
            route.fulfill(body=pages[whole], content_type="text/html; charset=utf-8", headers=headers)
        else:
            seen.faults.append(f"asked for {route.request.url}")
            route.fulfill(status=404)

    page.route("**/*", answer)
    page.goto(f"{SITE}{ROOT}/{path}")
    yield seen
    context.close()
