"""A Chromium for the tests of pages."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from scripts.chromium import MISSING, chromium, launched


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless browser. Without one, CI fails; on a user's machine the tests say that they were skipped."""
    path = chromium()
    if path is None:
        pytest.fail(MISSING) if os.environ.get("CI") else pytest.skip(MISSING)
    with launched(path) as started:
        yield started
