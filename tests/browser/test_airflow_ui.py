"""The study as a person meets it in Airflow: real server, real scheduler, real training, real browser, real mail.

One run is started by hand in the trigger form and watched; a second one, from a request, is compared with it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Frame, Page

from imdb_tasks.store import sha256_of
from scripts.airflow_ui import AirflowUi, facts_of
from scripts.home import USER
from scripts.local_airflow import DAG, LocalAirflow
from scripts.mail_catcher import MailCatcher, mail_as_page, read_mail

SCREENSHOTS = Path(__file__).parent / "screenshots"
EPOCHS = 30
SMALL = {"profile": "custom", "source": "sample", "cells": ["GRU"], "units": [32], "batch_sizes": [32]}


@dataclass(frozen=True)
class Desk:
    """What the person has: Airflow in a browser, and a mailbox. ``faults`` are the browser's complaints."""

    airflow: LocalAirflow
    mail: MailCatcher
    ui: AirflowUi
    faults: list[str]

    def picture(self, name: str) -> None:
        self.ui.page.screenshot(path=SCREENSHOTS / f"{name}.png")

    def ended(self, run: str) -> str | None:
        state = self.airflow.api.state(DAG, run)
        return state if state in ("success", "failed") else None

    def is_training(self, run: str) -> bool:
        tasks = self.airflow.api.tasks(DAG, run)
        return any(task["task_id"] == "train" and task["state"] in ("running", "success") for task in tasks)


@pytest.fixture(scope="module")
def desk(airflow_with_mail: tuple[LocalAirflow, MailCatcher], browser: Browser) -> Iterator[Desk]:
    airflow, mail = airflow_with_mail
    SCREENSHOTS.mkdir(exist_ok=True)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    ui = AirflowUi(page, airflow.api.url)
    ui.sign_in(USER, airflow.home.password)
    faults: list[str] = []
    watch(page, airflow.api.url, faults)  # before the login Airflow asks for what it may not have, and says so
    yield Desk(airflow, mail, ui, faults)
    page.close()


