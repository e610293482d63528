"""Airflow's pages as a person uses them, driven in a real browser: for the browser test and for the pictures."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Frame, Page

from scripts.local_airflow import DAG

SECTION = "Study (for the profile custom)"
LOOK = 500  # milliseconds between two looks at the page
PATIENCE = 240_000  # milliseconds for a run on a slow and busy machine


class AirflowUi:
    """One page of a browser, signed in."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def sign_in(self, user: str, password: str) -> None:
        """Fill in the login form."""
        self.page.goto(self.url)
        self.page.fill("input[name=username]", user)
        self.page.fill("input[name=password]", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(lambda url: "/auth/" not in url)

    def open_form(self) -> None:
        """Open the trigger form with every section that matters here."""
        self.page.goto(f"{self.url}/dags/{DAG}")
        self.page.get_by_role("button", name="Trigger").first.click()
        self.page.locator("#element_profile").wait_for()

    def choose(self, field: str, value: str) -> None:
        """Choose one of a few words."""
        self.page.click(f"#element_{field}")
        self.page.get_by_role("option", name=value, exact=True).click()

    def open_section(self) -> None:
        """Unfold the fields of the grid."""
        self.page.get_by_text(SECTION).click()
        self.page.locator("#element_units .view-line").first.wait_for()

    def enter(self, field: str, value: float) -> None:
        """Type a number into a field."""
        self.page.fill(f"[name=element_{field}]", str(value))
        self.page.keyboard.press("Tab")

    def drop(self, field: str, count: int) -> None:
        """Delete the first values of a list, in the small editor that the form has for it: each is a line."""
        lines = self.page.locator(f"#element_{field} .view-line")
        left = lines.count() - count
        self.page.click(f"#element_{field} .view-lines")
        self.page.keyboard.press("Control+Home")
        self.page.keyboard.press("ArrowDown")
        for _ in range(count):
            self.page.keyboard.press("Control+Shift+k")
        self.wait_until(lambda: lines.count() == left, patience=5_000)

    def remove(self, field: str, value: str) -> None:
        """Take one of several chosen words away."""
        self.page.get_by_label(f"Remove {value}").click()
        self.page.locator(f"[name=element_{field}][value={value}]").wait_for(state="detached")

    def trigger(self) -> str:
        """Send the form, and return the id of the run."""
        with self.page.expect_response(lambda answer: answer.request.method == "POST") as sent:
            self.page.get_by_role("dialog").get_by_role("button", name="Trigger").click()
        return str(sent.value.json()["dag_run_id"])

    def open_tab(self, path: str, name: str) -> Frame:
        """Open one of the study's own tabs on a page below a run, and return what is framed in it."""
        self.page.goto(f"{self.url}/dags/{DAG}/runs/{path}")
        self.page.get_by_role("link", name=name, exact=True).click()
        return self.framed(name)

    def open_curves(self, run: str, map_index: int) -> Frame:
        """Open the tab "Curves" of a training task."""
        return self.open_tab(f"{quote(run)}/tasks/train/mapped/{map_index}", "Curves")

    def open_study(self) -> Frame:
        """Open "Study" in the navigation."""
        self.page.goto(self.url)
        self.page.get_by_role("link", name="Study", exact=True).click()
        return self.framed("Study")

    def framed(self, name: str) -> Frame:
        """Return the content of the frame of this name, once it is there."""
        handle = self.page.wait_for_selector(f'iframe[title="{name}"]')
        frame = handle.content_frame() if handle else None
        assert frame is not None  # noqa: S101 - an iframe has one
        frame.wait_for_load_state("load")
        return frame

    def wait_until(self, ready: Callable[[], Any], *, patience: int = PATIENCE) -> Any:
        """Look again and again until ``ready`` answers with something; the page goes on meanwhile."""
        for _ in range(patience // LOOK):
            if found := ready():
                return found
            self.page.wait_for_timeout(LOOK)
        raise TimeoutError(f"not ready after {patience / 1000:.0f} s: {ready}")


def facts_of(frame: Frame) -> Mapping[str, str]:
    """Return the facts above the curves, by their names."""
    pairs = frame.locator("#facts div").all_inner_texts()
    return dict(pair.split("\n", 1) for pair in pairs if "\n" in pair)
