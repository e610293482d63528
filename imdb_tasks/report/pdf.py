"""A page as a PDF: Chromium prints it, in a process group of its own that ends with the limit."""

import contextlib
import logging
import os
import signal
import subprocess
import tempfile
from pathlib import Path

log = logging.getLogger(__name__)

_PATIENCE = 60.0  # seconds; it takes two on a quiet machine
_AFTER_THE_KILL = 5.0
# Root may not use the sandbox, as in kaleido; the rest keeps the browser from calling home.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-pdf-header-footer",
)


def print_pdf(html: str, target: Path, patience: float = _PATIENCE) -> bool:
    """Print ``html`` to ``target``; return whether that worked. A mail without a PDF is still a mail."""
    browser = _browser()
    if browser is None:
        return False
    with tempfile.TemporaryDirectory(prefix="imdb-pdf-", ignore_cleanup_errors=True) as folder:
        page, printed = Path(folder, "page.html"), Path(folder, "page.pdf")
        page.write_text(html, "utf8")
        command = [browser, *_FLAGS, f"--user-data-dir={folder}/profile", f"--print-to-pdf={printed}", page.as_uri()]
        ended = _run(command, patience)
        if not ended or not printed.is_file():
            log.warning("the mail has no PDF: the browser %s", "wrote none" if ended else "did not answer in time")
            return False
        target.write_bytes(printed.read_bytes())
    return True


def _browser() -> str | None:
    from choreographer.browsers.chromium import Chromium

    return os.environ.get("BROWSER_PATH") or Chromium.find_browser(skip_local=False)


def _run(command: list[str], patience: float) -> bool:
    """Run a program and all that it starts; end them after ``patience`` seconds. Return whether it ended by itself."""
    quiet = subprocess.DEVNULL
    try:
        process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)  # noqa: S603
    except OSError:
        log.warning("the browser could not be started", exc_info=True)
        return False
    try:
        return process.wait(patience) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_AFTER_THE_KILL)
