"""A headless Chromium that stays at home."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

MISSING = "this needs Chromium or Chrome: apt-get install chromium"
# Root may not use the sandbox; the rest keeps the browser from calling home.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str | None:
    """Return the path of the browser of this machine."""
    return shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def launched(path: str) -> Iterator[Browser]:
    """Start the browser; it ends with the block, and with it playwright's event loop, which others would trip over."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS))
        yield browser
        browser.close()
