"""The pictures of the README, from two real runs on the bundled sample: `make pictures` writes docs/pictures."""

import os
import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from scripts.airflow_ui import SECTION, AirflowUi, facts_of
from scripts.chromium import MISSING, chromium, launched
from scripts.files import PROJECT
from scripts.home import USER
from scripts.local_airflow import DAG, LocalAirflow, run_locally, say
from scripts.mail_catcher import MailCatcher, mail_as_page, read_mail

FOLDER = PROJECT / "docs" / "pictures"
LARGEST = 300_000  # bytes
WIDTH, HEIGHT = 1280, 800
# The first run is only there for the second to be compared with.
BEFORE = {"profile": "custom", "source": "sample", "cells": ["GRU"], "units": [32], "batch_sizes": [32], "epochs": 3}
REPLICATES, EPOCHS, LEARNING_RATE = 3, 15, 0.001
WATCHED = 8  # epochs


class Camera:
    """Takes pictures of what Airflow's pages show, and keeps them: the pages name a changed file, as "dirty" code."""

    def __init__(self, ui: AirflowUi) -> None:
        self.ui = ui
        self.pictures: dict[str, bytes] = {}

    def take(self, name: str) -> None:
        """Take one picture."""
        self.ui.page.wait_for_timeout(1_000)  # fonts, and what moves when a page opens
        self.pictures[name] = self.ui.page.screenshot()


def main() -> int:
    """Run everything in a home of its own, and return the exit code."""
    if chromium() is None:
        print(MISSING, file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="imdb-pictures-") as home:
        os.environ["IMDB_AIRFLOW_HOME"] = home
        os.environ.pop("IMDB_STORE", None)
        return run_locally(_run)


def _run(airflow: LocalAirflow, mail: MailCatcher) -> int:
    with launched(str(chromium())) as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        camera = Camera(AirflowUi(page, airflow.api.url))
        camera.ui.sign_in(USER, airflow.home.password)
        airflow.api.unpause(DAG)
        _first_run(airflow, camera)
        _second_run(airflow, camera)
        camera.pictures["mail"] = _mail(browser, mail)
    for name, picture in camera.pictures.items():
        _write(name, picture)
    return 0


def _first_run(airflow: LocalAirflow, camera: Camera) -> None:
    say("A first run")
    run = airflow.api.trigger(DAG, {**BEFORE, "notify": "never"})
    camera.ui.wait_until(lambda: airflow.api.state(DAG, run) in ("success", "failed"))


def _second_run(airflow: LocalAirflow, camera: Camera) -> None:
    say("A second run, watched")
    ui = camera.ui
    ui.open_form()
    ui.choose("profile", "custom")
    ui.choose("source", "sample")
    ui.enter("replicates", REPLICATES)
    ui.open_section()
    ui.drop("units", 1)  # 128; of each layer size, batches of 32
    ui.drop("batch_sizes", 2)
    ui.enter("epochs", EPOCHS)
    ui.enter("learning_rate", LEARNING_RATE)
    ui.page.get_by_text(SECTION).scroll_into_view_if_needed()
    camera.take("form")
    run = ui.trigger()
    ui.wait_until(lambda: _is_training(airflow, run))
    frame = ui.open_curves(run, 0)
    ui.wait_until(lambda: int(re.sub(r"\D.*", "", facts_of(frame).get("Epoch", "0"))) >= WATCHED)
    camera.take("curves")
    ui.wait_until(lambda: airflow.api.state(DAG, run) in ("success", "failed"), patience=600_000)
    ui.open_tab(run, "Report").locator("h1").wait_for()  # its charts are drawn when they come near
    camera.take("report")
    study = ui.open_study()
    camera.take("study")
    study.get_by_role("button", name="Compare").click()
    study.locator("h1", has_text="Two runs").wait_for()
    camera.take("compare")


def _is_training(airflow: LocalAirflow, run: str) -> bool:
    return any(task["task_id"] == "train" and task["state"] == "running" for task in airflow.api.tasks(DAG, run))


def _mail(browser: Browser, mail: MailCatcher) -> bytes:
    page = browser.new_page(viewport={"width": 700, "height": 1_000})
    page.set_content(mail_as_page(read_mail(mail.received[-1])), wait_until="load")
    picture = page.screenshot()
    page.close()
    return picture


def _write(name: str, picture: bytes) -> None:
    path = Path(FOLDER, f"{name}.png")
    path.write_bytes(picture)
    size = path.stat().st_size
    say(f"{path.relative_to(PROJECT)}  {size:,} bytes")
    if size > LARGEST:
        raise SystemExit(f"{path} has {size:,} bytes; expected at most {LARGEST:,}: make the window smaller")


if __name__ == "__main__":
    sys.exit(main())