def watch(page: Page, url: str, faults: list[str]) -> None:
    """Collect what goes wrong in the browser, and every request that leaves the loopback interface."""
    page.on("console", lambda said: faults.append(f"{said.text} {said.location}") if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    inside = (url, "data:", "blob:", "about:")
    page.on("request", lambda sent: None if sent.url.startswith(inside) else faults.append(f"asked {sent.url}"))


@pytest.fixture(scope="module")
def run_by_hand(desk: Desk) -> str:
    """Fill in the trigger form, and send it."""
    desk.airflow.api.unpause(DAG)
    desk.ui.open_form()
    desk.ui.choose("profile", "custom")
    desk.ui.choose("source", "sample")
    desk.ui.open_section()
    desk.ui.remove("cells", "LSTM")
    desk.ui.drop("units", 2)  # 128 and 64
    desk.ui.drop("batch_sizes", 2)
    desk.ui.enter("epochs", EPOCHS)
    desk.ui.enter("learning_rate", 0.001)
    desk.picture("form")
    return desk.ui.trigger()


@pytest.fixture(scope="module")
def watched(desk: Desk, run_by_hand: str) -> list[dict[str, str]]:
    """Watch the curves of the training task until it ends; return what was told, one look each time it changed."""
    desk.ui.wait_until(lambda: desk.is_training(run_by_hand))
    frame = desk.ui.open_curves(run_by_hand, 0)
    seen: list[dict[str, str]] = []

    def has_ended() -> bool:
        facts = dict(facts_of(frame))
        if facts and (not seen or facts != seen[-1]):
            seen.append(facts)
            if len(seen) == 2:
                desk.picture("curves-while-training")
        return frame.inner_text("#state") == "finished"

    desk.ui.wait_until(has_ended)
    desk.picture("curves")
    return seen


@pytest.fixture(scope="module")
def finished_run(desk: Desk, run_by_hand: str, watched: list[dict[str, str]]) -> str:
    assert desk.ui.wait_until(lambda: desk.ended(run_by_hand)) == "success"
    return run_by_hand


@pytest.fixture(scope="module")
def another_run(desk: Desk, finished_run: str) -> str:
    run = desk.airflow.api.trigger(DAG, {**SMALL, "epochs": 2, "notify": "never"})
    assert desk.ui.wait_until(lambda: desk.ended(run)) == "success"
    return run


def epoch(facts: dict[str, str]) -> int:
    return int(facts["Epoch"].split(" of ")[0])


def test_the_curves_of_a_training_task_move_while_it_trains(desk: Desk, watched: list[dict[str, str]]) -> None:
    assert epoch(watched[-1]) == EPOCHS
    assert 1 <= epoch(watched[0]) < EPOCHS
    assert [epoch(facts) for facts in watched] == sorted(epoch(facts) for facts in watched)
    assert watched[0].keys() >= {"Epoch", "Time per epoch", "Time left", "Throughput", "Validation accuracy"}
    assert "Total time" in watched[-1]
    frame = desk.ui.framed("Curves")
    assert frame.locator("#loss .scatterlayer .trace").count() == 2
    assert frame.locator("#accuracy .scatterlayer .trace").count() == 2


def test_a_training_task_is_called_by_its_variant(desk: Desk, finished_run: str) -> None:
    labels = {task["rendered_map_index"] for task in desk.airflow.api.tasks(DAG, finished_run)}
    assert "GRU, 32 units, batches of 32" in labels


def test_a_task_that_trains_nothing_has_a_word_instead_of_curves(desk: Desk, finished_run: str) -> None:
    frame = desk.ui.open_tab(f"{finished_run}/tasks/prepare", "Curves")
    assert "Only the training tasks have curves" in frame.inner_text("main")


def test_a_run_leads_to_its_report(desk: Desk, finished_run: str) -> None:
    frame = desk.ui.open_tab(finished_run, "Report")
    assert "GRU-32/32" in frame.inner_text(".summary")
    desk.picture("report")
    frame.locator("figure").first.scroll_into_view_if_needed()  # a chart is drawn when it comes near the screen
    frame.locator(".js-plotly-plot").first.wait_for()


def test_the_study_says_what_each_run_was_and_who_started_it(desk: Desk, finished_run: str, another_run: str) -> None:
    frame = desk.ui.open_study()
    [row] = frame.locator("table.runs tbody tr").filter(has=frame.get_by_text(finished_run, exact=True)).all()
    words = row.inner_text()
    assert f"started by {USER}" in words
    assert "sample" in words
    assert f"custom, {EPOCHS} epochs, 1 replicate" in words
    frame.get_by_label("Text").fill(another_run)
    frame.get_by_role("button", name="Filter").click()
    frame.get_by_role("link", name="Show all").wait_for()
    assert frame.locator("table.runs tbody tr").count() == 1


def test_a_report_leads_back_to_the_study(desk: Desk, finished_run: str) -> None:
    frame = desk.ui.open_tab(finished_run, "Report")
    frame.get_by_role("link", name="All runs of the study").click()
    frame.locator("table.runs").wait_for()


def test_airflows_dark_mode_reaches_the_report(desk: Desk, finished_run: str) -> None:
    desk.ui.page.emulate_media(color_scheme="null")  # else each frame is told what the test says, not what Airflow does
    for mode, dark in (("dark", True), ("light", False)):
        desk.ui.page.evaluate("mode => localStorage.setItem('theme', mode)", mode)
        frame = desk.ui.open_tab(finished_run, "Report")
        assert frame.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is dark
        assert desk.ui.page.evaluate("document.documentElement.classList.contains('dark')") is dark
        study = desk.ui.open_study()
        study.locator("html.dark" if dark else "html:not(.dark)").wait_for()
    desk.ui.page.evaluate("localStorage.removeItem('theme')")
    desk.ui.page.emulate_media(color_scheme="light")


def test_two_runs_are_compared(desk: Desk, finished_run: str, another_run: str) -> None:
    frame = desk.ui.open_study()
    desk.picture("study")
    frame.get_by_label(f"Compare {finished_run}, as the one before").check()
    frame.get_by_label(f"Compare {another_run}, as the one after").check()
    frame.get_by_role("button", name="Compare").click()
    frame.locator("h1", has_text="Two runs").wait_for()
    words = frame.inner_text("main")
    assert re.search(rf"training epochs\s+{EPOCHS}\s+2", words)
    assert re.search(r"GRU-32/32\s+\d+\.\d %\s+\d+\.\d %\s+[+−]?\d+\.\d", words)
    assert frame.locator("ul.panels svg polyline").count() == 4
    assert "The same data." in words
    desk.picture("compare")


def test_the_pages_follow_airflows_colour_mode(desk: Desk, finished_run: str) -> None:
    desk.ui.page.emulate_media(color_scheme="dark")
    frame = desk.ui.open_study()
    frame.locator("html.dark").wait_for()
    desk.picture("study-dark")
    desk.ui.page.emulate_media(color_scheme="light")
    frame.locator("html:not(.dark)").wait_for()


def test_the_pages_are_there_for_everybody(desk: Desk, finished_run: str, another_run: str) -> None:
    def look_at(frame: Frame) -> list[str]:
        found = Axe().run(frame).response["violations"]
        return [f"{fault['id']}: {fault['nodes'][0]['html']}" for fault in found]

    for mode in ("light", "dark"):
        desk.ui.page.emulate_media(color_scheme=mode)
        curves = desk.ui.open_curves(finished_run, 0)
        curves.locator("#accuracy .trace").first.wait_for()
        assert look_at(curves) == []
        study = desk.ui.open_study()
        assert look_at(study) == []
        study.get_by_role("button", name="Compare").click()
        study.locator("h1", has_text="Two runs").wait_for()
        assert look_at(study) == []
    desk.ui.page.emulate_media(color_scheme="light")


def test_the_best_model_is_announced_with_where_it_is(desk: Desk, finished_run: str) -> None:
    events = desk.airflow.api.asset_events(finished_run)
    [best] = [event["extra"] for event in events if event["name"] == "imdb_best_model"]
    assert best["variant"] == "32_GRU_32"
    assert 0.5 < best["accuracy"] <= 1
    assert sha256_of(Path(best["path"])) == best["sha256"]


def test_the_mail_can_be_read(desk: Desk, finished_run: str, browser: Browser, tmp_path: Path) -> None:
    [message] = desk.mail.received
    page = browser.new_page(viewport={"width": 700, "height": 900})
    file = tmp_path / "mail.html"
    file.write_text(mail_as_page(read_mail(message)), "utf8")
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url) if sent.url.startswith("http") else None)
    page.goto(file.as_uri())
    assert "Use GRU-32/32: " in page.inner_text("body")
    pictures = page.evaluate("[...document.images].map(image => image.complete && image.naturalWidth)")
    assert pictures
    assert all(pictures)
    page.screenshot(path=SCREENSHOTS / "mail.png", full_page=True)
    page.close()
    assert asked == []


def test_the_browser_had_nothing_to_complain_about_and_nothing_left_this_machine(
    desk: Desk, finished_run: str, another_run: str
) -> None:
    assert desk.faults == []
