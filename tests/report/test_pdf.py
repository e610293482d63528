import time
from pathlib import Path

import psutil
import pytest

from imdb_tasks.report import pdf


def test_a_browser_that_never_answers_is_ended_with_all_that_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    silent = tmp_path / "browser"
    silent.write_text(f"#!/bin/sh\nsleep 3600 &\necho $! $$ >> {tmp_path}/pids\nwait\n")
    silent.chmod(0o755)
    monkeypatch.setenv("BROWSER_PATH", str(silent))
    assert not pdf.print_pdf("<p>page</p>", tmp_path / "page.pdf", patience=1.0)
    assert not (tmp_path / "page.pdf").exists()
    for pid in map(int, (tmp_path / "pids").read_text().split()):
        for _ in range(100):
            if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                break
            time.sleep(0.05)
        else:
            pytest.fail(f"process {pid} lives on")


@pytest.mark.parametrize("browser", ["/bin/false", "/no/such/browser"])
def test_a_browser_that_does_not_start_costs_the_pdf_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, browser: str
) -> None:
    monkeypatch.setenv("BROWSER_PATH", browser)
    assert not pdf.print_pdf("<p>page</p>", tmp_path / "page.pdf")
