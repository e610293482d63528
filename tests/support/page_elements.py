"""A real browser, and what it makes of a page: its elements, its errors, its dialogs."""

import json
from collections import Counter
from dataclasses import dataclass, field

from playwright.sync_api import Page

ELEMENTS = """() => {
  const names = {};
  for (const element of document.querySelectorAll("*")) {
    if (element.closest("[id^=chart-]")) continue;
    const handlers = element.getAttributeNames().filter(name => name.startsWith("on"));
    const name = [element.localName, ...handlers].join(" ");
    names[name] = (names[name] || 0) + 1;
  }
  return JSON.stringify(names);
}"""
FOREIGN = """() => [...document.querySelectorAll("[id^=chart-] *")]
  .filter(element => ["script", "iframe", "img", "object", "embed", "form", "a"].includes(element.localName))
  .filter(element => !element.classList.contains("modebar-btn")).map(element => element.outerHTML)"""


@dataclass
class Seen:
    """What a page came to be. ``elements`` leaves out the charts: plotly draws those, as many as it needs."""

    text: str = ""
    elements: Counter[str] = field(default_factory=Counter)
    in_charts: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def look_at(page: Page, url: str) -> Seen:
    """Open a page, wait for its scripts, and tell what is there."""
    seen = Seen()
    page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("console", lambda told: seen.errors.append(told.text) if told.type == "error" else None)
    page.on("request", lambda request: seen.requests.append(request.url))
    page.goto(url, wait_until="load", timeout=120_000)
    page.wait_for_timeout(1_000)
    seen.text = page.evaluate("document.body.innerText")
    seen.elements = Counter(json.loads(page.evaluate(ELEMENTS)))
    seen.in_charts = page.evaluate(FOREIGN)
    return seen
